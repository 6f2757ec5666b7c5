/// The shape of a property graph: its labels, their properties and the relations edges may have.
///
/// Label and property ids are positions in these arrays. A projection hides entries by `isValid` and never moves them,
/// so ids stay the same in every projection of a graph.
public struct GraphSchema: Sendable, Codable, Equatable {
  /// A property of a label.
  public struct Property: Sendable, Codable, Equatable {
    /// The column's name.
    public var name: String
    /// The type of its values.
    public var type: ColumnType
    /// Whether this projection shows it.
    public var isValid: Bool

    /// A property that is visible unless said otherwise.
    public init(name: String, type: ColumnType, isValid: Bool = true) {
      self.name = name
      self.type = type
      self.isValid = isValid
    }
  }

  /// A kind of vertex.
  public struct VertexLabel: Sendable, Codable, Equatable {
    /// The label's name.
    public var name: String
    /// Properties by id; with retained ids the id column comes last.
    public var properties: [Property]
    /// The id of the property that holds the original vertex ids, if they were retained.
    public var idProperty: Int?
    /// Whether this projection shows it.
    public var isValid: Bool

    /// A label that is visible unless said otherwise.
    public init(name: String, properties: [Property], idProperty: Int?, isValid: Bool = true) {
      self.name = name
      self.properties = properties
      self.idProperty = idProperty
      self.isValid = isValid
    }
  }

  /// Which vertex labels an edge label joins.
  public struct Relation: Sendable, Codable, Hashable {
    /// Id of the label at the edge's start.
    public var source: Int
    /// Id of the label at the edge's end.
    public var destination: Int

    /// Joins two labels by their ids.
    public init(source: Int, destination: Int) {
      self.source = source
      self.destination = destination
    }
  }

  /// A kind of edge.
  public struct EdgeLabel: Sendable, Codable, Equatable {
    /// The label's name.
    public var name: String
    /// Properties by id; with generated edge ids, `eid` comes first.
    public var properties: [Property]
    /// The relations in order of appearance.
    public var relations: [Relation]
    /// Whether this projection shows it.
    public var isValid: Bool

    /// A label that is visible unless said otherwise.
    public init(name: String, properties: [Property], relations: [Relation], isValid: Bool = true) {
      self.name = name
      self.properties = properties
      self.relations = relations
      self.isValid = isValid
    }
  }

  /// Vertex labels by id.
  public var vertexLabels: [VertexLabel]
  /// Edge labels by id.
  public var edgeLabels: [EdgeLabel]

  /// A schema of these labels; without any, that of an empty graph.
  public init(vertexLabels: [VertexLabel] = [], edgeLabels: [EdgeLabel] = []) {
    self.vertexLabels = vertexLabels
    self.edgeLabels = edgeLabels
  }

  /// Id of a visible vertex label; nil when there is none of that name.
  public func vertexLabel(named name: String) -> Int? {
    vertexLabels.firstIndex { $0.isValid && $0.name == name }
  }

  /// Id of a visible edge label; nil when there is none of that name.
  public func edgeLabel(named name: String) -> Int? {
    edgeLabels.firstIndex { $0.isValid && $0.name == name }
  }

  /// Ids of the visible vertex labels.
  public var validVertexLabels: [Int] { vertexLabels.indices.filter { vertexLabels[$0].isValid } }

  /// Ids of the visible edge labels.
  public var validEdgeLabels: [Int] { edgeLabels.indices.filter { edgeLabels[$0].isValid } }

  /// Whether both ends of a relation are visible.
  public func isValid(_ relation: Relation) -> Bool {
    vertexLabels[relation.source].isValid && vertexLabels[relation.destination].isValid
  }
}

extension [GraphSchema.Property] {
  /// Id of a visible property; nil when there is none of that name.
  public func index(named name: String) -> Int? { firstIndex { $0.isValid && $0.name == name } }

  /// Ids of the visible properties.
  public var validIndices: [Int] { indices.filter { self[$0].isValid } }
}

/// How vertices are identified and what is kept of what was loaded.
public struct GraphOptions: Sendable, Codable, Equatable {
  /// The type of the ids that the user gives to vertices.
  public enum IDType: String, Sendable, Codable {
    case int32, int64, string
  }

  /// Whether edges have a direction.
  public var isDirected: Bool
  /// The type of vertex ids in all labels.
  public var idType: IDType
  /// Whether every edge gets a numbered property `eid`.
  public var generatesEdgeIDs: Bool
  /// Whether the vertices' ids are kept as a property.
  public var retainsIDs: Bool

  /// Options as the client's defaults have them, but for those given.
  public init(
    isDirected: Bool = true, idType: IDType = .int64, generatesEdgeIDs: Bool = true, retainsIDs: Bool = true
  ) {
    self.isDirected = isDirected
    self.idType = idType
    self.generatesEdgeIDs = generatesEdgeIDs
    self.retainsIDs = retainsIDs
  }
}

/// A vertex id as the user knows it.
public enum VertexID: Sendable, Hashable {
  case int64(Int64)
  case string(String)
}

/// The ids of all vertices of a label, in vertex order. Valid as long as the graph lives.
public enum VertexIDs: @unchecked Sendable {
  // @unchecked: points into immutable mappings.
  case int64(UnsafeBufferPointer<Int64>)
  case string(StringValues)
}
