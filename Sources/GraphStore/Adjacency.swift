/// Compressed sparse rows: the neighbours of every vertex of one label along one relation.
///
/// The neighbours of vertex `v` are `neighbours[offsets[v]..<offsets[v + 1]]`, in ascending order. `edges` holds, at the same
/// positions, the ordinal of the edge within its relation, which indexes the edge's property columns. Valid as long as the graph
/// exists.
public struct Adjacency: @unchecked Sendable {
  // @unchecked: refers to immutable mappings.

  /// `vertexCount + 1` ascending offsets, from 0 to the number of entries.
  public let offsets: UnsafeBufferPointer<UInt64>
  /// Numbers of the neighbours.
  public let neighbours: UnsafeBufferPointer<VertexNumber>
  /// Ordinals of the edges within their relation.
  public let edges: UnsafeBufferPointer<UInt32>

  /// Wraps arrays that must outlive this value.
  public init(
    offsets: UnsafeBufferPointer<UInt64>, neighbours: UnsafeBufferPointer<VertexNumber>,
    edges: UnsafeBufferPointer<UInt32>
  ) {
    self.offsets = offsets
    self.neighbours = neighbours
    self.edges = edges
  }

  /// Number of vertices.
  public var vertexCount: Int { max(0, offsets.count - 1) }

  /// Returns the number of entries of a vertex.
  public func degree(_ vertex: Int) -> Int { Int(offsets[vertex + 1] - offsets[vertex]) }
}
