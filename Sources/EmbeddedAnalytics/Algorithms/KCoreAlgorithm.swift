import AnalyticsKernels
import GraphStore

/// Whether a vertex is in the k-core: the largest subgraph in which each vertex has at least k edges.
struct KCoreAlgorithm: Algorithm {
  let names = ["kcore"]
  private let least = Parameter.integer("k", in: .from(0))
  var parameters: [any AlgorithmParameter] { [least] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let least = try call[least]
    return .vertexData(
      .int32(try CoreNumbers.run(call.graph, workers: call.workers).map(call.workers) { Int($0) >= least ? 1 : 0 }))
  }
}
