import AnalyticsKernels
import GraphStore

/// Weakly connected components, each named by its smallest original id, or by a vertex number if ids are text or shared by
/// labels.
struct WCCAlgorithm: Algorithm {
  let names = ["wcc", "wcc_auto", "wcc_opt"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let (graph, workers) = (call.graph, call.workers)
    if graph.hasStringIDs { return try ProjectedWCCAlgorithm().run(call) }
    let roots = try WCC.roots(graph, workers: workers)
    if let ids = try WCC.smallestIDs(graph, roots: roots, workers: workers) { return .vertexData(.int64(ids)) }
    return .vertexData(.int64(try GroupNames(graph: graph, group: roots.mutableValues).numbers(workers)))
  }
}
