import AnalyticsKernels
import EmbeddedAnalytics
import Engines
import Testing
import Turns
import Workers

private let pools = [1, 2, 4].map { WorkerPool(threads: $0) }

/// An algorithm with arguments that are valid for each of the graphs below.
struct AlgorithmExample: CustomStringConvertible {
  var name: String
  var arguments: [QueryValue] = []
  /// Whether it accepts directed graphs.
  var takesDirected = true
  /// Whether its running time is at least quadratic in the size of the graph.
  var isSlow = false
  /// Whether ids that no vertex has are an error.
  var needsItsVertices = false

  var description: String { name }

  static let all: [AlgorithmExample] = [
    AlgorithmExample(name: "all_simple_paths", arguments: [.integer(7), .string("[0, 14, 21]"), .integer(3)]),
    AlgorithmExample(name: "attribute_assortativity_coefficient", arguments: [.bool(true)]),
    AlgorithmExample(name: "avg_clustering"),
    AlgorithmExample(name: "average_degree_connectivity"),
    AlgorithmExample(name: "sssp_average_length", isSlow: true),
    AlgorithmExample(name: "bfs", arguments: [.integer(7)]),
    AlgorithmExample(name: "bfs_generic", arguments: [.integer(7), .integer(3), .string("successors")]),
    AlgorithmExample(name: "betweenness_centrality", isSlow: true),
    AlgorithmExample(name: "betweenness_centrality_generic", isSlow: true),
    AlgorithmExample(name: "cdlp"),
    AlgorithmExample(name: "closeness_centrality", isSlow: true),
    AlgorithmExample(name: "clustering"),
    AlgorithmExample(
      name: "degree_assortativity_coefficient", arguments: [.string("out"), .string("in"), .bool(true)]),
    AlgorithmExample(name: "degree_centrality"),
    AlgorithmExample(name: "edge_boundary", arguments: [.string("[7, 14, 21]")]),
    AlgorithmExample(name: "eigenvector_centrality"),
    AlgorithmExample(name: "flash_3_path"),
    AlgorithmExample(name: "flash_acyclic_triangle"),
    AlgorithmExample(name: "flash_articlerank"),
    AlgorithmExample(name: "flash_bcc"),
    AlgorithmExample(name: "flash_bridge"),
    AlgorithmExample(name: "flash_closeness", isSlow: true),
    AlgorithmExample(name: "flash_color"),
    AlgorithmExample(name: "flash_cycle_plus_triangle"),
    AlgorithmExample(name: "flash_cyclic_triangle"),
    AlgorithmExample(name: "flash_degeneracy"),
    AlgorithmExample(name: "flash_densest_sub_2_approx"),
    AlgorithmExample(name: "flash_diameter_approx"),
    AlgorithmExample(name: "flash_diamond"),
    AlgorithmExample(name: "flash_eigenvec"),
    AlgorithmExample(name: "flash_harmonic", isSlow: true),
    AlgorithmExample(name: "flash_hits"),
    AlgorithmExample(name: "flash_in_triangle"),
    AlgorithmExample(name: "flash_k_center"),
    AlgorithmExample(name: "flash_k_clique", arguments: [.integer(4)]),
    AlgorithmExample(name: "flash_katz"),
    AlgorithmExample(name: "flash_lpa"),
    AlgorithmExample(name: "flash_min_cover"),
    AlgorithmExample(name: "flash_min_dominating_set"),
    AlgorithmExample(name: "flash_min_edge_cover"),
    AlgorithmExample(name: "flash_mis"),
    AlgorithmExample(name: "flash_mm"),
    AlgorithmExample(name: "flash_onion"),
    AlgorithmExample(name: "flash_out_triangle"),
    AlgorithmExample(name: "flash_ppr", arguments: [.integer(7)], needsItsVertices: true),
    AlgorithmExample(name: "flash_rectangle"),
    AlgorithmExample(name: "flash_tailed_triangle"),
    AlgorithmExample(name: "flash_bc", arguments: [.integer(7)]),
    AlgorithmExample(name: "flash_bfs", arguments: [.integer(7)]),
    AlgorithmExample(name: "flash_bfs_undirected", arguments: [.integer(7)]),
    AlgorithmExample(name: "flash_cc"),
    AlgorithmExample(name: "flash_clustering_coeff"),
    AlgorithmExample(name: "flash_cut_point"),
    AlgorithmExample(name: "flash_kcore"),
    AlgorithmExample(name: "flash_kcore_search"),
    AlgorithmExample(name: "flash_msf"),
    AlgorithmExample(name: "flash_pagerank"),
    AlgorithmExample(name: "flash_scc"),
    AlgorithmExample(name: "flash_sssp", arguments: [.integer(7)]),
    AlgorithmExample(name: "flash_sssp_undirected", arguments: [.integer(7)]),
    AlgorithmExample(name: "flash_triangle"),
    AlgorithmExample(name: "hits"),
    AlgorithmExample(name: "is_simple_path", arguments: [.string("[7, 14]")]),
    AlgorithmExample(name: "katz_centrality", arguments: [.double(1e-6)]),
    AlgorithmExample(name: "kcore", arguments: [.integer(3)]),
    AlgorithmExample(name: "kshell", arguments: [.integer(3)]),
    AlgorithmExample(name: "lcc"),
    AlgorithmExample(name: "louvain", takesDirected: false),
    AlgorithmExample(name: "node_boundary", arguments: [.string("[7, 14, 21]")]),
    AlgorithmExample(name: "pagerank"),
    AlgorithmExample(name: "pagerank_nx"),
    AlgorithmExample(name: "sssp", arguments: [.integer(7)]),
    AlgorithmExample(name: "sssp_has_path", arguments: [.integer(7), .integer(14)]),
    AlgorithmExample(name: "sssp_path", arguments: [.integer(7)]),
    AlgorithmExample(name: "transitivity"),
    AlgorithmExample(name: "triangles"),
    AlgorithmExample(name: "voterank", arguments: [.integer(20)]),
    AlgorithmExample(name: "wcc"),
    AlgorithmExample(name: "wcc_projected"),
  ]
}

