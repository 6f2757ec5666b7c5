import AnalyticsKernels
import EmbeddedAnalytics
import Engines
import Testing
import Turns
import Workers

private let pool = WorkerPool(threads: 3)

/// Runs an algorithm whose result is a single number.
func number(_ name: String, on graph: SimpleGraph, _ arguments: [QueryValue] = []) async throws -> Double {
  let algorithm = try Algorithms.builtIn.named(name)
  let result = try await pool.run { try algorithm.run(on: graph, arguments, workers: $0) }
  guard case .tensor(let values, let shape) = result, shape == [1] else { throw EngineFixture.Surprise() }
  return try #require(values.integers.map { $0.map(Double.init) } ?? values.doubles)[0]
}

@Suite("Flash algorithms that count agree with their definitions on small graphs", .takesTurns)
struct FlashCountTests {
  @Test("known graphs")
  func known() async throws {
    let clique = TestGraph("clique", 5, (0..<5).flatMap { a in (0..<a).map { (a, $0) } }, directed: false).simple()
    for (name, expected) in [
      ("flash_3_path", 60), ("flash_tailed_triangle", 60), ("flash_diamond", 30), ("flash_rectangle", 15),
      ("flash_k_clique", 1), ("flash_triangle", 10), ("flash_cyclic_triangle", 20), ("flash_acyclic_triangle", 60),
      ("flash_cycle_plus_triangle", 60), ("flash_in_triangle", 30), ("flash_out_triangle", 30),
      ("flash_densest_sub_2_approx", 2), ("flash_diameter_approx", 1), ("flash_mm", 2), ("flash_mis", 1),
      ("flash_min_cover", 4), ("flash_min_dominating_set", 1), ("flash_min_edge_cover", 3),
    ] {
      #expect(try await number(name, on: clique) == Double(expected), "\(name)")
    }
    let cycle = TestGraph("cycle", 4, [(0, 1), (1, 2), (2, 3), (3, 0)], directed: true).simple()
    for (name, expected) in [
      ("flash_3_path", 4), ("flash_rectangle", 1), ("flash_diamond", 0), ("flash_diameter_approx", 2),
      ("flash_min_edge_cover", 2), ("flash_densest_sub_2_approx", 1), ("flash_cyclic_triangle", 0),
    ] {
      #expect(try await number(name, on: cycle) == Double(expected), "\(name)")
    }
    let turn = TestGraph("turn", 3, [(0, 1), (1, 2), (2, 0), (1, 0)], directed: true).simple()
    for (name, expected) in [
      ("flash_cyclic_triangle", 1), ("flash_cycle_plus_triangle", 1), ("flash_acyclic_triangle", 1),
      ("flash_in_triangle", 0), ("flash_out_triangle", 0),
    ] {
      #expect(try await number(name, on: turn) == Double(expected), "\(name)")
    }
  }

  @Test("subgraphs", arguments: TestGraph.small)
  func subgraphs(_ graph: TestGraph) async throws {
    let (plain, simple) = (PlainGraph(graph), graph.simple())
    let (joins, leads) = (plain.joins, plain.leads)
    func isTriangle(_ v: [Int]) -> Bool { joins[v[0]][v[1]] && joins[v[1]][v[2]] && joins[v[2]][v[0]] }
    let cyclic = plain.count(of: 3) { leads[$0[0]][$0[1]] && leads[$0[1]][$0[2]] && leads[$0[2]][$0[0]] }
    #expect(try await number("flash_cyclic_triangle", on: simple) == Double(cyclic / 3))
    let acyclic = plain.count(of: 3) { leads[$0[0]][$0[1]] && leads[$0[1]][$0[2]] && leads[$0[0]][$0[2]] }
    #expect(try await number("flash_acyclic_triangle", on: simple) == Double(acyclic))
    let plus = plain.count(of: 3) {
      leads[$0[0]][$0[1]] && leads[$0[1]][$0[2]] && leads[$0[2]][$0[0]] && leads[$0[1]][$0[0]]
    }
    #expect(try await number("flash_cycle_plus_triangle", on: simple) == Double(plus))
    let inwards = plain.count(of: 3) {
      leads[$0[0]][$0[1]] && leads[$0[1]][$0[0]] && leads[$0[0]][$0[2]] && leads[$0[1]][$0[2]]
    }
    #expect(try await number("flash_in_triangle", on: simple) == Double(inwards / 2))
    let outwards = plain.count(of: 3) {
      leads[$0[0]][$0[1]] && leads[$0[1]][$0[0]] && leads[$0[2]][$0[0]] && leads[$0[2]][$0[1]]
    }
    #expect(try await number("flash_out_triangle", on: simple) == Double(outwards / 2))
    let triangles = plain.count(of: 3, where: isTriangle)
    #expect(try await number("flash_triangle", on: simple) == Double(triangles / 6))
    let paths = plain.count(of: 4) { joins[$0[0]][$0[1]] && joins[$0[1]][$0[2]] && joins[$0[2]][$0[3]] }
    #expect(try await number("flash_3_path", on: simple) == Double(paths / 2))
    let tailed = plain.count(of: 4) { isTriangle($0) && joins[$0[0]][$0[3]] }
    #expect(try await number("flash_tailed_triangle", on: simple) == Double(tailed / 2))
    let rectangles = plain.count(of: 4) {
      joins[$0[0]][$0[1]] && joins[$0[1]][$0[2]] && joins[$0[2]][$0[3]] && joins[$0[3]][$0[0]]
    }
    #expect(try await number("flash_rectangle", on: simple) == Double(rectangles / 8))
    let diamonds = plain.count(of: 4) { isTriangle($0) && joins[$0[0]][$0[3]] && joins[$0[1]][$0[3]] }
    #expect(try await number("flash_diamond", on: simple) == Double(diamonds / 4))
  }

