import Engines
import GraphStore

/// What algorithms see of a graph: vertices numbered from 0, their neighbours, at most one number per edge and at most
/// one property per vertex.
public final class SimpleGraph: Sendable {
  /// The vertices of one label, which have consecutive numbers.
  public struct Segment: Sendable {
    /// The label's id in the property graph.
    public let labelID: Int
    /// The numbers of its vertices.
    public let vertices: Range<Int>
    /// Their original ids, in the order of the numbers.
    public let ids: VertexIDs
    /// The property that was chosen, if any.
    public let data: Column?
    /// The number of a vertex within the label, by its original id.
    public let find: @Sendable (VertexID) -> VertexNumber?

    /// Describes the vertices of a label.
    public init(
      labelID: Int, vertices: Range<Int>, ids: VertexIDs, data: Column? = nil,
      find: @escaping @Sendable (VertexID) -> VertexNumber?
    ) {
      self.labelID = labelID
      self.vertices = vertices
      self.ids = ids
      self.data = data
      self.find = find
    }
  }

  /// Where the edges' numbers are.
  public enum Weights: Sendable {
    /// No property was chosen; every edge counts 1.
    case none
    /// A column that is indexed by the edge's ordinal.
    case column(Column)
    /// One number per entry of the outgoing rows.
    case perEntry(Buffer<Double>)
  }

  /// Whether edges have a direction. If not, `outgoing` and `incoming` are the same rows, with every edge in both its
  /// ends' rows.
  public let isDirected: Bool
  /// Neighbours along the edges' direction.
  public let outgoing: Adjacency
  /// Neighbours against the edges' direction.
  public let incoming: Adjacency
  /// The edges' numbers.
  public let weights: Weights
  /// The vertices by label; one segment unless the graph is flattened.
  public let segments: [Segment]
  /// Keeps the memory behind all pointers.
  private let owner: any AnyObject & Sendable

  /// Number of vertices.
  public var vertexCount: Int { outgoing.vertexCount }

  /// Makes a graph of rows that live as long as `owner`.
  public init(
    isDirected: Bool, outgoing: Adjacency, incoming: Adjacency, weights: Weights = .none, segments: [Segment],
    owner: any AnyObject & Sendable
  ) {
    self.isDirected = isDirected
    self.outgoing = outgoing
    self.incoming = incoming
    self.weights = weights
    self.segments = segments
    self.owner = owner
  }

  /// The number of a vertex by its original id: the first label that knows it.
  public func vertex(_ id: VertexID) -> VertexNumber? {
    for segment in segments {
      if let number = segment.find(id) { return number + VertexNumber(segment.vertices.lowerBound) }
    }
    return nil
  }

  /// Whether vertices are identified by text.
  public var hasStringIDs: Bool {
    if case .string = segments.first?.ids { true } else { false }
  }
}
