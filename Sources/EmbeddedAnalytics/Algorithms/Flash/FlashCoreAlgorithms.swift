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

/// The layer of each vertex when all vertices of at most as many remaining edges as the greatest core number are removed at once,
/// from 0.
struct FlashDegeneracyAlgorithm: Algorithm {
  let names = ["flash_degeneracy"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(.int64(try PeelingLayers(graph: call.graph, workers: call.workers).degeneracy()))
  }
}

/// The layer of each vertex in the onion decomposition as networkx defines it, from 1.
struct FlashOnionAlgorithm: Algorithm {
  let names = ["flash_onion"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(.int64(try PeelingLayers(graph: call.graph, workers: call.workers).onion()))
  }
}
