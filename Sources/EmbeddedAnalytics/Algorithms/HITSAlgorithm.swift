import AnalyticsKernels

/// Hub and authority scores of each vertex.
struct HITSAlgorithm: Algorithm {
  let names = ["hits"]
  private let tolerance = Parameter.number("tolerance", default: 0.01, in: .from(0))
  private let rounds = Parameter.integer("max_round", default: 100, in: .from(1))
  private let isNormalized = Parameter.flag("normalized", default: true)
  var parameters: [any AlgorithmParameter] { [tolerance, rounds, isNormalized] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let scores = try HITS(graph: call.graph, workers: call.workers).run(
      tolerance: try call[tolerance], maximumRounds: try call[rounds], isNormalized: try call[isNormalized])
    call.noteConvergence(scores.hasConverged, try call[rounds])
    return .vertexProperties([
      ResultColumn(.double(scores.authorities), name: "auth"), ResultColumn(.double(scores.hubs), name: "hub"),
    ])
  }
}
