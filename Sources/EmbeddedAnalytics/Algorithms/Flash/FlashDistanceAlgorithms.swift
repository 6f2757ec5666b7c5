import AnalyticsKernels
import GraphStore

/// The number of edges on a shortest path from a source to each vertex; −1 if there is none.
struct FlashBFSAlgorithm: Algorithm {
  let names: [String]
  let looksBothWays: Bool
  private let source = Parameter.vertex("source")
  var parameters: [any AlgorithmParameter] { [source] }

  static let forwards = Self(names: ["flash_bfs", "flash_bfs_push", "flash_bfs_pull"], looksBothWays: false)
  static let bothWays = Self(names: ["flash_bfs_undirected"], looksBothWays: true)

  private init(names: [String], looksBothWays: Bool) { (self.names, self.looksBothWays) = (names, looksBothWays) }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let graph = looksBothWays ? try call.graph.undirected(call.workers) : call.graph
    let depths = try BFS.run(graph, source: try call.vertex(source), workers: call.workers)
    return .vertexData(
      .int32(try depths.map(call.workers) { $0 == BFS.unreachable ? -1 : Int32(truncatingIfNeeded: $0) }))
  }
}

/// The minimum sum of weights on a path from a source to each vertex; −1 if there is none.
struct FlashSSSPAlgorithm: Algorithm {
  let names: [String]
  let looksBothWays: Bool
  private let source = Parameter.vertex("source")
  var parameters: [any AlgorithmParameter] { [source] }

  static let forwards = Self(names: ["flash_sssp", "flash_sssp_dlt_step"], looksBothWays: false)
  static let bothWays = Self(
    names: ["flash_sssp_undirected", "flash_sssp_dlt_step_undirected"], looksBothWays: true)

  private init(names: [String], looksBothWays: Bool) { (self.names, self.looksBothWays) = (names, looksBothWays) }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let graph = looksBothWays ? try call.graph.undirected(call.workers) : call.graph
    let distances = try SSSP.run(graph, source: try call.vertex(source), workers: call.workers)
    return .vertexData(.double(try distances.map(call.workers) { $0 == SSSP.unreachable ? -1 : $0 }))
  }
}
