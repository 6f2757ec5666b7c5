import AnalyticsKernels
import GraphStore

/// Whether a vertex is in the k-core but not in the (k + 1)-core.
struct KShellAlgorithm: Algorithm {
  let names = ["kshell"]
  private let number = Parameter.integer("k", in: .from(0))
  var parameters: [any AlgorithmParameter] { [number] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let number = try call[number]
    return .vertexData(
      .int64(try CoreNumbers.run(call.graph, workers: call.workers).map(call.workers) { Int($0) == number ? 1 : 0 }))
  }
}
