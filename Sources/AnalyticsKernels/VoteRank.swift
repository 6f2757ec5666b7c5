import Engines
import GraphStore
import Workers

/// VoteRank (J.-X. Zhang et al., "Identifying a set of influential spreaders in complex networks", 2016), as networkx defines it:
/// the neighbours along a vertex's edges vote for it, the vertex with the most votes is elected, and the votes of those who voted
/// for it count less from then on.
///
/// Votes are counted in units of the reciprocal of the number of all entries, so that scores are integers and ties are detected
/// exactly; in a tie, the first vertex is elected.
package struct VoteRank {
  private let graph: SimpleGraph
  private let workers: Workers
  /// The value of each vertex's vote, at most the number of entries.
  private let votes: UnsafeMutableBufferPointer<Double>
  /// The sum of the votes for each vertex; 0 for elected ones.
  private let scores: UnsafeMutableBufferPointer<Double>
  private let ranks: UnsafeMutableBufferPointer<Int32>
  private var winners: WinnerTree

  /// Returns the position of each vertex in the order of election, from 1; 0 for others. At most `count` vertices are elected.
  package static func run(_ graph: SimpleGraph, count: Int, workers: Workers) throws -> Buffer<Int32> {
    let ranks = try Buffer<Int32>(count: graph.vertexCount, storage: workers.storage)
    guard graph.vertexCount > 0 else { return ranks }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    var election = try VoteRank(graph, ranks: ranks.mutableValues, workers, scratch)
    for place in 0..<min(count, graph.vertexCount) {
      workers.progress.begin(round: place + 1, of: min(count, graph.vertexCount))
      guard try election.elect(place: Int32(truncatingIfNeeded: place + 1)) else { break }
    }
    return ranks
  }

  private init(
    _ graph: SimpleGraph, ranks: UnsafeMutableBufferPointer<Int32>, _ workers: Workers, _ scratch: Scratch
  ) throws {
    (self.graph, self.workers, self.ranks) = (graph, workers, ranks)
    let (votes, scores) = (
      try scratch.reserve(Double.self, count: graph.vertexCount),
      try scratch.reserve(Double.self, count: graph.vertexCount)
    )
    let full = Double(graph.outgoing.neighbours.count)
    try workers.forEach(graph.vertexCount, grain: 1 << 16) { range, _ in
      for vertex in range {
        votes[vertex] = full
        scores[vertex] = full * Double(graph.outgoing.row(vertex).count)
      }
    }
    (self.votes, self.scores) = (votes, scores)
    winners = try WinnerTree(scores, scratch: scratch)
  }

  /// Elects one vertex. Returns false if none has votes.
  private mutating func elect(place: Int32) throws -> Bool {
    let vertex = winners.winner
    guard scores[vertex] > 0 else { return false }
    ranks[vertex] = place
    let worth = votes[vertex]
    votes[vertex] = 0
    try changeScores(votedForBy: vertex, by: -worth)
    scores[vertex] = 0
    winners.update(vertex, scores)
    let rows = graph.outgoing
    for entry in rows.row(vertex) {
      let voter = Int(rows.neighbours[entry])
      let left = max(0, votes[voter] - Double(graph.vertexCount))
      guard left != votes[voter] else { continue }
      let change = left - votes[voter]
      votes[voter] = left
      try changeScores(votedForBy: voter, by: change)
      try workers.cancellation.check()
    }
    return true
  }

  /// Changes the scores of the vertices for which a vertex votes.
  private mutating func changeScores(votedForBy voter: Int, by change: Double) throws {
    let rows = graph.incoming
    for (step, entry) in rows.row(voter).enumerated() {
      let vertex = Int(rows.neighbours[entry])
      if step % chunkWork == 0 { try workers.cancellation.check() }
      guard ranks[vertex] == 0 else { continue }
      scores[vertex] += change
      winners.update(vertex, scores)
    }
  }
}

/// Maintains the maximum of a list of numbers as single ones change: a binary tree in which each node holds the greater of its
/// children.
struct WinnerTree {
  /// The winner of each pair, with the root at 1; the children of `n` are `2n` and `2n + 1`.
  private let winners: UnsafeMutableBufferPointer<VertexNumber>
  /// The position of the first number.
  private let leaves: Int

  /// Creates the tree. Among equal maxima the first one wins.
  init(_ numbers: UnsafeMutableBufferPointer<Double>, scratch: Scratch) throws {
    var leaves = 1
    while leaves < numbers.count { leaves *= 2 }
    self.leaves = leaves
    winners = try scratch.reserve(VertexNumber.self, count: 2 * leaves)
    for leaf in 0..<leaves {
      winners[leaves + leaf] = leaf < numbers.count ? VertexNumber(truncatingIfNeeded: leaf) : .max
    }
    for pair in stride(from: leaves - 1, to: 0, by: -1) { winners[pair] = better(pair, numbers) }
  }

  /// The index of the maximum.
  var winner: Int { Int(winners[1]) }

  /// Updates the tree after a number has changed.
  func update(_ index: Int, _ numbers: UnsafeMutableBufferPointer<Double>) {
    var pair = (leaves + index) / 2
    while pair > 0 {
      winners[pair] = better(pair, numbers)
      pair /= 2
    }
  }

  private func better(_ pair: Int, _ numbers: UnsafeMutableBufferPointer<Double>) -> VertexNumber {
    let (left, right) = (winners[2 * pair], winners[2 * pair + 1])
    guard right != .max else { return left }
    return numbers[Int(right)] > numbers[Int(left)] ? right : left
  }
}
