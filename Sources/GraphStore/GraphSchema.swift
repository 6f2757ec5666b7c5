/// The schema of a property graph: its labels, their properties and the relations of its edges.
///
/// Ids of labels and properties are positions in these arrays. A projection hides entries through `isValid` and never moves them,
/// so ids are the same in every projection of a graph.
public struct GraphSchema: Sendable, Codable, Equatable {
  /// A property of a label.
  public struct Property: Sendable, Codable, Equatable {
    /// The column's name.
    public var name: String
    /// The type of its values.
    public var type: ColumnType
    /// Whether this projection shows it.
    public var isValid: Bool

    /// Creates a property, visible by default.
    public init(name: String, type: ColumnType, isValid: Bool = true) {
      self.name = name
      self.type = type
      self.isValid = isValid
    }
  }

  /// A vertex label.
  public struct VertexLabel: Sendable, Codable, Equatable {
    /// The label's name.
    public var name: String
    /// Properties by id. If ids are retained, the id column comes last.
    public var properties: [Property]
    /// The id of the property that holds the original vertex ids, if they were retained.
    public var idProperty: Int?
    /// Whether this projection shows it.
    public var isValid: Bool

    /// Creates a label, visible by default.
    public init(name: String, properties: [Property], idProperty: Int?, isValid: Bool = true) {
      self.name = name
      self.properties = properties
      self.idProperty = idProperty
      self.isValid = isValid
    }
  }

  /// The vertex labels that an edge label connects.
  public struct Relation: Sendable, Codable, Hashable {
    /// Id of the label of the source vertices.
    public var source: Int
    /// Id of the label of the destination vertices.
    public var destination: Int

    /// Connects two labels by their ids.
    public init(source: Int, destination: Int) {
      self.source = source
      self.destination = destination
    }
  }

  /// An edge label.
  public struct EdgeLabel: Sendable, Codable, Equatable {
    /// The label's name.
    public var name: String
    /// Properties by id. If edge ids are generated, `eid` comes first.
    public var properties: [Property]
    /// The relations in order of appearance.
    public var relations: [Relation]
    /// Whether this projection shows it.
    public var isValid: Bool

    /// Creates a label, visible by default.
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

  /// Creates a schema; without labels, the schema of an empty graph.
  public init(vertexLabels: [VertexLabel] = [], edgeLabels: [EdgeLabel] = []) {
    self.vertexLabels = vertexLabels
    self.edgeLabels = edgeLabels
  }

  /// Returns the id of a visible vertex label; nil if there is none of that name.
  public func vertexLabel(named name: String) -> Int? {
    vertexLabels.firstIndex { $0.isValid && $0.name == name }
  }

  /// Returns the id of a visible edge label; nil if there is none of that name.
  public func edgeLabel(named name: String) -> Int? {
    edgeLabels.firstIndex { $0.isValid && $0.name == name }
  }

  /// Ids of the visible vertex labels.
  public var validVertexLabels: [Int] { vertexLabels.indices.filter { vertexLabels[$0].isValid } }

  /// Ids of the visible edge labels.
  public var validEdgeLabels: [Int] { edgeLabels.indices.filter { edgeLabels[$0].isValid } }

  /// Returns whether both ends of a relation are visible.
  public func isValid(_ relation: Relation) -> Bool {
    vertexLabels[relation.source].isValid && vertexLabels[relation.destination].isValid
  }

  /// Returns the relations of an edge label as presented to clients: for a visible label, those between visible labels; for a
  /// hidden label, all of its own.
  public func shownRelations(of label: EdgeLabel) -> [Relation] {
    label.isValid ? label.relations.filter(isValid) : label.relations
  }
}

extension [GraphSchema.Property] {
  /// Returns the id of a visible property; nil if there is none of that name. If there are several, such as a column `eid` beside
  /// the generated one, returns the last: generated edge properties come first, and clients look up names in the same way.
  public func index(named name: String) -> Int? { lastIndex { $0.isValid && $0.name == name } }

  /// Ids of the visible properties.
  public var validIndices: [Int] { indices.filter { self[$0].isValid } }
}

/// How vertices are identified, and what is kept of the loaded data.
public struct GraphOptions: Sendable, Codable, Equatable {
  /// The type of the ids that clients assign to vertices.
  public enum IDType: String, Sendable, Codable {
    case int32, int64, string
  }

  /// Whether edges are directed.
  public var isDirected: Bool
  /// The type of vertex ids in all labels.
  public var idType: IDType
  /// Whether every edge gets a generated property `eid`.
  public var generatesEdgeIDs: Bool
  /// Whether the ids of vertices are kept as a property.
  public var retainsIDs: Bool

  /// Creates options with the client's defaults.
  public init(
    isDirected: Bool = true, idType: IDType = .int64, generatesEdgeIDs: Bool = true, retainsIDs: Bool = true
  ) {
    self.isDirected = isDirected
    self.idType = idType
    self.generatesEdgeIDs = generatesEdgeIDs
    self.retainsIDs = retainsIDs
  }
}

/// A vertex id, as assigned by the client.
public enum VertexID: Sendable, Hashable {
  case int64(Int64)
  case string(String)
}

/// The ids of all vertices of a label, in vertex order. Valid as long as the graph exists.
public enum VertexIDs: @unchecked Sendable {
  // @unchecked: refers to immutable mappings.
  case int64(UnsafeBufferPointer<Int64>)
  case string(StringValues)
}
