import AnalyticsKernels

/// Closeness centrality as networkx defines it.
struct ClosenessCentralityAlgorithm: Algorithm {
  let names = ["closeness_centrality"]
  private let scales = Parameter.flag("wf_improved", default: true)
  var parameters: [any AlgorithmParameter] { [scales] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(.double(try PathLengths.closeness(call.graph, scales: try call[scales], workers: call.workers)))
  }
}
