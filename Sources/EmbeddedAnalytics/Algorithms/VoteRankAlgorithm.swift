import AnalyticsKernels
import GraphStore

/// VoteRank: vertices in the order of their election. Without a number, or with 0, elects vertices as long as any have votes.
struct VoteRankAlgorithm: Algorithm {
  let names = ["voterank"]
  private let number = Parameter.integer("num_of_nodes", default: 0, in: .from(0))
  var parameters: [any AlgorithmParameter] { [number] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let number = try call[number]
    return .vertexData(
      .int32(try VoteRank.run(call.graph, count: number == 0 ? .max : number, workers: call.workers)))
  }
}
