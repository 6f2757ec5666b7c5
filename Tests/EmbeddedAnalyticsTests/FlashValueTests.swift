import AnalyticsKernels
import EmbeddedAnalytics
import Engines
import Testing
import Turns
import Workers

@Suite("Flash algorithms with a value per vertex agree with their definitions on small graphs", .takesTurns)
struct FlashValueTests {
  @Test("bridges, articulation points", arguments: TestGraph.small)
  func cuts(_ graph: TestGraph) async throws {
    let (plain, simple) = (PlainGraph(graph), graph.simple())
    let bridges = plain.vertices.map { vertex in
      Int64(
        plain.neighbours(vertex).count {
          plain.edges[vertex][$0] == 1 && plain.distances(from: vertex, cutting: (vertex, $0))[$0] == nil
        })
    }
    let cutPoints = plain.vertices.map { vertex in
      let around = plain.neighbours(vertex)
      guard let first = around.first else { return Int32(0) }
      let reached = plain.distances(from: first, without: [vertex])
      return around.contains { reached[$0] == nil } ? 1 : 0
    }
    for suffix in ["", "_2"] {
      #expect(try await run("flash_bridge" + suffix, on: simple).integers == bridges)
      guard case .int32(let values) = try await run("flash_cut_point" + suffix, on: simple) else {
        throw EngineFixture.Surprise()
      }
      #expect(Array(values.values) == cutPoints)
    }
  }

  @Test("biconnected components", arguments: TestGraph.small)
  func blocks(_ graph: TestGraph) async throws {
    let plain = PlainGraph(graph)
    /// Whether two vertices are in a common component: no other vertex separates them.
    func share(_ a: Int, _ b: Int) -> Bool {
      plain.joins[a][b]
        || plain.distances(from: a)[b] != nil
          && plain.vertices.allSatisfy { $0 == a || $0 == b || plain.distances(from: a, without: [$0])[b] != nil }
    }
    let expected = plain.vertices.map { vertex in
      let root = plain.vertices.first { plain.distances(from: $0)[vertex] != nil }!
      guard vertex != root else { return Int64(root) }
      let towards = plain.neighbours(vertex).first { plain.distances(from: $0, without: [vertex])[root] != nil }!
      let block = plain.vertices.filter {
        $0 == vertex || $0 == towards || share($0, vertex) && share($0, towards)
      }
      let top = block.first { top in
        top == root || block.allSatisfy { $0 == top || plain.distances(from: $0, without: [top])[root] == nil }
      }!
      return Int64(block.first { $0 != top }!)
    }
    for name in ["flash_bcc", "flash_bcc_2"] {
      #expect(try await run(name, on: graph.simple()).integers == expected)
    }
  }

  @Test("layers", arguments: TestGraph.small + TestGraph.shapes)
  func layers(_ graph: TestGraph) async throws {
    let (plain, simple) = (PlainGraph(graph), graph.simple())
    let cores = plain.coreNumbers
    #expect(try await run("flash_kcore", on: simple).integers == cores.map(Int64.init))
    #expect(try await run("flash_onion", on: simple).integers == plain.layers(from: 0).map { Int64($0) + 1 })
    let degeneracy = plain.layers(from: cores.max() ?? 0)
    #expect(try await run("flash_degeneracy", on: simple).integers == degeneracy.map(Int64.init))
  }

  @Test("colours", arguments: TestGraph.small + TestGraph.shapes)
  func colours(_ graph: TestGraph) async throws {
    let plain = PlainGraph(graph)
    var colours = [Int64](repeating: -1, count: graph.vertexCount)
    let order = plain.vertices.sorted {
      (-plain.neighbours($0).count, $0) < (-plain.neighbours($1).count, $1)
    }
    for vertex in order {
      let used = Set(plain.neighbours(vertex).map { colours[$0] })
      colours[vertex] = (0...).first { !used.contains($0) }!
    }
    #expect(try await run("flash_color", on: graph.simple()).integers == colours)
  }

  @Test("labels are those of cdlp", arguments: TestGraph.small)
  func labels(_ graph: TestGraph) async throws {
    #expect(try await run("flash_lpa", on: graph.simple()).integers == Reference.cdlp(graph, rounds: 10))
  }

  @Test("distances to centres are at most twice the least possible", arguments: TestGraph.small)
  func centres(_ graph: TestGraph) async throws {
    let plain = PlainGraph(graph)
    let far = plain.vertices.map { plain.distances(from: $0) }
    for k in 1...4 {
      guard case .int32(let values) = try await run("flash_k_center", on: graph.simple(), [.integer(Int64(k))]) else {
        throw EngineFixture.Surprise()
      }
      let found = values.values.map { $0 < 0 ? nil : Int($0) }
      func radius(_ distances: [Int?]) -> Int { distances.reduce(0) { max($0, $1 ?? 1_000) } }
      var best = Int.max
      plain.forEachList(of: min(k, graph.vertexCount)) { centres in
        best = min(best, radius(plain.vertices.map { vertex in centres.compactMap { far[$0][vertex] }.min() }))
      }
      #expect(found.count { $0 == 0 } == min(k, graph.vertexCount))
      let centres = plain.vertices.filter { found[$0] == 0 }
      #expect(found == plain.vertices.map { vertex in centres.compactMap { far[$0][vertex] }.min() })
      #expect(best >= 1_000 || radius(found) <= 2 * best)
    }
  }

