import AnalyticsKernels
import GraphStore

/// The number of triangles. Ignores the direction of edges.
struct FlashTriangleCountAlgorithm: Algorithm {
  let names = ["flash_triangle"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let counts = try Clustering.triangles(call.graph, workers: call.workers)
    // Each triangle is counted at its three corners.
    return try .count(Int(counts.values.reduce(0, +) / 3), call)
  }
}

/// Local clustering coefficients, as computed by `lcc`.
struct FlashClusteringAlgorithm: Algorithm {
  let names = ["flash_clustering_coeff"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult { try LCCAlgorithm().run(call) }
}
