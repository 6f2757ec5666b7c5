import Engines
import GraphStore
import Workers

/// Hubs and authorities (J. Kleinberg, 1999): the authority of a vertex is the sum of the hub scores of the vertices with edges
/// to it; its hub score is the sum of the authorities of the vertices that its edges lead to. In each round both are scaled to a
/// maximum of 1.
package struct HITS {
  typealias Vector = AdjacencyMatrix.Vector

  let graph: SimpleGraph
  let workers: Workers

  package init(graph: SimpleGraph, workers: Workers) {
    (self.graph, self.workers) = (graph, workers)
  }

  /// Returns the scores after the first round in which the hub scores changed by no more than `tolerance` in total, or after the
  /// maximum number of rounds. Normalized scores sum to 1.
  package func run(
    tolerance: Double, maximumRounds: Int, isNormalized: Bool
  ) throws -> (authorities: Buffer<Double>, hubs: Buffer<Double>, hasConverged: Bool) {
    let count = graph.vertexCount
    let authorities = try Buffer<Double>(count: count, storage: workers.storage)
    let hubs = try Buffer<Double>(count: count, storage: workers.storage)
    guard count > 0 else { return (authorities, hubs, true) }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let forwards = try AdjacencyMatrix(graph, transposed: false, nil, workers: workers, scratch: scratch)
    let backwards = try AdjacencyMatrix(graph, transposed: true, nil, workers: workers, scratch: scratch)
    let (outSums, inSums) = (try forwards.partialSums(scratch), try backwards.partialSums(scratch))
    let (authority, hub) = (authorities.mutableValues, hubs.mutableValues)
    let last = try scratch.reserve(Double.self, count: count)
    try workers.fill(hub, with: 1 / Double(count))
    var hasConverged = false
    for round in 0..<maximumRounds where !hasConverged {
      workers.progress.begin(round: round + 1, of: maximumRounds)
      for vertex in 0..<count { last[vertex] = hub[vertex] }
      _ = try backwards.multiply(last, partialSums: inSums) { vertex, received in
        authority[vertex] = received
        return 0
      }
      _ = try forwards.multiply(authority, partialSums: outSums) { vertex, received in
        hub[vertex] = received
        return 0
      }
      divide(authority, by: authority.max() ?? 0)
      divide(hub, by: hub.max() ?? 0)
      var change = 0.0
      for vertex in 0..<count { change += abs(hub[vertex] - last[vertex]) }
      hasConverged = change <= tolerance
      try workers.cancellation.check()
    }
    if isNormalized {
      divide(authority, by: authority.reduce(0, +))
      divide(hub, by: hub.reduce(0, +))
    }
    return (authorities, hubs, hasConverged)
  }

  /// Leaves the values unchanged if the divisor is 0: without edges, they are 0.
  private func divide(_ vector: Vector, by divisor: Double) {
    guard divisor > 0 else { return }
    for index in vector.indices { vector[index] /= divisor }
  }
}
