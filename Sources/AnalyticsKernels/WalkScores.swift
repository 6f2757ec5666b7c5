import Engines
import GraphStore
import Workers

/// Scores by a fixed number of multiplications with the adjacency matrix, in which every edge counts 1.
package struct WalkScores {
  typealias Vector = AdjacencyMatrix.Vector

  let graph: SimpleGraph
  let workers: Workers

  package init(graph: SimpleGraph, workers: Workers) {
    (self.graph, self.workers) = (graph, workers)
  }

  /// Returns, for each vertex, the sum of `alpha` to the power of the length of a walk over all walks that end at the vertex and
  /// have from 1 to `length` edges (L. Katz, "A New Status Index Derived from Sociometric Analysis", 1953).
  package func katz(alpha: Double, length: Int) throws -> Buffer<Double> {
    let result = try Buffer<Double>(count: graph.vertexCount, storage: workers.storage)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let matrix = try AdjacencyMatrix(graph, transposed: true, nil, workers: workers, scratch: scratch)
    let sums = try matrix.partialSums(scratch)
    let last = try scratch.reserve(Double.self, count: graph.vertexCount)
    let next = result.mutableValues
    for _ in 0..<length {
      try workers.forEach(last.count, grain: 1 << 16) { range, _ in
        for vertex in range { last[vertex] = next[vertex] + 1 }
      }
      _ = try matrix.multiply(last, partialSums: sums) { vertex, received in
        next[vertex] = alpha * received
        return 0
      }
    }
    return result
  }

  /// Returns authority scores (J. Kleinberg, "Authoritative Sources in a Hyperlinked Environment", 1999) after a number of rounds.
  /// Hub scores are 1 at the start. In each round the authority of a vertex becomes the sum of the hub scores of the vertices with
  /// edges to it, then its hub score the sum of the authorities of the vertices that its edges lead to; both are scaled to squares
  /// that sum to 1. Without edges all are 0.
  package func authorities(rounds: Int) throws -> Buffer<Double> {
    let result = try Buffer<Double>(count: graph.vertexCount, storage: workers.storage)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let forwards = try AdjacencyMatrix(graph, transposed: false, nil, workers: workers, scratch: scratch)
    let backwards = try AdjacencyMatrix(graph, transposed: true, nil, workers: workers, scratch: scratch)
    let (outSums, inSums) = (try forwards.partialSums(scratch), try backwards.partialSums(scratch))
    let hub = try scratch.reserve(Double.self, count: graph.vertexCount)
    let authority = result.mutableValues
    try workers.fill(hub, with: 1)
    for round in 0..<rounds {
      workers.progress.begin(round: round + 1, of: rounds)
      try multiply(backwards, hub, inSums, into: authority)
      try multiply(forwards, authority, outSums, into: hub)
    }
    return result
  }

  /// Multiplies and scales the product to length 1.
  private func multiply(_ matrix: AdjacencyMatrix, _ vector: Vector, _ sums: Vector, into product: Vector) throws {
    let squares = try matrix.multiply(vector, partialSums: sums) { vertex, received in
      product[vertex] = received
      return received * received
    }
    guard squares > 0 else { return }
    let length = squares.squareRoot()
    try workers.forEach(product.count, grain: 1 << 16) { range, _ in
      for vertex in range { product[vertex] /= length }
    }
  }
}
