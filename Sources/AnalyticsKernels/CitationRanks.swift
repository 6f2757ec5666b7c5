import Engines
import GraphStore
import Workers

/// Ranks that vertices receive along the edges that lead to them, in a fixed number of rounds. Parallel edges count as often as they
/// occur; on undirected graphs every entry of a vertex's row is an outgoing edge.
///
/// Each vertex sums over its incoming entries in the order of its row, so the result does not depend on the number of threads.
package struct CitationRanks {
  let graph: SimpleGraph
  let workers: Workers

  package init(graph: SimpleGraph, workers: Workers) {
    (self.graph, self.workers) = (graph, workers)
  }

  /// Computes ArticleRank (J. Li, P. Willett, "ArticleRank: a PageRank-based alternative to numbers of citations for analysing
  /// citation networks", 2009): in each round, starting with ranks of 0, a vertex gets 1 − `delta`, and `delta` times the ranks of
  /// the vertices with edges to it, each divided by the sum of its number of outgoing edges and the mean number of them.
  package func articleRank(delta: Double, rounds: Int) throws -> Buffer<Double> {
    let ranks = try Buffer<Double>(count: graph.vertexCount, storage: workers.storage)
    guard graph.vertexCount > 0 else { return ranks }
    let rank = ranks.mutableValues
    let mean = Double(graph.outgoing.neighbours.count) / Double(graph.vertexCount)
    try iterate(rounds) { vertex, received in
      rank[vertex] = 1 - delta + delta * received
      let degree = graph.outgoing.row(vertex).count
      return degree == 0 ? 0 : rank[vertex] / (Double(degree) + mean)
    }
    return ranks
  }

  /// Computes personalized PageRank: the probabilities of the positions of a random walk that starts at `source`, follows an
  /// outgoing edge with probability `delta`, and otherwise, or without such edges, returns to the source. They sum to 1.
  package func personalized(from source: VertexNumber, delta: Double, rounds: Int) throws -> Buffer<Double> {
    let ranks = try Buffer<Double>(count: graph.vertexCount, storage: workers.storage)
    let rank = ranks.mutableValues
    let source = Int(source)
    rank[source] = 1
    let start = graph.outgoing.row(source).count
    try iterate(rounds, start: start == 0 ? nil : (source, 1 / Double(start))) { vertex, received in
      rank[vertex] = delta * received
      let degree = graph.outgoing.row(vertex).count
      return degree == 0 ? 0 : rank[vertex] / Double(degree)
    } finishing: { share in
      // What no other vertex received has returned to the source.
      let others = try sum { vertex in vertex == source ? 0 : rank[vertex] }
      rank[source] = 1 - others
      let degree = graph.outgoing.row(source).count
      share[source] = degree == 0 ? 0 : rank[source] / Double(degree)
    }
    return ranks
  }

  /// Runs rounds in which each vertex gets the sum of the shares of the vertices with edges to it; `update` returns its own share for
  /// the next round.
  /// - Parameters:
  ///   - start: a vertex with its share in the first round; all others are 0.
  ///   - finishing: changes the shares after a round.
  private func iterate(
    _ rounds: Int, start: (vertex: Int, share: Double)? = nil, _ update: (Int, Double) -> Double,
    finishing: (UnsafeMutableBufferPointer<Double>) throws -> Void = { _ in }
  ) throws {
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    var share = try scratch.reserve(Double.self, count: graph.vertexCount)
    var next = try scratch.reserve(Double.self, count: graph.vertexCount)
    if let start { share[start.vertex] = start.share }
    let incoming = graph.incoming
    for round in 0..<rounds {
      workers.progress.begin(round: round + 1, of: rounds)
      let (now, then) = (share, next)
      try workers.forEachVertexRange(of: incoming) { vertices, _, _ in
        for vertex in vertices {
          var received = 0.0
          try workers.forEachBlock(of: incoming.row(vertex)) { block in
            for entry in block { received += now[Int(incoming.neighbours[entry])] }
          }
          then[vertex] = update(vertex, received)
        }
      }
      try finishing(then)
      swap(&share, &next)
    }
  }

  /// Returns a sum over all vertices that does not depend on the number of threads.
  private func sum(_ value: (Int) -> Double) throws -> Double {
    let grain = 1 << 16
    var sums = [Double](repeating: 0, count: graph.vertexCount / grain + 1)
    try sums.withUnsafeMutableBufferPointer { sums in
      let sums = sums
      try workers.forEach(graph.vertexCount, grain: grain) { range, _ in
        sums[range.lowerBound / grain] = range.reduce(0) { $0 + value($1) }
      }
    }
    return sums.reduce(0, +)
  }
}
