import AnalyticsKernels
import GraphStore

/// The number of edges of a maximal matching. Ignores the direction of edges.
struct FlashMatchingAlgorithm: Algorithm {
  let names = ["flash_mm", "flash_mm_opt", "flash_mm_opt_2"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let partners = try GreedySets(graph: call.graph, workers: call.workers).matching()
    return try .count(partners.values.count { $0 >= 0 } / 2, call)
  }
}

/// The number of vertices of a maximal independent set. Ignores the direction of edges.
struct FlashIndependentSetAlgorithm: Algorithm {
  let names = ["flash_mis", "flash_mis_2"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let members = try GreedySets(graph: call.graph, workers: call.workers).independentSet()
    return try .count(members.values.count { $0 == 1 }, call)
  }
}

/// The number of vertices of a minimal vertex cover: of those outside the independent set of `flash_mis`.
struct FlashVertexCoverAlgorithm: Algorithm {
  let names = ["flash_min_cover", "flash_min_cover_greedy", "flash_min_cover_greedy_2"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let members = try GreedySets(graph: call.graph, workers: call.workers).independentSet()
    return try .count(members.values.count { $0 == 0 }, call)
  }
}

/// The number of vertices of a minimal dominating set. Ignores the direction of edges.
struct FlashDominatingSetAlgorithm: Algorithm {
  let names = ["flash_min_dominating_set", "flash_min_dominating_set_2"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let members = try GreedySets(graph: call.graph, workers: call.workers).dominatingSet()
    return try .count(members.values.count { $0 == 1 }, call)
  }
}

/// The number of edges of a minimal edge cover of all vertices that have neighbours. Ignores the direction of edges.
struct FlashEdgeCoverAlgorithm: Algorithm {
  let names = ["flash_min_edge_cover"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    try .count(try GreedySets(graph: call.graph, workers: call.workers).edgeCoverSize(), call)
  }
}

/// The colour of each vertex in a greedy colouring, as by networkx with the strategy `largest_first`.
struct FlashColouringAlgorithm: Algorithm {
  let names = ["flash_color"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(.int64(try GreedySets(graph: call.graph, workers: call.workers).colours()))
  }
}

/// Communities by label propagation in 10 rounds, as computed by `cdlp`.
struct FlashLabelPropagationAlgorithm: Algorithm {
  let names = ["flash_lpa"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult { try CDLPAlgorithm().run(call, rounds: 10) }
}
