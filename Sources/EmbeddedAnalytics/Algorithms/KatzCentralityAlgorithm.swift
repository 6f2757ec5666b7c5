import AnalyticsKernels

/// Katz centrality as networkx defines it.
struct KatzCentralityAlgorithm: Algorithm {
  let names = ["katz_centrality"]
  private let alpha = Parameter.number("alpha", default: 0.1)
  private let beta = Parameter.number("beta", default: 1)
  private let tolerance = Parameter.number("tolerance", default: 1e-6, in: .from(0))
  private let rounds = Parameter.integer("max_round", default: 100, in: .from(1))
  private let isNormalized = Parameter.flag("normalized", default: true)
  private let threshold = Parameter.degreeThreshold
  var parameters: [any AlgorithmParameter] { [alpha, beta, tolerance, rounds, isNormalized, threshold] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let iteration = PowerIteration(
      graph: call.graph, workers: call.workers, tolerance: try call[tolerance], maximumRounds: try call[rounds])
    let (values, hasConverged) = try iteration.katz(
      alpha: try call[alpha], beta: try call[beta], isNormalized: try call[isNormalized],
      threshold: try call[threshold])
    call.noteConvergence(hasConverged, try call[rounds])
    return .vertexData(.double(values))
  }
}
