import AnalyticsKernels
import Engines

/// The mean length of the shortest paths between all pairs of vertices, as networkx defines it.
struct AverageShortestPathLengthAlgorithm: Algorithm {
  let names = ["sssp_average_length"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let (graph, workers) = (call.graph, call.workers)
    let count = Double(graph.vertexCount)
    guard count > 0 else { throw EngineError.noVertices("average shortest path length") }
    guard count > 1 else { return try .number(0, call) }
    let roots = try WCC.roots(graph, workers: workers)
    guard roots.values.allSatisfy({ $0 == roots.values[0] }) else {
      throw EngineError(
        .invalidValue, "the graph is not connected: some pairs of vertices have no distance",
        hint: "Use one of its components")
    }
    return try .number(PathLengths.total(graph, workers: workers) / (count * (count - 1)), call)
  }
}
