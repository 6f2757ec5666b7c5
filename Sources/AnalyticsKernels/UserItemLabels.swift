import Engines
import GraphStore
import Workers

/// Propagation of two weights per vertex between the vertices of two labels, users and items, as GraphScope's `LPAU2I` defines it.
///
/// In turns, starting with the items, an item gets the sum of the weights of the users with edges to it, times the weights of the
/// edges; a user whose weight is neither 0 nor 1 gets the mean of what its items received from others: the sum over its edges to
/// items, without its own share, divided by the number of the items' other incoming edges. A user without such edges keeps its
/// weight.
package struct UserItemLabels {
  /// The numbers of the users and of the items.
  let users: Range<Int>
  let items: Range<Int>
  let graph: SimpleGraph
  let workers: Workers

  package init(graph: SimpleGraph, users: Range<Int>, items: Range<Int>, workers: Workers) {
    (self.graph, self.users, self.items, self.workers) = (graph, users, items, workers)
  }

  /// Returns the users' weights after `turns` turns.
  /// - Parameter start: The weight of each user at first.
  /// - Throws: `EngineError` for weights of edges that are missing or not numbers; `CancellationError`.
  package func run(_ start: NumericColumn, turns: Int) throws -> Buffer<Double> {
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let edges = try EdgeWeights(graph, .any("label propagation"), workers: workers, scratch: scratch)
    let label = try scratch.reserve(Double.self, count: graph.vertexCount)
    let sum = try scratch.reserve(Double.self, count: graph.vertexCount)
    for user in users { label[user] = start[user - users.lowerBound] }
    for turn in 0..<max(0, turns) {
      workers.progress.begin(round: turn + 1, of: turns)
      if turn.isMultiple(of: 2) {
        try receive(label, sum, edges)
      } else {
        try average(label, sum, edges)
      }
    }
    let result = try Buffer<Double>(count: users.count, storage: workers.storage)
    for user in users { result.mutableValues[user - users.lowerBound] = label[user] }
    return result
  }

  /// Computes the items' labels. One thread adds them up in the order of the edges, so that the sums are always the same.
  private func receive(
    _ label: UnsafeMutableBufferPointer<Double>, _ sum: UnsafeMutableBufferPointer<Double>, _ edges: EdgeWeights
  ) throws {
    sum.update(repeating: 0)
    for vertex in 0..<graph.vertexCount {
      try workers.forEachBlock(of: graph.outgoing.row(vertex)) { block in
        for entry in block { sum[Int(graph.outgoing.neighbours[entry])] += label[vertex] * edges[entry] }
      }
    }
    for item in items { label[item] = sum[item] }
  }

  private func average(
    _ label: UnsafeMutableBufferPointer<Double>, _ next: UnsafeMutableBufferPointer<Double>, _ edges: EdgeWeights
  ) throws {
    let (outgoing, incoming) = (graph.outgoing, graph.incoming)
    try workers.forEach(users.count, grain: chunkWork / 4) { range, _ in
      for user in range.lowerBound + users.lowerBound..<range.upperBound + users.lowerBound {
        next[user] = label[user]
        guard label[user] != 0, label[user] != 1 else { continue }
        let row = outgoing.row(user)
        var (received, others) = (-Double(row.count) * label[user], -row.count)
        try workers.forEachBlock(of: row) { block in
          for entry in block {
            let item = Int(outgoing.neighbours[entry])
            received += label[item] * edges[entry]
            others += incoming.row(item).count
          }
        }
        if others != 0 { next[user] = received / Double(others) }
      }
    }
    for user in users { label[user] = next[user] }
  }
}
