import Engines
import GraphStore
import Workers

/// The similarity of the two ends of edges. An undirected edge counts in both directions, a loop of an undirected graph once;
/// parallel edges count separately.
package struct Assortativity {
  let graph: SimpleGraph
  let workers: Workers

  package init(graph: SimpleGraph, workers: Workers) {
    (self.graph, self.workers) = (graph, workers)
  }

  /// Returns Pearson's correlation of a value at the sources of edges with one at their targets; NaN if either is the same for
  /// all edges, or if there are no edges.
  package func correlation(
    _ source: UnsafeMutableBufferPointer<Double>, _ target: UnsafeMutableBufferPointer<Double>
  ) throws -> Double {
    let totals = try sums { _, _ in 1 }
    guard totals > 0 else { return .nan }
    let sourceMean = try sums { from, _ in source[from] } / totals
    let targetMean = try sums { _, to in target[to] } / totals
    let sourceVariance = try sums { from, _ in (source[from] - sourceMean) * (source[from] - sourceMean) }
    let targetVariance = try sums { _, to in (target[to] - targetMean) * (target[to] - targetMean) }
    let covariance = try sums { from, to in (source[from] - sourceMean) * (target[to] - targetMean) }
    return covariance / (sourceVariance.squareRoot() * targetVariance.squareRoot())
  }

  /// Returns how much more often than by chance edges join vertices of the same class (M. Newman, "Mixing patterns in networks",
  /// 2003); NaN if all are of one class, or if there are no edges.
  package func coefficient(classes: UnsafeMutableBufferPointer<UInt32>, count: Int) throws -> Double {
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let from = try scratch.reserve(Double.self, count: count)
    let to = try scratch.reserve(Double.self, count: count)
    var (total, alike) = (0.0, 0.0)
    try forEachEdge { source, target, weight in
      total += weight
      if classes[source] == classes[target] { alike += weight }
      from[Int(classes[source])] += weight
      to[Int(classes[target])] += weight
    }
    let byChance = zip(from, to).reduce(0) { $0 + ($1.0 / total) * ($1.1 / total) }
    return (alike / total - byChance) / (1 - byChance)
  }

  /// Calls `body` with the ends of each entry and its weight: 1, or ½ for each of the two entries of a loop in a row.
  private func forEachEdge(_ body: (_ source: Int, _ target: Int, _ weight: Double) -> Void) throws {
    for vertex in 0..<graph.vertexCount { try forEachEdge(of: vertex, body) }
  }

  @inline(__always)
  private func forEachEdge(of vertex: Int, _ body: (Int, Int, Double) -> Void) throws {
    let rows = graph.outgoing
    let loop = graph.isDirected ? 1 : 0.5
    try workers.forEachBlock(of: rows.row(vertex)) { block in
      for entry in block {
        let neighbour = Int(rows.neighbours[entry])
        body(vertex, neighbour, neighbour == vertex ? loop : 1)
      }
    }
  }

  /// Returns the sum of a value over all edges, which does not depend on the number of threads.
  private func sums(_ value: (_ source: Int, _ target: Int) -> Double) throws -> Double {
    var sums = [Double](repeating: 0, count: VertexCuts(graph.outgoing, grain: chunkWork).count)
    try sums.withUnsafeMutableBufferPointer { sums in
      let sums = sums
      try workers.forEachVertexRange(of: graph.outgoing) { vertices, chunk, _ in
        var sum = 0.0
        for vertex in vertices { try forEachEdge(of: vertex) { sum += value($0, $1) * $2 } }
        sums[chunk] = sum
      }
    }
    return sums.reduce(0, +)
  }
}
