import AnalyticsKernels
import GraphStore

/// Weakly connected components, each named by a vertex number.
struct ProjectedWCCAlgorithm: Algorithm {
  let names = ["wcc_projected"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let roots = try WCC.roots(call.graph, workers: call.workers)
    return .vertexData(.uint64(try GroupNames(graph: call.graph, group: roots.mutableValues).numbers(call.workers)))
  }
}
