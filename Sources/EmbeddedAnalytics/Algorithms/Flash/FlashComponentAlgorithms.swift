import AnalyticsKernels
import GraphStore

/// Weakly connected components, each named by the number of its first vertex.
struct FlashComponentsAlgorithm: Algorithm {
  let names = [
    "flash_cc", "flash_cc_push", "flash_cc_pull", "flash_cc_opt", "flash_cc_log", "flash_cc_block", "flash_cc_union",
  ]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(.int64(try WCC.roots(call.graph, workers: call.workers).map(call.workers) { Int64($0) }))
  }
}

/// Strongly connected components, each named by the number of its first vertex.
struct FlashStrongComponentsAlgorithm: Algorithm {
  let names = ["flash_scc", "flash_scc_2"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let components = try DepthFirstSearch(graph: call.graph, workers: call.workers).strongComponents()
    return .vertexData(.int64(try components.map(call.workers) { Int64($0) }))
  }
}

/// 1 for each articulation point, a vertex whose removal increases the number of components; otherwise 0. Ignores the direction
/// of edges.
struct FlashCutPointsAlgorithm: Algorithm {
  let names = ["flash_cut_point", "flash_cut_point_2"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(.int32(try DepthFirstSearch(graph: call.graph, workers: call.workers).cutPoints()))
  }
}

/// The number of bridges of each vertex: edges whose removal increases the number of components. Ignores the direction of edges.
struct FlashBridgesAlgorithm: Algorithm {
  let names = ["flash_bridge", "flash_bridge_2"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(.int64(try DepthFirstSearch(graph: call.graph, workers: call.workers).bridges()))
  }
}

/// Biconnected components, each named by the number of its first vertex other than the one nearest to the first vertex of the
/// connected component. Ignores the direction of edges.
struct FlashBiconnectedComponentsAlgorithm: Algorithm {
  let names = ["flash_bcc", "flash_bcc_2"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(.int64(try DepthFirstSearch(graph: call.graph, workers: call.workers).biconnectedComponents()))
  }
}
