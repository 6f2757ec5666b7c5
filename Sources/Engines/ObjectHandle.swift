import GraphStore
import Wire

/// An object of an engine, as later operations refer to it. Keys are unique within a session.
public enum ObjectHandle: Sendable {
  /// Nothing that later operations could use.
  case none
  /// Tables that are to be loaded.
  case tables([TableSource])
  /// A graph by its key.
  case graph(String)
  /// An algorithm that is not bound to a graph.
  case application(algorithm: String, archive: [UInt8])
  /// An algorithm bound to a graph, by its key.
  case boundApplication(String)
  /// A result by its key.
  case context(String)
}

/// What an operation produced.
public enum AnalyticalResult: Sendable {
  /// Nothing but success.
  case done
  /// A graph.
  case graph(GraphDescription)
  /// A bound application's key.
  case boundApplication(key: String)
  /// A result that can be read.
  case context(ContextDescription)
  /// An encoded array or data frame, in the client's archive format.
  case archive([UInt8])
  /// A graph in the client's own words, from an engine that speaks them.
  case definedGraph(GraphDef)
  /// A small result in the client's encoding.
  case value([UInt8])
  /// A large result in the client's encoding that is still at its engine.
  case stream(ResultStream)

  /// The session's name for the graph that it is, and the number by which others know it; nil for anything else. Mutable
  /// graphs have no number.
  public var graph: (key: String, objectID: Int64?)? {
    switch self {
    case .graph(let graph): return (graph.key, graph.objectID)
    case .definedGraph(let graph):
      guard case .vineyard(let info) = graph.info, info.objectID != 0 else { return (graph.key, nil) }
      return (graph.key, info.objectID)
    default: return nil
    }
  }
}

/// What a client must know about a graph.
public struct GraphDescription: Sendable, Codable {
  /// What kind of graph it is, by what may be done with it.
  public enum Kind: Sendable, Equatable, Codable {
    /// Labels and properties.
    case property
    /// One vertex label, one edge label, at most one property each, of these types.
    case simple(vertexData: ColumnType?, edgeData: ColumnType?)
    /// Several labels seen as one, at most one property each, of these types.
    case flattened(vertexData: ColumnType?, edgeData: ColumnType?)
  }

  /// The session's name for it.
  public var key: String
  /// What kind of graph it is.
  public var kind: Kind
  /// Labels, properties and what of them is visible.
  public var schema: GraphSchema
  /// Direction, id type, what is kept.
  public var options: GraphOptions
  /// The layout as the client asked for it.
  public var layout: GraphLayout
  /// Whether parallel edges exist.
  public var isMultigraph: Bool
  /// A number that names the stored graph; positive.
  public var objectID: Int64
  /// Numbers of its fragments, one per worker.
  public var fragmentIDs: [Int64]
  /// A file on this machine that holds the schema for query engines; empty when there is none.
  public var schemaPath: String

  /// Describes a graph.
  public init(
    key: String, kind: Kind, schema: GraphSchema, options: GraphOptions, layout: GraphLayout, isMultigraph: Bool,
    objectID: Int64, fragmentIDs: [Int64], schemaPath: String
  ) {
    self.key = key
    self.kind = kind
    self.schema = schema
    self.options = options
    self.layout = layout
    self.isMultigraph = isMultigraph
    self.objectID = objectID
    self.fragmentIDs = fragmentIDs
    self.schemaPath = schemaPath
  }
}

/// What a client must know about a result.
public struct ContextDescription: Sendable, Equatable, Codable {
  /// The shape of a result.
  public enum Kind: String, Sendable, Codable {
    case tensor
    case vertexData = "vertex_data"
    case vertexProperty = "vertex_property"
    case labeledVertexData = "labeled_vertex_data"
    case labeledVertexProperty = "labeled_vertex_property"
    case dynamicVertexData = "dynamic_vertex_data"
  }

  /// The session's name for it.
  public var key: String
  /// The shape.
  public var kind: Kind
  /// The client's text for the columns; empty for shapes with one value per vertex.
  public var schema: String

  /// Describes a result.
  public init(key: String, kind: Kind, schema: String = "") {
    self.key = key
    self.kind = kind
    self.schema = schema
  }
}
