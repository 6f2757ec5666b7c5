import AnalyticsKernels
import GraphStore
import Workers

/// The degree of each vertex, divided by the number of other vertices.
struct DegreeCentralityAlgorithm: Algorithm {
  let names = ["degree_centrality"]
  private let direction = Parameter.choice("centrality_type", default: "both", of: ["both", "in", "out"])
  var parameters: [any AlgorithmParameter] { [direction] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let (graph, direction) = (call.graph, try call[direction])
    let result = try Buffer<Double>(count: graph.vertexCount, storage: call.workers.storage)
    let others = Double(graph.vertexCount - 1)
    try call.workers.forEach(graph.vertexCount, grain: 1 << 16) { range, _ in
      for vertex in range {
        let degree =
          switch direction {
          case "in": graph.incoming.row(vertex).count
          case "out": graph.outgoing.row(vertex).count
          default: graph.edgeCount(vertex)
          }
        // networkx assigns 1 if there is only one vertex.
        result.mutableValues[vertex] = others == 0 ? 1 : Double(degree) / others
      }
    }
    return .vertexData(.double(result))
  }
}
