import AnalyticsKernels
import GraphStore

/// The core number of each vertex.
struct FlashCoreNumbersAlgorithm: Algorithm {
  let names = ["flash_kcore", "flash_kcore_2"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(.int64(try CoreNumbers.run(call.graph, workers: call.workers).map(call.workers) { Int64($0) }))
  }
}

/// The number of vertices in the k-core.
struct FlashCoreSizeAlgorithm: Algorithm {
  let names = ["flash_kcore_search"]
  private let least = Parameter.integer("k", default: 5, in: .from(0))
  var parameters: [any AlgorithmParameter] { [least] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let least = try call[least]
    let numbers = try CoreNumbers.run(call.graph, workers: call.workers)
    return try .count(numbers.values.count { Int($0) >= least }, call)
  }
}
