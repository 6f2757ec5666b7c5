import AnalyticsKernels
import Engines

/// Communities by the Louvain method.
struct LouvainAlgorithm: Algorithm {
  let names = ["louvain"]
  private let leastProgress = Parameter.integer("min_progress", default: 1000, in: .from(0))
  private let tries = Parameter.integer("progress_tries", default: 1, in: .from(1))
  var parameters: [any AlgorithmParameter] { [leastProgress, tries] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    guard !call.graph.isDirected else {
      throw EngineError(
        .invalidArgument, "Louvain not support directed graph.", hint: "Load the graph with directed=False")
    }
    return .vertexData(
      .int64(
        try Louvain(
          graph: call.graph, workers: call.workers, leastProgress: try call[leastProgress], tries: try call[tries]
        ).run()))
  }
}
