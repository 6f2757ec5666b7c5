import AnalyticsKernels
import GraphStore
import Workers

/// Communities by label propagation, each named by an original id, or by a vertex number if labels share ids.
struct CDLPAlgorithm: Algorithm {
  let names = ["cdlp"]
  private let rounds = Parameter.integer("max_round", default: 10, in: .from(0))
  var parameters: [any AlgorithmParameter] { [rounds] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult { try run(call, rounds: try call[rounds]) }

  /// Computes the result of a number of rounds.
  func run(_ call: AlgorithmCall, rounds: Int) throws -> AlgorithmResult {
    let (graph, workers) = (call.graph, call.workers)
    let labels = try CDLP.run(graph, rounds: rounds, workers: workers)
    let names = GroupNames(graph: graph, group: labels.mutableValues)
    guard try CDLP.idsAreDistinct(names, workers) else {
      return .vertexData(
        graph.hasStringIDs ? .uint64(try names.numbers(workers)) : .int64(try names.numbers(workers)))
    }
    guard !graph.hasStringIDs else { return .vertexData(.vertexIDs(labels)) }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let ids = try scratch.reserve(Int64.self, count: graph.vertexCount)
    let original = OriginalIDs(segments: graph.segments)
    try workers.forEach(ids.count, grain: 1 << 16) { range, _ in try original.copy(range, into: ids) }
    let result = try Buffer<Int64>(count: graph.vertexCount, storage: workers.storage)
    try workers.forEach(ids.count, grain: 1 << 16) { range, _ in
      for vertex in range { result.mutableValues[vertex] = ids[Int(labels.mutableValues[vertex])] }
    }
    return .vertexData(.int64(result))
  }
}
