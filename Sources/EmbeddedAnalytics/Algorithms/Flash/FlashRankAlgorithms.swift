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

/// ArticleRank after a fixed number of rounds.
struct FlashArticleRankAlgorithm: Algorithm {
  let names = ["flash_articlerank"]
  private let rounds = Parameter.integer("max_round", default: 10, in: .from(0))
  private let delta = Parameter.number("delta", default: 0.85, in: .from(0, to: 1))
  var parameters: [any AlgorithmParameter] { [rounds, delta] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let ranks = CitationRanks(graph: call.graph, workers: call.workers)
    return .vertexData(.double(try ranks.articleRank(delta: try call[delta], rounds: try call[rounds])))
  }
}

/// Personalized PageRank after a fixed number of rounds, with a probability of 1/2 of returning to the source.
struct FlashPersonalizedPageRankAlgorithm: Algorithm {
  let names = ["flash_ppr"]
  private let source = Parameter.vertex("source")
  private let rounds = Parameter.integer("max_round", default: 10, in: .from(0))
  var parameters: [any AlgorithmParameter] { [source, rounds] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let ranks = CitationRanks(graph: call.graph, workers: call.workers)
    let source = try call.existingVertex(source)
    return .vertexData(.double(try ranks.personalized(from: source, delta: 0.5, rounds: try call[rounds])))
  }
}

/// Authority scores after a fixed number of rounds; their squares sum to 1.
struct FlashAuthoritiesAlgorithm: Algorithm {
  let names = ["flash_hits"]
  private let rounds = Parameter.integer("max_round", default: 10, in: .from(1))
  var parameters: [any AlgorithmParameter] { [rounds] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let scores = WalkScores(graph: call.graph, workers: call.workers)
    return .vertexData(.double(try scores.authorities(rounds: try call[rounds])))
  }
}
