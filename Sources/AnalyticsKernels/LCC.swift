import Engines
import GraphStore
import Workers

/// Local clustering coefficients as LDBC Graphalytics defines them: the share of ordered pairs of a vertex's neighbours that are
/// joined by an edge. Neighbours are those in either direction; self loops and parallel edges are ignored.
package enum LCC {
  /// Counts the edge opposite a corner once per direction.
  private enum Weights: TriangleWeights {
    @inline(__always)
    static func counts(_ triangle: Triangle) -> (first: UInt64, second: UInt64, third: UInt64) {
      (triangle.secondThird.directions, triangle.firstThird.directions, triangle.firstSecond.directions)
    }
  }

  /// Returns the coefficients of all vertices; 0 for vertices with fewer than two neighbours.
  package static func run(_ graph: SimpleGraph, workers: Workers) throws -> Buffer<Double> {
    let count = graph.vertexCount
    let result = try Buffer<Double>(count: count, storage: workers.storage)
    guard count > 0 else { return result }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let rows = try RankedNeighbours(graph, workers: workers, scratch: scratch)
    let closed = try rows.triangles(Weights.self, workers: workers, scratch: scratch)
    let coefficient = result.mutableValues
    try workers.forEach(count, grain: 1 << 16) { range, _ in
      for vertex in range where rows.ranks.degrees[vertex] > 1 {
        let degree = Double(rows.ranks.degrees[vertex])
        coefficient[vertex] = Double(closed[Int(rows.ranks.rank[vertex])]) / (degree * (degree - 1))
      }
    }
    return result
  }
}
