import AnalyticsKernels
import GraphStore

/// PageRank after a fixed number of rounds, as computed by `pagerank`, with the parameters in the opposite order.
struct FlashPageRankAlgorithm: Algorithm {
  let names = ["flash_pagerank"]
  private let rounds = Parameter.integer("max_round", default: 10, in: .from(0))
  private let delta = Parameter.number("delta", default: 0.85, in: .from(0, to: 1))
  var parameters: [any AlgorithmParameter] { [rounds, delta] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(
      .double(
        try PageRank.run(call.graph, delta: try call[delta], rounds: try call[rounds], workers: call.workers)))
  }
}

/// The dependency of the shortest paths from a source on each other vertex.
struct FlashDependencyAlgorithm: Algorithm {
  let names = ["flash_bc"]
  private let source = Parameter.vertex("source")
  var parameters: [any AlgorithmParameter] { [source] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let betweenness = Betweenness(graph: call.graph, workers: call.workers, countsEndpoints: false)
    let sources = try call.vertex(source).map { Int($0)..<Int($0) + 1 } ?? 0..<0
    return .vertexData(.double(try betweenness.run(from: sources, isWeighted: false)))
  }
}
