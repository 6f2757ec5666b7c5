import Engines
import GraphStore
import Workers

/// Clustering as networkx defines it. Self loops and parallel edges are ignored.
package enum Clustering {
  /// Returns the number of triangles through each vertex. Ignores the direction of edges.
  package static func triangles(_ graph: SimpleGraph, workers: Workers) throws -> Buffer<UInt64> {
    let result = try Buffer<UInt64>(count: graph.vertexCount, storage: workers.storage)
    try withTriangles(graph, EachTriangle.self, workers) { counts, ranks, _ in
      let value = result.mutableValues
      try workers.forEach(value.count, grain: 1 << 16) { range, _ in
        for vertex in range { value[vertex] = counts[Int(ranks.rank[vertex])] }
      }
    }
    return result
  }

  /// Returns the coefficient of each vertex: on undirected graphs, the share of pairs of neighbours that are joined; on directed
  /// graphs, the share of triangles among those possible with edges in both directions (G. Fagiolo, "Clustering in complex
  /// directed networks", 2007). Vertices with more than `threshold` edges get 0.
  package static func coefficients(_ graph: SimpleGraph, threshold: Int, workers: Workers) throws -> Buffer<Double> {
    let result: Buffer<Double>
    if graph.isDirected {
      result = try Buffer<Double>(count: graph.vertexCount, storage: workers.storage)
      try withTriangles(graph, EachPairOfEdges.self, workers) { counts, ranks, scratch in
        let pairs = try neighbourPairs(graph, workers, scratch)
        try workers.forEach(pairs.count, grain: 1 << 16) { range, _ in
          for vertex in range {
            let closed = counts[Int(ranks.rank[vertex])]
            result.mutableValues[vertex] = closed == 0 ? 0 : Double(closed) / pairs[vertex]
          }
        }
      }
    } else {
      result = try LCC.run(graph, workers: workers)
    }
    try workers.forEach(graph.vertexCount, grain: 1 << 16) { range, _ in
      for vertex in range where graph.edgeCount(vertex) > threshold { result.mutableValues[vertex] = 0 }
    }
    return result
  }

  /// Returns the share of paths of two edges that are closed by a third edge. On directed graphs, both edges of a path lead away
  /// from their common vertex.
  package static func transitivity(_ graph: SimpleGraph, workers: Workers) throws -> Double {
    var (closed, paths) = (0.0, 0.0)
    try withTriangles(graph, OutwardPairs.self, workers) { counts, ranks, scratch in
      let degrees = try scratch.reserve(UInt32.self, count: graph.vertexCount)
      let union = NeighbourUnion(graph: graph, workers: workers)
      try workers.forEachVertexRange(of: graph.outgoing) { vertices, _, _ in
        for vertex in vertices {
          try union.forEachNeighbour(of: vertex) { _, joined in degrees[vertex] += joined.isForwards ? 1 : 0 }
        }
      }
      for vertex in degrees.indices {
        closed += Double(counts[Int(ranks.rank[vertex])])
        paths += Double(degrees[vertex]) * (Double(degrees[vertex]) - 1)
      }
    }
    return closed == 0 ? 0 : closed / paths
  }

  private enum EachTriangle: TriangleWeights {
    @inline(__always)
    static func counts(_ triangle: Triangle) -> (first: UInt64, second: UInt64, third: UInt64) { (1, 1, 1) }
  }

  /// Counts all triangles of directed edges: edges in both directions between two corners make two.
  private enum EachPairOfEdges: TriangleWeights {
    @inline(__always)
    static func counts(_ triangle: Triangle) -> (first: UInt64, second: UInt64, third: UInt64) {
      let product =
        triangle.firstSecond.directions * triangle.firstThird.directions * triangle.secondThird.directions
      return (product, product, product)
    }
  }

  /// Counts the edges between the ends of two edges that lead away from a corner.
  private enum OutwardPairs: TriangleWeights {
    @inline(__always)
    static func counts(_ triangle: Triangle) -> (first: UInt64, second: UInt64, third: UInt64) {
      let (near, far, opposite) = (triangle.firstSecond, triangle.firstThird, triangle.secondThird)
      return (
        near.isForwards && far.isForwards ? opposite.directions : 0,
        near.isBackwards && opposite.isForwards ? far.directions : 0,
        far.isBackwards && opposite.isBackwards ? near.directions : 0
      )
    }
  }

  private static func withTriangles<Weights: TriangleWeights>(
    _ graph: SimpleGraph, _ weights: Weights.Type, _ workers: Workers,
    _ body: (UnsafeMutableBufferPointer<UInt64>, DegreeRanks, Scratch) throws -> Void
  ) throws {
    guard graph.vertexCount > 0 else { return }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let rows = try RankedNeighbours(graph, workers: workers, scratch: scratch)
    try body(try rows.triangles(weights, workers: workers, scratch: scratch), rows.ranks, scratch)
  }

  /// Returns, for each vertex, the number of ordered pairs of edges to different neighbours.
  private static func neighbourPairs(
    _ graph: SimpleGraph, _ workers: Workers, _ scratch: Scratch
  ) throws -> UnsafeMutableBufferPointer<Double> {
    let pairs = try scratch.reserve(Double.self, count: graph.vertexCount)
    let union = NeighbourUnion(graph: graph, workers: workers)
    try workers.forEachVertexRange(of: graph.outgoing) { vertices, _, _ in
      for vertex in vertices {
        var (total, mutual) = (0.0, 0.0)
        try union.forEachNeighbour(of: vertex) { _, joined in
          total += Double(joined.directions)
          mutual += joined == .both ? 1 : 0
        }
        pairs[vertex] = total * (total - 1) - 2 * mutual
      }
    }
    return pairs
  }
}

extension SimpleGraph {
  /// Returns the number of a vertex's edges in either direction; a loop of an undirected graph counts twice.
  @inline(__always)
  package func edgeCount(_ vertex: Int) -> Int {
    outgoing.row(vertex).count + (isDirected ? incoming.row(vertex).count : 0)
  }
}
