import AnalyticsKernels
import EmbeddedAnalytics
import Engines
import TestSupport
import Testing
import Turns
import Workers

/// Thread pools of different sizes; they are never shut down.
private let pools = [1, 2, 4].map { WorkerPool(threads: $0) }

/// Runs an algorithm by the name that clients use.
func run(
  _ name: String, on graph: SimpleGraph, _ arguments: [QueryValue] = [], threads: Int = 2
) async throws -> ResultValues {
  let algorithm = try Algorithms.builtIn.named(name)
  let result = try await pools.first { $0.width == threads }!.run {
    try algorithm.run(on: graph, arguments, workers: $0)
  }
  guard case .vertexData(let values) = result else { throw EngineFixture.Surprise() }
  return values
}

extension ResultValues {
  var integers: [Int64]? { if case .int64(let values) = self { Array(values.values) } else { nil } }
  var doubles: [Double]? { if case .double(let values) = self { Array(values.values) } else { nil } }
  var unsigned: [UInt64]? { if case .uint64(let values) = self { Array(values.values) } else { nil } }
  var vertices: [UInt32]? { if case .vertexIDs(let values) = self { Array(values.values) } else { nil } }
}

/// Returns whether two lists of numbers agree up to rounding.
func agree(_ left: [Double]?, _ right: [Double], within tolerance: Double = 1e-12) -> Bool {
  guard let left, left.count == right.count else { return false }
  return zip(left, right).allSatisfy { $0 == $1 || abs($0 - $1) <= tolerance * max(abs($0), abs($1)) }
}

@Suite("Every kernel agrees with its reference implementation on graphs of all shapes", .takesTurns)
struct KernelTests {
  @Test("breadth-first search", arguments: TestGraph.shapes)
  func bfs(_ graph: TestGraph) async throws {
    let simple = graph.simple()
    for source in Set([0, graph.vertexCount / 2, graph.vertexCount - 1]) where (0..<graph.vertexCount) ~= source {
      let result = try await run("bfs", on: simple, [.integer(graph.ids[source])])
      #expect(result.integers == Reference.bfs(graph, from: source))
    }
    let lost = try await run("bfs", on: simple, [.integer(123_456_789)])
    #expect(lost.integers == [Int64](repeating: .max, count: graph.vertexCount))
  }

  @Test("shortest paths", arguments: TestGraph.shapes)
  func sssp(_ graph: TestGraph) async throws {
    let simple = graph.simple()
    for source in Set([0, graph.vertexCount / 2]) where (0..<graph.vertexCount) ~= source {
      let result = try await run("sssp", on: simple, [.integer(graph.ids[source])])
      #expect(result.doubles == Reference.sssp(graph, from: source))
    }
    let lost = try await run("sssp", on: simple, [.integer(123_456_789)])
    #expect(lost.doubles == [Double](repeating: .greatestFiniteMagnitude, count: graph.vertexCount))
  }

  @Test("shortest paths without weights count edges", arguments: TestGraph.shapes)
  func unweighted(_ graph: TestGraph) async throws {
    guard graph.vertexCount > 0 else { return }
    let result = try await run("sssp_projected", on: graph.simple(weighted: false), [.integer(graph.ids[0])])
    let depths = Reference.bfs(graph, from: 0)
    #expect(result.doubles == depths.map { $0 == .max ? .greatestFiniteMagnitude : Double($0) })
  }

  @Test("connected components are named by their smallest id", arguments: TestGraph.shapes)
  func wcc(_ graph: TestGraph) async throws {
    let simple = graph.simple()
    for name in ["wcc", "wcc_opt", "wcc_auto"] {
      #expect(try await run(name, on: simple).integers == Reference.wcc(graph, names: graph.ids))
    }
    let numbered = try await run("wcc_projected", on: simple)
    #expect(numbered.unsigned == Reference.wcc(graph, names: (0..<graph.vertexCount).map(UInt64.init)))
  }

  @Test("PageRank", arguments: TestGraph.shapes)
  func pageRank(_ graph: TestGraph) async throws {
    for rounds in [0, 1, 10] {
      let name = graph.isDirected ? "pagerank_directed" : "pagerank"
      let result = try await run(name, on: graph.simple(), [.double(0.85), .integer(Int64(rounds))])
      #expect(agree(result.doubles, Reference.pageRank(graph, delta: 0.85, rounds: rounds)))
    }
  }

  @Test("label propagation", arguments: TestGraph.shapes)
  func cdlp(_ graph: TestGraph) async throws {
    for rounds in [0, 1, 2, 10] {
      let result = try await run("cdlp", on: graph.simple(), [.integer(Int64(rounds))])
      #expect(result.integers == Reference.cdlp(graph, rounds: rounds))
    }
  }

