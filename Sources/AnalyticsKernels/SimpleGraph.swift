import Engines
import GraphStore

/// A graph as seen by algorithms: vertices numbered from 0, their neighbours, at most one weight per edge and at most one
/// property per vertex.
public final class SimpleGraph: Sendable {
  /// The vertices of one label, which have consecutive numbers.
  public struct Segment: Sendable {
    /// The label's id in the property graph.
    public let labelID: Int
    /// The label's name.
    public let label: String
    /// The numbers of the vertices.
    public let vertices: Range<Int>
    /// The original ids, in the order of numbers.
    public let ids: VertexIDs
    /// The selected property, if any.
    public let data: Column?
    /// All visible properties, for algorithms on property graphs; otherwise empty.
    public let properties: [Column]
    /// Returns the number of a vertex within the label for an original id; nil if there is none.
    public let find: @Sendable (VertexID) -> VertexNumber?

    /// Creates the description of a label's vertices.
    public init(
      labelID: Int, label: String = "", vertices: Range<Int>, ids: VertexIDs, data: Column? = nil,
      properties: [Column] = [], find: @escaping @Sendable (VertexID) -> VertexNumber?
    ) {
      self.labelID = labelID
      self.label = label
      self.vertices = vertices
      self.ids = ids
      self.data = data
      self.properties = properties
      self.find = find
    }
  }

  /// The source of the edges' weights.
  public enum Weights: Sendable {
    /// No property is selected; every edge has the weight 1.
    case none
    /// A column indexed by the ordinals of edges.
    case column(Column)
    /// One weight per entry of the outgoing rows, from columns of several relations.
    case perEntry(Buffer<Double>, from: [Column])

    /// The columns from which the weights come.
    var columns: [Column] {
      switch self {
      case .none: []
      case .column(let column): [column]
      case .perEntry(_, let columns): columns
      }
    }
  }

  /// Whether edges are directed. If not, `outgoing` and `incoming` are the same rows, with every edge in the rows of both ends.
  public let isDirected: Bool
  /// The neighbours along outgoing edges.
  public let outgoing: Adjacency
  /// The neighbours along incoming edges.
  public let incoming: Adjacency
  /// The weights of the edges.
  public let weights: Weights
  /// The vertices by label; a single segment unless the graph is flattened.
  public let segments: [Segment]
  /// Owns the memory behind all pointers.
  private let owner: any AnyObject & Sendable

  /// The number of vertices.
  public var vertexCount: Int { outgoing.vertexCount }

  /// Creates a graph from rows that are valid as long as `owner` is retained.
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

  /// Returns the number of the vertex with an original id, in the first label that has one; nil if there is none.
  public func vertex(_ id: VertexID) -> VertexNumber? {
    for segment in segments {
      if let number = segment.find(id) { return number + VertexNumber(segment.vertices.lowerBound) }
    }
    return nil
  }

  /// Whether vertex ids are text.
  public var hasStringIDs: Bool {
    if case .string = segments.first?.ids { true } else { false }
  }
}
