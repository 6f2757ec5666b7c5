import Engines
import GraphStore
import Workers

/// Centralities that networkx defines by repeated multiplication with the adjacency matrix, until the total change of all
/// elements is less than a tolerance per vertex.
package struct PowerIteration {
  typealias Vector = AdjacencyMatrix.Vector

  let graph: SimpleGraph
  let workers: Workers
  /// The mean change per vertex below which the iteration stops.
  let tolerance: Double
  let maximumRounds: Int

  package init(graph: SimpleGraph, workers: Workers, tolerance: Double, maximumRounds: Int) {
    (self.graph, self.workers, self.tolerance, self.maximumRounds) = (graph, workers, tolerance, maximumRounds)
  }

  /// The values, and whether they had converged after the last round.
  package typealias Result = (values: Buffer<Double>, hasConverged: Bool)

  /// Computes eigenvector centrality: each value is proportional to the sum of those of the vertices with edges to it. 1 is added
  /// to the diagonal of the matrix because values on bipartite graphs would otherwise alternate.
  package func eigenvector() throws -> Result {
    try iterate(from: 1 / Double(max(1, graph.vertexCount)), .any("eigenvector centralities")) {
      matrix, sums, last, next in
      let squares = try matrix.multiply(last, partialSums: sums) { vertex, received in
        next[vertex] = last[vertex] + received
        return next[vertex] * next[vertex]
      }
      let norm = squares.squareRoot()
      try scale(next, by: norm == 0 ? 1 : 1 / norm)
      return try distance(last, next)
    }
  }

  /// Computes Katz centrality: `beta` plus `alpha` times the sum of the values of the vertices with edges to it. Vertices with
  /// more than `threshold` edges get 0.
  package func katz(alpha: Double, beta: Double, isNormalized: Bool, threshold: Int) throws -> Result {
    let result = try iterate(from: 0, .any("Katz centralities")) { matrix, sums, last, next in
      try matrix.multiply(last, partialSums: sums) { vertex, received in
        next[vertex] = graph.edgeCount(vertex) > threshold ? 0 : alpha * received + beta
        return abs(next[vertex] - last[vertex])
      }
    }
    if isNormalized {
      // Scaled, because squares of large values would overflow.
      let values = result.values.mutableValues
      let greatest = values.reduce(0) { max($0, abs($1)) }
      if greatest > 0 {
        let squares = values.reduce(0) { $0 + ($1 / greatest) * ($1 / greatest) }
        try scale(values, by: 1 / greatest)
        try scale(values, by: 1 / squares.squareRoot())
      }
    }
    return result
  }

  /// Iterates `round`, which computes the next values from the last ones and returns their distance.
  private func iterate(
    from start: Double, _ bounds: EdgeWeights.Bounds,
    _ round: (AdjacencyMatrix, _ partialSums: Vector, _ last: Vector, _ next: Vector) throws -> Double
  ) throws -> Result {
    let count = graph.vertexCount
    let values = try Buffer<Double>(count: count, storage: workers.storage)
    guard count > 0 else { return (values, true) }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let matrix = try AdjacencyMatrix(graph, transposed: true, bounds, workers: workers, scratch: scratch)
    let sums = try matrix.partialSums(scratch)
    let (last, next) = (try scratch.reserve(Double.self, count: count), values.mutableValues)
    try workers.fill(next, with: start)
    for number in 0..<maximumRounds {
      workers.progress.begin(round: number + 1, of: maximumRounds)
      try copy(next, to: last)
      let change = try round(matrix, sums, last, next)
      guard change.isFinite else { throw Self.unbounded }
      if change < Double(count) * tolerance { return (values, true) }
    }
    return (values, false)
  }

  private func copy(_ source: Vector, to target: Vector) throws {
    try workers.forEach(source.count, grain: 1 << 16) { range, _ in
      _ = UnsafeMutableBufferPointer(rebasing: target[range]).update(fromContentsOf: source[range])
    }
  }

  private func scale(_ vector: Vector, by factor: Double) throws {
    try workers.forEach(vector.count, grain: 1 << 16) { range, _ in for index in range { vector[index] *= factor } }
  }

  private func distance(_ one: Vector, _ other: Vector) throws -> Double {
    let grain = 1 << 16
    var sums = [Double](repeating: 0, count: one.count / grain + 1)
    try sums.withUnsafeMutableBufferPointer { sums in
      let sums = sums
      try workers.forEach(one.count, grain: grain) { range, _ in
        sums[range.lowerBound / grain] = range.reduce(0) { $0 + abs(one[$1] - other[$1]) }
      }
    }
    return sums.reduce(0, +)
  }

  private static let unbounded = EngineError(
    .invalidValue, "the values grow without bound",
    hint: "Choose a smaller alpha or smaller weights: alpha must be less than 1 divided by the largest eigenvalue")
}
