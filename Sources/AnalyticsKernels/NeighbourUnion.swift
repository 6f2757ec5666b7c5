import GraphStore
import Workers

/// The directions of the edges between a vertex and a neighbour; both on undirected graphs.
struct EdgeDirections: BitwiseCopyable, Equatable {
  let mask: UInt8

  /// From the vertex to the neighbour.
  static let forwards = Self(mask: 1)
  /// From the neighbour to the vertex.
  static let backwards = Self(mask: 2)
  static let both = Self(mask: 3)

  /// Whether an edge leads to the neighbour.
  @inline(__always)
  var isForwards: Bool { mask & 1 != 0 }
  /// Whether an edge leads from the neighbour.
  @inline(__always)
  var isBackwards: Bool { mask & 2 != 0 }
  /// The number of directions, one or two.
  @inline(__always)
  var directions: UInt64 { UInt64(mask + 1) >> 1 }
}

/// The neighbours of a vertex in either direction: its two rows merged.
struct NeighbourUnion {
  let graph: SimpleGraph
  let workers: Workers

  /// Calls `body` once with each neighbour other than the vertex itself, in ascending order, with the directions of the edges
  /// between the two.
  @inline(__always)
  func forEachNeighbour(of vertex: Int, _ body: (VertexNumber, EdgeDirections) -> Void) throws {
    let (outgoing, incoming) = (graph.outgoing.neighbours, graph.incoming.neighbours)
    let row = graph.outgoing.row(vertex)
    let other = graph.isDirected ? graph.incoming.row(vertex) : 0..<0
    let own = VertexNumber(truncatingIfNeeded: vertex)
    let isDirected = graph.isDirected
    var (left, right) = (row.lowerBound, other.lowerBound)
    var steps = 0
    while left < row.upperBound || right < other.upperBound {
      let isLeft =
        right >= other.upperBound || (left < row.upperBound && outgoing[left] <= incoming[right])
      let neighbour = isLeft ? outgoing[left] : incoming[right]
      var directions: EdgeDirections = isDirected ? (isLeft ? .forwards : .backwards) : .both
      if isLeft && right < other.upperBound && incoming[right] == neighbour { directions = .both }
      while left < row.upperBound && outgoing[left] == neighbour { left += 1 }
      while right < other.upperBound && incoming[right] == neighbour { right += 1 }
      if neighbour != own { body(neighbour, directions) }
      steps += 1
      if steps & (chunkWork - 1) == 0 { try workers.cancellation.check() }
    }
  }
}
