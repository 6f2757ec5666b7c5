import AnalyticsKernels
import GraphStore

/// Breadth-first search: the number of edges on a shortest path from a source to each vertex.
struct BFSAlgorithm: Algorithm {
  let names = ["bfs"]
  private let source = Parameter.vertex("src")
  var parameters: [any AlgorithmParameter] { [source] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(.int64(try BFS.run(call.graph, source: try call.vertex(source), workers: call.workers)))
  }
}
