import AnalyticsKernels
import Engines

/// The mean of the clustering coefficients of all vertices.
struct AverageClusteringAlgorithm: Algorithm {
  let names = ["avg_clustering"]
  private let threshold = Parameter.degreeThreshold
  var parameters: [any AlgorithmParameter] { [threshold] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    guard call.graph.vertexCount > 0 else { throw EngineError.noVertices("average") }
    let values = try Clustering.coefficients(call.graph, threshold: try call[threshold], workers: call.workers)
    return try .number(values.values.reduce(0, +) / Double(values.values.count), call)
  }
}

extension EngineError {
  /// Returns the error for a quantity that is undefined for a graph without vertices.
  static func noVertices(_ what: String) -> EngineError {
    EngineError(.invalidValue, "a graph without vertices has no \(what)")
  }
}
