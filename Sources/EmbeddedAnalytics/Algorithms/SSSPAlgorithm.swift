import AnalyticsKernels
import GraphStore

/// Single-source shortest paths: the minimum sum of weights on a path from a source to each vertex.
struct SSSPAlgorithm: Algorithm {
  let names = ["sssp", "sssp_projected"]
  private let source = Parameter.vertex("src")
  var parameters: [any AlgorithmParameter] { [source] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(.double(try SSSP.run(call.graph, source: try call.vertex(source), workers: call.workers)))
  }
}