  @Test("clustering coefficients", arguments: TestGraph.shapes)
  func lcc(_ graph: TestGraph) async throws {
    let result = try await run(graph.isDirected ? "lcc_directed" : "lcc", on: graph.simple())
    #expect(agree(result.doubles, Reference.lcc(graph)))
  }
}

@Suite("Kernels on graphs that are large enough for several threads", .takesTurns)
struct ParallelKernelTests {
  static let large: [TestGraph] = [true, false].flatMap { directed in
    [
      TestGraph.random(30_000, 150_000, directed: directed, seed: 7),
      // One vertex has most of the edges: its row is divided, or searched in blocks.
      TestGraph(
        "broad star with a tail", 60_000, (1..<50_000).map { (0, $0) } + (50_000..<60_000).map { ($0 - 1, $0) },
        directed: directed),
    ]
  }

  @Test("agree with their definitions and give identical results for any number of threads", arguments: large)
  func widths(_ graph: TestGraph) async throws {
    let simple = graph.simple()
    let source = QueryValue.integer(graph.ids[0])
    let depths = Reference.bfs(graph, from: 0)
    let components = Reference.wcc(graph, names: graph.ids)
    let labels = Reference.cdlp(graph, rounds: 3)
    for threads in [1, 2, 4] {
      #expect(try await run("bfs", on: simple, [source], threads: threads).integers == depths)
      #expect(try await run("wcc", on: simple, threads: threads).integers == components)
      #expect(try await run("cdlp", on: simple, [.integer(3)], threads: threads).integers == labels)
    }
    for (name, arguments) in [("sssp", [source]), ("pagerank", []), ("lcc", [])] {
      let one = try await run(name, on: simple, arguments, threads: 1).doubles
      for threads in [2, 4] { #expect(try await run(name, on: simple, arguments, threads: threads).doubles == one) }
    }
    let ranks = try await run("pagerank", on: simple).doubles
    #expect(agree(ranks, Reference.pageRank(graph, delta: 0.85, rounds: 10), within: 1e-9))
    #expect(agree(try await run("lcc", on: simple).doubles, Reference.lcc(graph)))
    #expect(try await run("sssp", on: simple, [source]).doubles == Reference.shortestPaths(graph, from: 0))
  }

  @Test("shortest paths work with weights of very different magnitudes, zeros and infinities")
  func weights() async throws {
    var generator = SplitMix(seed: 99)
    var graph = TestGraph.random(2_000, 12_000, directed: true, seed: 3)
    let choices: [Double] = [0, 0, 1e-300, 1e-9, 1, 1, 3, 1e9, 1e300, .greatestFiniteMagnitude, .infinity]
    for index in graph.edges.indices { graph.edges[index].weight = choices.randomElement(using: &generator)! }
    let result = try await run("sssp", on: graph.simple(), [.integer(graph.ids[0])])
    #expect(result.doubles == Reference.shortestPaths(graph, from: 0))
  }

  @Test("an endless computation stops when its task is cancelled", arguments: ["cdlp", "pagerank"])
  func cancellation(_ name: String) async throws {
    // Labels on a star swap forever.
    let simple = Self.large[3].simple()
    let rounds: [QueryValue] = name == "cdlp" ? [.integer(.max)] : [.double(0.85), .integer(.max)]
    let job = Task { try await run(name, on: simple, rounds) }
    job.cancel()
    await #expect(throws: CancellationError.self) { try await job.value }
  }
}

extension Reference {
  /// Dijkstra's algorithm with a sorted list of buckets, for larger graphs.
  static func shortestPaths(_ graph: TestGraph, from source: Int) -> [Double] {
    let rows = graph.rows.outgoing
    var distances = [Double](repeating: .infinity, count: graph.vertexCount)
    var heap: [(Double, Int)] = [(0, source)]
    distances[source] = 0
    while !heap.isEmpty {
      heap.swapAt(0, heap.count - 1)
      let (distance, vertex) = heap.removeLast()
      var place = 0
      while case let child = 2 * place + 1, child < heap.count {
        let least = child + 1 < heap.count && heap[child + 1].0 < heap[child].0 ? child + 1 : child
        if heap[place].0 <= heap[least].0 { break }
        heap.swapAt(place, least)
        place = least
      }
      if distance > distances[vertex] { continue }
      for (neighbour, edge) in rows[vertex] {
        let candidate = distance + graph.edges[edge].weight
        guard candidate < distances[neighbour] else { continue }
        distances[neighbour] = candidate
        heap.append((candidate, neighbour))
        var place = heap.count - 1
        while place > 0, heap[place].0 < heap[(place - 1) / 2].0 {
          heap.swapAt(place, (place - 1) / 2)
          place = (place - 1) / 2
        }
      }
    }
    return distances.map { min($0, .greatestFiniteMagnitude) }
  }
}