  @Test("ranks", arguments: TestGraph.small)
  func ranks(_ graph: TestGraph) async throws {
    let matrix = graph.matrix(loopsTwice: true)
    let (all, degrees) = (0..<graph.vertexCount, matrix.map { $0.reduce(0, +) })
    let mean = degrees.reduce(0, +) / Double(graph.vertexCount)
    var ranks = all.map { _ in 0.0 }
    var places = all.map { $0 == 0 ? 1.0 : 0.0 }
    for _ in 0..<7 {
      let before = (ranks, places)
      ranks = all.map { v in
        0.2 + 0.8 * all.reduce(0) { $0 + (matrix[$1][v] > 0 ? before.0[$1] * matrix[$1][v] / (degrees[$1] + mean) : 0) }
      }
      places = all.map { v in
        all.reduce(v == 0 ? 0.5 : 0) { sum, u in
          let step = degrees[u] == 0 ? (v == 0 ? 1 : 0) : matrix[u][v] / degrees[u]
          return sum + 0.5 * before.1[u] * step
        }
      }
    }
    let simple = graph.simple()
    let article = try await run("flash_articlerank", on: simple, [.integer(7), .double(0.8)]).doubles
    #expect(agree(article, ranks))
    let personal = try await run("flash_ppr", on: simple, [.integer(graph.ids[0]), .integer(7)]).doubles
    #expect(zip(try #require(personal), places).allSatisfy { abs($0 - $1) < 1e-12 })
  }

  @Test("scores of walks", arguments: TestGraph.small)
  func walks(_ graph: TestGraph) async throws {
    let matrix = graph.matrix(loopsTwice: false)
    let all = 0..<graph.vertexCount
    func towards(_ vector: [Double]) -> [Double] { all.map { v in all.reduce(0) { $0 + matrix[$1][v] * vector[$1] } } }
    func along(_ vector: [Double]) -> [Double] { all.map { v in all.reduce(0) { $0 + matrix[v][$1] * vector[$1] } } }
    var (walks, status) = (all.map { _ in 1.0 }, all.map { _ in 0.0 })
    for _ in 0..<10 {
      walks = towards(walks).map { $0 / 10 }
      for vertex in all { status[vertex] += walks[vertex] }
    }
    #expect(agree(try await run("flash_katz", on: graph.simple()).doubles, status, within: 1e-9))
    func scaled(_ vector: [Double]) -> [Double] {
      let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return length == 0 ? vector : vector.map { $0 / length }
    }
    var (authorities, hubs) = (all.map { _ in 0.0 }, all.map { _ in 1.0 })
    for _ in 0..<6 {
      authorities = scaled(towards(hubs))
      hubs = scaled(along(authorities))
    }
    #expect(agree(try await run("flash_hits", on: graph.simple(), [.integer(6)]).doubles, authorities, within: 1e-9))
  }

  @Test("harmonic centrality", arguments: TestGraph.small)
  func harmonic(_ graph: TestGraph) async throws {
    let distances = (0..<graph.vertexCount).map { Reference.sssp(graph, from: $0) }
    let expected = (0..<graph.vertexCount).map { vertex in
      distances.reduce(0) {
        $1[vertex] > 0 && $1[vertex] < .greatestFiniteMagnitude ? $0 + 1 / $1[vertex] : $0
      }
    }
    #expect(agree(try await run("flash_harmonic", on: graph.simple()).doubles, expected, within: 1e-9))
  }

  @Test(
    "what cannot be computed is rejected by name",
    arguments: [
      ("flash_k_clique", [QueryValue.integer(0)], "'k' of algorithm 'flash_k_clique' must be 1 or more", "0"),
      ("flash_k_clique_2", [.integer(-3)], "'k' of algorithm 'flash_k_clique_2' must be 1 or more", "-3"),
      ("flash_k_clique", [.double(.nan)], "'k' of algorithm 'flash_k_clique' must be an integer", "nan"),
      ("flash_k_center", [.integer(0)], "'k' of algorithm 'flash_k_center' must be 1 or more", "0"),
      ("flash_kcore_search", [.integer(-1)], "'k' of algorithm 'flash_kcore_search' must be 0 or more", "-1"),
      ("flash_ppr", [.integer(77)], "'source' of algorithm 'flash_ppr' must be the id of a vertex of the graph", "77"),
      ("flash_ppr", [.integer(0), .integer(-1)], "'max_round' of algorithm 'flash_ppr' must be 0 or more", "-1"),
      ("flash_hits", [.integer(0)], "'max_round' of algorithm 'flash_hits' must be 1 or more", "0"),
      (
        "flash_articlerank", [.integer(3), .double(.nan)],
        "'delta' of algorithm 'flash_articlerank' must be from 0 to 1",
        "nan"
      ),
    ])
  func nonsense(_ name: String, _ arguments: [QueryValue], _ message: String, _ evidence: String) async throws {
    let graph = TestGraph("triangle", 3, [(0, 1), (1, 2), (2, 0)], directed: false).simple()
    let error = await #expect(throws: EngineError.self) { try await run(name, on: graph, arguments) }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.hasSuffix(message) == true, "\(error?.message ?? "")")
    #expect(error?.evidence == evidence)
  }
}
