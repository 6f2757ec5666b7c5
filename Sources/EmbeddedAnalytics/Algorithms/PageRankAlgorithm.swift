import AnalyticsKernels
import GraphStore

/// PageRank after a fixed number of rounds.
struct PageRankAlgorithm: Algorithm {
  let names = ["pagerank", "pagerank_directed", "pagerank_push", "pagerank_push_opt"]
  private let delta = Parameter.number("delta", default: 0.85, in: .from(0, to: 1))
  private let rounds = Parameter.integer("max_round", default: 10, in: .from(0))
  var parameters: [any AlgorithmParameter] { [delta, rounds] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    .vertexData(
      .double(
        try PageRank.run(call.graph, delta: try call[delta], rounds: try call[rounds], workers: call.workers)))
  }
}
