import AnalyticsKernels

/// PageRank as networkx defines it.
struct NetworkXPageRankAlgorithm: Algorithm {
  let names = ["pagerank_nx"]
  private let alpha = Parameter.number("alpha", default: 0.85, in: .from(0, to: 1))
  private let rounds = Parameter.integer("max_iter", default: 100, in: .from(1))
  private let tolerance = Parameter.number("tol", default: 1e-6, in: .from(0))
  var parameters: [any AlgorithmParameter] { [alpha, rounds, tolerance] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let iteration = PowerIteration(
      graph: call.graph, workers: call.workers, tolerance: try call[tolerance], maximumRounds: try call[rounds])
    let (values, hasConverged) = try iteration.pageRank(alpha: try call[alpha])
    call.noteConvergence(hasConverged, try call[rounds])
    return .vertexData(.double(values))
  }
}
