import GraphStore
import Workers

/// PageRank as LDBC Graphalytics defines it: a fixed number of rounds; the rank of vertices without outgoing edges is distributed
/// evenly over all vertices. On undirected graphs every entry of a vertex's row is an outgoing edge.
///
/// Each vertex sums over its incoming entries in the order of its row, and ranks of dangling vertices are summed by chunks that
/// depend only on the graph, so the result does not depend on the number of threads.
package enum PageRank {
  /// Returns the ranks after `rounds` rounds with damping factor `delta`; they sum to 1.
  package static func run(_ graph: SimpleGraph, delta: Double, rounds: Int, workers: Workers) throws -> Buffer<Double> {
    let count = graph.vertexCount
    let ranks = try Buffer<Double>(count: count, storage: workers.storage)
    guard count > 0 else { return ranks }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let rank = ranks.mutableValues
    let (outgoing, incoming) = (graph.outgoing, graph.incoming)
    let even = 1 / Double(count)

    /// The rank of each vertex divided by its number of outgoing edges, now and after the round.
    var share = try scratch.reserve(Double.self, count: count)
    var nextShare = try scratch.reserve(Double.self, count: count)
    let dangling = try scratch.reserve(Double.self, count: VertexCuts(incoming, grain: chunkWork).count)

    /// Stores the new rank of a vertex; returns the part of it to be distributed evenly.
    @inline(__always)
    func note(_ value: Double, _ vertex: Int, _ share: UnsafeMutableBufferPointer<Double>) -> Double {
      rank[vertex] = value
      let degree = outgoing.row(vertex).count
      share[vertex] = degree == 0 ? 0 : value / Double(degree)
      return degree == 0 ? value : 0
    }

    try workers.forEachVertexRange(of: incoming) { vertices, chunk, _ in
      var sum = 0.0
      for vertex in vertices { sum += note(even, vertex, share) }
      dangling[chunk] = sum
    }
    for round in 0..<max(0, rounds) {
      workers.progress.begin(round: round + 1, of: rounds)
      let base = (1 - delta) * even + delta * even * dangling.reduce(0, +)
      let (share0, share1) = (share, nextShare)
      try workers.forEachVertexRange(of: incoming) { vertices, chunk, _ in
        var sum = 0.0
        for vertex in vertices {
          var received = 0.0
          try workers.forEachBlock(of: incoming.row(vertex)) { block in
            for entry in block { received += share0[Int(incoming.neighbours[entry])] }
          }
          sum += note(base + delta * received, vertex, share1)
        }
        dangling[chunk] = sum
      }
      swap(&share, &nextShare)
    }
    return ranks
  }
}