  @Test("cliques", arguments: TestGraph.small)
  func cliques(_ graph: TestGraph) async throws {
    let plain = PlainGraph(graph)
    for size in 1...5 {
      let ordered = plain.count(of: size) { list in
        zip(list, list.dropFirst()).allSatisfy(<)
          && list.allSatisfy { a in list.allSatisfy { a == $0 || plain.joins[a][$0] } }
      }
      for name in ["flash_k_clique", "flash_k_clique_2"] {
        #expect(try await number(name, on: graph.simple(), [.integer(Int64(size))]) == Double(ordered))
      }
    }
    #expect(try await number("flash_k_clique", on: graph.simple(), [.integer(.max)]) == 0)
  }

  @Test("diameter, density of the innermost core", arguments: TestGraph.small + TestGraph.shapes)
  func measures(_ graph: TestGraph) async throws {
    let plain = PlainGraph(graph)
    let diameter = plain.vertices.map { plain.distances(from: $0).compactMap(\.self).max()! }.max() ?? 0
    for name in ["flash_diameter_approx", "flash_diameter_approx_2"] {
      #expect(try await number(name, on: graph.simple()) == Double(diameter))
    }
    let cores = plain.coreNumbers
    let core = plain.vertices.filter { cores[$0] == cores.max() }
    let edges = core.reduce(0) { sum, vertex in sum + core.reduce(0) { $0 + plain.edges[vertex][$1] } }
    let density = core.isEmpty ? 0 : Double(edges) / Double(2 * core.count)
    #expect(try await number("flash_densest_sub_2_approx", on: graph.simple()) == density)
    #expect(
      try await number("flash_kcore_search", on: graph.simple(), [.integer(2)]) == Double(cores.count { $0 >= 2 }))
  }

  @Test("greedy sets are maximal or minimal", arguments: TestGraph.small + TestGraph.shapes)
  func sets(_ graph: TestGraph) async throws {
    let (plain, simple) = (PlainGraph(graph), graph.simple())
    let (partners, members, dominating) = try await pool.run { workers in
      let sets = GreedySets(graph: simple, workers: workers)
      let buffers = (try sets.matching(), try sets.independentSet(), try sets.dominatingSet())
      return withExtendedLifetime(buffers) {
        (Array(buffers.0.values), Array(buffers.1.values), Array(buffers.2.values))
      }
    }
    for vertex in plain.vertices {
      let neighbours = plain.neighbours(vertex)
      if partners[vertex] >= 0 {
        #expect(partners[Int(partners[vertex])] == Int64(vertex) && plain.joins[vertex][Int(partners[vertex])])
      } else {
        #expect(neighbours.allSatisfy { partners[$0] >= 0 }, "the matching is maximal")
      }
      #expect((members[vertex] == 1) == neighbours.allSatisfy { members[$0] == 0 }, "independent and maximal")
      #expect(([vertex] + neighbours).contains { dominating[$0] == 1 }, "dominated")
      if dominating[vertex] == 1 {
        let needs = ([vertex] + neighbours).contains { near in
          ([near] + plain.neighbours(near)).allSatisfy { $0 == vertex || dominating[$0] == 0 }
        }
        #expect(needs, "no smaller set dominates")
      }
    }
    for name in ["flash_mm", "flash_mm_opt", "flash_mm_opt_2"] {
      #expect(try await number(name, on: simple) == Double(partners.count { $0 >= 0 } / 2))
    }
    for name in ["flash_mis", "flash_mis_2"] {
      #expect(try await number(name, on: simple) == Double(members.count { $0 == 1 }))
    }
    for name in ["flash_min_cover", "flash_min_cover_greedy", "flash_min_cover_greedy_2"] {
      #expect(try await number(name, on: simple) == Double(members.count { $0 == 0 }))
    }
    for name in ["flash_min_dominating_set", "flash_min_dominating_set_2"] {
      #expect(try await number(name, on: simple) == Double(dominating.count { $0 == 1 }))
    }
  }

  @Test("an edge cover of this size is minimal", arguments: TestGraph.small)
  func edgeCovers(_ graph: TestGraph) async throws {
    let plain = PlainGraph(graph)
    let edges = plain.vertices.flatMap { a in plain.neighbours(a).filter { $0 > a }.map { (a, $0) } }
    guard edges.count <= 12 else { return }
    let needed = plain.vertices.reduce(0) { plain.neighbours($1).isEmpty ? $0 : $0 | 1 << $1 }
    func covered(_ chosen: Int) -> Int {
      edges.indices.reduce(0) { chosen >> $1 & 1 == 0 ? $0 : $0 | 1 << edges[$1].0 | 1 << edges[$1].1 }
    }
    let sizes = Set(
      (0..<1 << edges.count).filter { chosen in
        covered(chosen) == needed
          && edges.indices.allSatisfy { chosen >> $0 & 1 == 0 || covered(chosen & ~(1 << $0)) != needed }
      }.map { Double($0.nonzeroBitCount) })
    #expect(sizes.contains(try await number("flash_min_edge_cover", on: graph.simple())))
  }
}
