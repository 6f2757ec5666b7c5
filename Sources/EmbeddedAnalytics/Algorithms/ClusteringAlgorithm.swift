import AnalyticsKernels

/// Clustering coefficients as networkx defines them.
struct ClusteringAlgorithm: Algorithm {
  let names = ["clustering"]
  private let threshold = Parameter.degreeThreshold
  var parameters: [any AlgorithmParameter] { [threshold] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(
      .double(try Clustering.coefficients(call.graph, threshold: try call[threshold], workers: call.workers)))
  }
}

extension Parameter<Int> {
  /// The degree above which vertices are skipped.
  static var degreeThreshold: Self { .integer("degree_threshold", default: 1_000_000_000, in: .from(0)) }
}
