/// Describes an engine's object to operators. Unknown facts are nil.
public struct ObjectSummary: Sendable, Equatable {
  /// A label and the number of vertices or edges that have it.
  public struct Label: Sendable, Equatable, Codable {
    /// The label's name.
    public var name: String
    /// The number of vertices or edges with this label.
    public var count: Int64?

    /// Creates a label.
    public init(name: String, count: Int64? = nil) {
      self.name = name
      self.count = count
    }
  }

  /// The sort of graph or result, in one word.
  public var form: String
  /// The key of the graph that a result belongs to, or of which a projection shows a part.
  public var graph: String?
  /// Whether the graph's edges are directed.
  public var isDirected: Bool?
  /// The visible vertex labels of a graph, in their order.
  public var vertexLabels: [Label] = []
  /// The visible edge labels of a graph, in their order.
  public var edgeLabels: [Label] = []
  /// The number of values in a result.
  public var values: Int64?
  /// Bytes of the object's data. A projection shares the data of the graph that it shows.
  public var dataBytes: Int64?

  /// Creates a summary that states only the sort of object.
  public init(form: String) { self.form = form }
}
