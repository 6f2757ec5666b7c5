import AnalyticsKernels

/// The weight of a minimum spanning forest. Ignores the direction of edges.
struct FlashSpanningForestAlgorithm: Algorithm {
  let names = ["flash_msf", "flash_msf_block"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let graph = try call.graph.undirected(call.workers)
    return try .number(try SpanningForest.weight(graph, workers: call.workers), call)
  }
}