@Suite("Every algorithm", .takesTurns)
struct EveryAlgorithmTests {
  /// Returns a connected graph with loops, parallel edges and a few vertices that have most of the edges. Ids are multiples of 7,
  /// and also a property of the vertices.
  private func graph(_ vertexCount: Int, directed: Bool) -> SimpleGraph {
    var graph = TestGraph.random(vertexCount, 5 * vertexCount, directed: directed, seed: 11)
    graph.edges += (1..<vertexCount).map { (from: $0 - 1, to: $0, weight: 2) }
    for index in graph.edges.indices { graph.edges[index].weight += 1 }
    graph.ids = (0..<vertexCount).map { 7 * Int64($0) }
    return graph.simple(data: graph.ids.map(Double.init))
  }

  private func bytes(_ result: AlgorithmResult) -> [[UInt8]] {
    result.columns.map { $0.values.withBytes { Array($0) } }
  }

  private func run(
    _ example: AlgorithmExample, on graph: SimpleGraph, _ pool: WorkerPool,
    _ storage: any StorageAccount = UnboundedStorage()
  ) async throws -> AlgorithmResult {
    let algorithm = try Algorithms.builtIn.named(example.name)
    return try await pool.run(storage: storage) { try algorithm.run(on: graph, example.arguments, workers: $0) }
  }

  @Test("has an example")
  func complete() {
    // The first one computes nothing until its result is read, the second one runs on property graphs.
    let computing = Set(Algorithms.builtIn.offeredToUsers)
      .subtracting(["all_pairs_shortest_path_length", "lpau2i"])
    #expect(Set(AlgorithmExample.all.map(\.name)).isSuperset(of: computing))
  }

  @Test("gives identical results for any number of threads", arguments: AlgorithmExample.all)
  func widths(_ example: AlgorithmExample) async throws {
    for isDirected in example.takesDirected ? [true, false] : [false] {
      let graph = graph(example.isSlow ? 300 : 4_000, directed: isDirected)
      let one = try await run(example, on: graph, pools[0])
      for pool in pools.dropFirst() {
        let many = try await run(example, on: graph, pool)
        #expect(bytes(many) == bytes(one), "\(isDirected ? "directed" : "undirected")")
      }
    }
  }

  @Test(
    "reserves its memory from the account, fails if that rejects it, and releases everything",
    arguments: AlgorithmExample.all)
  func accounting(_ example: AlgorithmExample) async throws {
    for isDirected in example.takesDirected ? [true, false] : [false] {
      let graph = graph(60, directed: isDirected)
      for number in 1... {
        let account = RecordingAccount()
        account.refuse(number)
        do {
          let result = try await run(example, on: graph, pools[1], account)
          #expect(!account.hasRefused && number > 1)
          #expect(account.books.memory == bytes(result).reduce(0) { $0 + $1.count })
          break
        } catch let error as EngineError {
          #expect(error.code == .resourceExhausted)
          #expect(account.books == .init() && !account.wentBelowZero)
        }
      }
    }
  }

  @Test("stops when its task is cancelled", arguments: AlgorithmExample.all)
  func cancellation(_ example: AlgorithmExample) async throws {
    let graph = graph(4_000, directed: false)
    let job = Task {
      // From inside: on a busy machine it could be over before another task cancels it.
      withUnsafeCurrentTask { $0?.cancel() }
      return try await run(example, on: graph, pools[1])
    }
    await #expect(throws: CancellationError.self) { try await job.value }
  }

  @Test("accepts graphs without edges, and without vertices if there is a result", arguments: AlgorithmExample.all)
  func empty(_ example: AlgorithmExample) async throws {
    for (count, isDirected) in [(0, true), (0, false), (3, true), (3, false)] where example.takesDirected || !isDirected
    {
      let graph = TestGraph("no edges", count, [], directed: isDirected).simple(data: [1, 2, 3])
      do { _ = try await run(example, on: graph, pools[1]) } catch let error as EngineError {
        let expected: EngineError.Code = example.needsItsVertices ? .invalidArgument : .invalidValue
        #expect(error.code == expected, "\(count) vertices: \(error)")
      }
    }
  }
}
