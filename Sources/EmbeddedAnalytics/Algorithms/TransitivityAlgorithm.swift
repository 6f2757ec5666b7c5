import AnalyticsKernels

/// The share of paths of two edges that are closed by a third edge.
struct TransitivityAlgorithm: Algorithm {
  let names = ["transitivity"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    try .number(try Clustering.transitivity(call.graph, workers: call.workers), call)
  }
}
