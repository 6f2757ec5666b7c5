import Engines
import GraphStore
import Workers

/// The tree of a search from one vertex: the predecessor of each reached vertex is the one from which it was reached first.
/// Vertices are expanded in the order in which they are reached, their neighbours in ascending order of their numbers.
package struct SearchTree {
  /// The predecessor of each vertex; `none` for the source and for unreached vertices.
  package let predecessor: UnsafeMutableBufferPointer<VertexNumber>
  /// The reached vertices, the source first.
  package let reached: UnsafeMutableBufferPointer<VertexNumber>

  package static let none = VertexNumber.max

  /// Searches along a graph's edges.
  /// - Parameters:
  ///   - depth: the maximum depth, in edges.
  ///   - follows: whether the search follows an entry of a vertex's row.
  package init(
    _ graph: SimpleGraph, from source: VertexNumber, depth: Int = .max, workers: Workers, scratch: Scratch,
    follows: (_ vertex: Int, _ entry: Int) -> Bool = { _, _ in true }
  ) throws {
    let predecessor = try scratch.reserve(VertexNumber.self, count: graph.vertexCount)
    let order = try scratch.reserve(VertexNumber.self, count: graph.vertexCount)
    try workers.fill(predecessor, with: Self.none)
    order[0] = source
    // Temporarily its own predecessor, so that it is not reached again.
    predecessor[Int(source)] = source
    let rows = graph.outgoing
    var (count, next, level, levelEnd) = (1, 0, 0, 1)
    while next < count, level < depth {
      let vertex = Int(order[next])
      try workers.forEachBlock(of: rows.row(vertex)) { block in
        for entry in block {
          let neighbour = Int(rows.neighbours[entry])
          guard predecessor[neighbour] == Self.none, follows(vertex, entry) else { continue }
          predecessor[neighbour] = VertexNumber(truncatingIfNeeded: vertex)
          order[count] = VertexNumber(truncatingIfNeeded: neighbour)
          count += 1
        }
      }
      next += 1
      if next == levelEnd { (level, levelEnd) = (level + 1, count) }
      if next % chunkWork == 0 { try workers.cancellation.check() }
    }
    predecessor[Int(source)] = Self.none
    self.predecessor = predecessor
    reached = UnsafeMutableBufferPointer(rebasing: order[..<count])
  }
}
