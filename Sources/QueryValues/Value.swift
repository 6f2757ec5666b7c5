/// A value that a query reads, computes or returns.
///
/// Both query languages share it. Cypher uses `null` to `temporal`; the cases behind them are values of Gremlin alone.
public enum Value: Sendable {
  /// No value, or an unknown one.
  case null
  /// A truth value.
  case boolean(Bool)
  /// A whole number.
  case integer(Int64)
  /// A floating-point number.
  case float(Double)
  /// A text.
  case string(String)
  /// Values in order.
  case list([Value])
  /// Values by key.
  case map(ValueMap)
  /// A vertex of the graph.
  case vertex(Vertex)
  /// An edge of the graph.
  case edge(Edge)
  /// A walk through the graph.
  case path(Path)
  /// A date, a time or a duration.
  case temporal(Temporal)

  /// A whole number of 32 bits: Gremlin keeps the width of numbers.
  case integer32(Int32)
  /// A floating-point number of 32 bits.
  case float32(Float)
  /// Distinct values in the order of their arrival.
  case set([Value])
  /// A property with its owner.
  case property(Property)
  /// A name that is not text: `T.id`, `T.label`, `T.key`, `T.value`, `Direction.OUT`, `Direction.IN`.
  case token(Token)
}

/// A vertex, by its identifier.
public struct Vertex: Hashable, Sendable {
  /// The graph's identifier of the vertex. A mapped graph numbers vertices as GraphScope does: the label's number in the
  /// highest eight bits, the position among the label's vertices in the others.
  public var id: Int64

  /// Creates a reference to a vertex.
  public init(id: Int64) { self.id = id }
}

/// An edge, by its identifier, with its two ends.
public struct Edge: Hashable, Sendable {
  /// The graph's identifier of the edge; unique among all edges.
  public var id: Int64
  /// The vertex where the edge begins.
  public var source: Vertex
  /// The vertex where the edge ends.
  public var target: Vertex

  /// Creates a reference to an edge.
  public init(id: Int64, source: Vertex, target: Vertex) {
    self.id = id
    self.source = source
    self.target = target
  }
}

/// A walk: vertices and edges alternate for Cypher; objects of any kind with the labels of their steps for Gremlin.
public final class Path: Sendable {
  /// What the walk visits, in order.
  public let objects: [Value]
  /// The labels that a Gremlin traversal gave to each object; empty for Cypher.
  public let labels: [[String]]

  /// Creates a walk.
  public init(objects: [Value], labels: [[String]] = []) {
    self.objects = objects
    self.labels = labels
  }
}

/// A property with its owner.
public final class Property: Sendable {
  /// The vertex or the edge that has the property.
  public let owner: Value
  /// The property's name.
  public let key: String
  /// The property's value.
  public let value: Value

  /// Creates a property.
  public init(owner: Value, key: String, value: Value) {
    self.owner = owner
    self.key = key
    self.value = value
  }
}

/// A name that is not text.
public enum Token: String, Hashable, Sendable, CaseIterable {
  /// The identifier of an element.
  case id
  /// The label of an element.
  case label
  /// The key of a property or of an entry.
  case key
  /// The value of a property or of an entry.
  case value
  /// The vertex where an edge begins.
  case out = "OUT"
  /// The vertex where an edge ends.
  case `in` = "IN"
}
