import GraphStore
import Workers

/// A kind of triangle of directed edges. Edges between two vertices in both directions belong to several triangles; an undirected
/// edge is one in each direction. Loops and parallel edges do not count.
package enum TriangleKind: Sendable {
  /// a→b, b→c and c→a.
  case cyclic
  /// a→b, b→c and a→c.
  case acyclic
  /// A cyclic triangle with the reverse of one of its edges.
  case cycleAndEdge
  /// Edges in both directions between a and b, a→c and b→c.
  case pairInwards
  /// Edges in both directions between a and b, c→a and c→b.
  case pairOutwards

  /// Returns the number of triangles of this kind in a graph.
  package func count(in graph: SimpleGraph, workers: Workers) throws -> Int {
    switch self {
    case .cyclic: try Self.sum(Cyclic.self, graph, workers)
    case .acyclic: try Self.sum(Acyclic.self, graph, workers)
    case .cycleAndEdge: try Self.sum(CycleAndEdge.self, graph, workers)
    case .pairInwards: try Self.sum(PairInwards.self, graph, workers)
    case .pairOutwards: try Self.sum(PairOutwards.self, graph, workers)
    }
  }

  private static func sum<Weights: TriangleWeights>(
    _ weights: Weights.Type, _ graph: SimpleGraph, _ workers: Workers
  ) throws -> Int {
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let rows = try RankedNeighbours(graph, workers: workers, scratch: scratch)
    var tally = Tally()
    for count in try rows.triangles(weights, workers: workers, scratch: scratch) {
      try tally.add(Int(truncatingIfNeeded: count))
    }
    return tally.count
  }
}

/// The edges of a triangle, each 1 if it exists and otherwise 0; a, b and c are its corners.
private struct TriangleEdges {
  let ab, ba, ac, ca, bc, cb: UInt64

  @inline(__always)
  init(_ triangle: Triangle) {
    (ab, ba) = Self.both(triangle.firstSecond)
    (ac, ca) = Self.both(triangle.firstThird)
    (bc, cb) = Self.both(triangle.secondThird)
  }

  @inline(__always)
  private static func both(_ directions: EdgeDirections) -> (UInt64, UInt64) {
    (directions.isForwards ? 1 : 0, directions.isBackwards ? 1 : 0)
  }
}

private protocol EdgePatterns: TriangleWeights {
  /// Returns the number of ways in which a pattern lies in the edges between three vertices.
  static func count(_ e: TriangleEdges) -> UInt64
}

extension EdgePatterns {
  @inline(__always)
  static func counts(_ triangle: Triangle) -> (first: UInt64, second: UInt64, third: UInt64) {
    (count(TriangleEdges(triangle)), 0, 0)
  }
}

private enum Cyclic: EdgePatterns {
  @inline(__always)
  static func count(_ e: TriangleEdges) -> UInt64 { e.ab * e.bc * e.ca + e.ac * e.cb * e.ba }
}

private enum Acyclic: EdgePatterns {
  @inline(__always)
  static func count(_ e: TriangleEdges) -> UInt64 {
    let fromA = e.ab * e.ac * (e.bc + e.cb)
    let fromB = e.ba * e.bc * (e.ac + e.ca)
    let fromC = e.ca * e.cb * (e.ab + e.ba)
    return fromA + fromB + fromC
  }
}

private enum CycleAndEdge: EdgePatterns {
  @inline(__always)
  static func count(_ e: TriangleEdges) -> UInt64 {
    let (one, other) = (e.ab * e.bc * e.ca, e.ac * e.cb * e.ba)
    return one * (e.ba + e.cb + e.ac) + other * (e.ab + e.bc + e.ca)
  }
}

private enum PairInwards: EdgePatterns {
  @inline(__always)
  static func count(_ e: TriangleEdges) -> UInt64 {
    e.ab * e.ba * e.ac * e.bc + e.ac * e.ca * e.ab * e.cb + e.bc * e.cb * e.ba * e.ca
  }
}

private enum PairOutwards: EdgePatterns {
  @inline(__always)
  static func count(_ e: TriangleEdges) -> UInt64 {
    e.ab * e.ba * e.ca * e.cb + e.ac * e.ca * e.ba * e.bc + e.bc * e.cb * e.ab * e.ac
  }
}
