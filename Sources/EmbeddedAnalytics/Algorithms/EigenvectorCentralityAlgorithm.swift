import AnalyticsKernels

/// Eigenvector centrality as networkx defines it.
struct EigenvectorCentralityAlgorithm: Algorithm {
  let names = ["eigenvector_centrality"]
  private let tolerance = Parameter.number("tolerance", default: 1e-6, in: .from(0))
  private let rounds = Parameter.integer("max_round", default: 100, in: .from(1))
  var parameters: [any AlgorithmParameter] { [tolerance, rounds] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let iteration = PowerIteration(
      graph: call.graph, workers: call.workers, tolerance: try call[tolerance], maximumRounds: try call[rounds])
    let (values, hasConverged) = try iteration.eigenvector()
    call.noteConvergence(hasConverged, try call[rounds])
    return .vertexData(.double(values))
  }
}
