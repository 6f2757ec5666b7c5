/// Compressed sparse rows: the neighbours of every vertex of one label along one relation.
///
/// The neighbours of vertex `v` are `neighbours[offsets[v]..<offsets[v + 1]]`, in ascending order; `edges` holds at the
/// same places the ordinal of the edge within its relation, which indexes the edge's property columns.
/// Valid as long as the graph lives.
public struct Adjacency: @unchecked Sendable {
  // @unchecked: points into immutable mappings.

  /// One more than there are vertices; ascending, from 0 to the number of entries.
  public let offsets: UnsafeBufferPointer<UInt64>
  /// Numbers of the vertices at the other end.
  public let neighbours: UnsafeBufferPointer<VertexNumber>
  /// Ordinals of the edges within their relation.
  public let edges: UnsafeBufferPointer<UInt32>

  /// Wraps arrays that outlive this value.
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

  /// Number of entries of a vertex.
  public func degree(_ vertex: Int) -> Int { Int(offsets[vertex + 1] - offsets[vertex]) }
}
