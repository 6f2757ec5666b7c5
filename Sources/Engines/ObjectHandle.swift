import GraphStore

/// Refers to an object of an engine in later operations. Keys are unique within a session.
public enum ObjectHandle: Sendable {
  /// Nothing that later operations can use.
  case none
  /// Tables to load.
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

/// The result of an operation.
public enum AnalyticalResult: Sendable {
  /// Success, without a value.
  case done
  /// A graph.
  case graph(GraphDescription)
  /// A bound application's key.
  case boundApplication(key: String)
  /// A result that later operations can read.
  case context(ContextDescription)
  /// An encoded array or data frame, in the client's archive format.
  case archive([UInt8])
  /// A graph in the client's encoding, from an engine that uses that encoding itself.
  case encodedGraph(EncodedGraph)
  /// A small result in the client's encoding.
  case value([UInt8])
  /// A large result in the client's encoding, still held by its engine.
  case stream(ResultStream)

  /// The session's name of the graph that this result is, and the number by which other engines and clients know it; nil for any
  /// other result. Mutable graphs have no number.
  public var graph: (key: String, objectID: Int64?)? {
    switch self {
    case .graph(let graph): return (graph.key, graph.objectID)
    case .encodedGraph(let graph): return (graph.key, graph.objectID)
    default: return nil
    }
  }
}

/// A graph in the client's encoding.
public struct EncodedGraph: Sendable, Equatable {
  /// The session's name of the graph.
  public var key: String
  /// The number of the stored graph; nil for a mutable graph.
  public var objectID: Int64?
  /// The client's definition of the graph, encoded.
  public var definition: [UInt8]

  /// Creates an encoded graph.
  public init(key: String, objectID: Int64?, definition: [UInt8]) {
    (self.key, self.objectID, self.definition) = (key, objectID, definition)
  }
}

/// The description of a graph for its client.
public struct GraphDescription: Sendable, Codable {
  /// The kind of graph, which determines the operations that apply to it.
  public enum Kind: Sendable, Equatable, Codable {
    /// A graph with labels and properties.
    case property
    /// One vertex label, one edge label, at most one property each, of these types.
    case simple(vertexData: ColumnType?, edgeData: ColumnType?)
    /// Several labels presented as one, at most one property each, of these types.
    case flattened(vertexData: ColumnType?, edgeData: ColumnType?)
  }

  /// The session's name of the graph.
  public var key: String
  /// The kind of graph.
  public var kind: Kind
  /// Labels and properties, and which of them are visible.
  public var schema: GraphSchema
  /// Direction, type of vertex ids, and what is kept.
  public var options: GraphOptions
  /// The layout that the client requested.
  public var layout: GraphLayout
  /// Whether the graph has parallel edges.
  public var isMultigraph: Bool
  /// The number of the stored graph; positive.
  public var objectID: Int64
  /// The numbers of its fragments, one per worker.
  public var fragmentIDs: [Int64]
  /// A file on this machine that holds the schema for query engines; empty if there is none.
  public var schemaPath: String

  /// Creates a description.
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

/// The description of a result for its client.
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

  /// The session's name of the result.
  public var key: String
  /// The shape of the result.
  public var kind: Kind
  /// The client's text for the columns; empty for shapes with one value per vertex.
  public var schema: String

  /// Creates a description.
  public init(key: String, kind: Kind, schema: String = "") {
    self.key = key
    self.kind = kind
    self.schema = schema
  }
}
