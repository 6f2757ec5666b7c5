import GraphStore

/// What a client may ask of an analytical engine. Objects an operation works on are not part of it: they come beside it
/// as `ObjectHandle`s, in the order of the step's parents.
public enum AnalyticalOperation: Sendable {
  /// A new property graph, from the tables of a `tables` input if there is one, else empty.
  case createGraph(GraphOptions, GraphLayout)
  /// A new graph: that of the first input and the tables of the second.
  case addLabels(GraphExtension)
  /// A new graph that shows only the named labels and properties of the first input; nil means all properties.
  case project(vertices: [String: [String]?], edges: [String: [String]?])
  /// A graph with at most one property per vertex and per edge, on which algorithms run.
  case projectToSimple(vertexProperty: String?, edgeProperty: String?)
  /// An algorithm by its name; `archive` is the user's own code, if any.
  case createApplication(algorithm: String, archive: [UInt8])
  /// The second input's algorithm made ready for the first input's graph.
  case bindApplication
  /// Runs the bound application of the first input.
  case runApplication([QueryValue])
  /// One selected column of a result, or of a graph, as an array.
  case exportArray(selector: String, range: VertexRange?)
  /// Named selected columns of a result, or of a graph, in the client's order.
  case exportFrame(columns: [FrameColumn], range: VertexRange?)
  /// Forgets the first input.
  case unload
  /// Something the client knows and this list does not; the name is the client's.
  case other(name: String)

  /// The client's name of the operation, as far as one name says it.
  public var name: String {
    switch self {
    case .createGraph: "CREATE_GRAPH"
    case .addLabels: "ADD_LABELS"
    case .project: "PROJECT_GRAPH"
    case .projectToSimple: "PROJECT_TO_SIMPLE"
    case .createApplication: "CREATE_APP"
    case .bindApplication: "BIND_APP"
    case .runApplication: "RUN_APP"
    case .exportArray: "TO_NUMPY"
    case .exportFrame: "TO_DATAFRAME"
    case .unload: "UNLOAD"
    case .other(let name): name
    }
  }

  /// Whether the operation only reads: it may be repeated, and leaves nothing behind.
  public var isReadOnly: Bool {
    switch self {
    case .exportArray, .exportFrame, .other(name: "REPORT_GRAPH"), .other(name: "GET_CONTEXT_DATA"): true
    default: false
    }
  }
}

/// Details of the layout that a client chooses and gets back unchanged; embedded engines have one layout only.
public struct GraphLayout: Sendable, Equatable, Codable {
  /// Whether vertex numbers have 64 bits at the interface.
  public var hasWideVertexNumbers: Bool
  /// Whether edges should be stored compactly.
  public var compactEdges: Bool
  /// Whether ids should be indexed by a perfect hash.
  public var usePerfectHash: Bool

  /// A layout as the client asked for it.
  public init(hasWideVertexNumbers: Bool = true, compactEdges: Bool = false, usePerfectHash: Bool = false) {
    self.hasWideVertexNumbers = hasWideVertexNumbers
    self.compactEdges = compactEdges
    self.usePerfectHash = usePerfectHash
  }
}

/// What adding tables to a graph does with labels that exist.
public enum GraphExtension: Sendable, Equatable {
  /// All labels are new.
  case newLabels
  /// Rows are added to an existing vertex label.
  case extendVertexLabel
  /// Edges are added to an existing edge label.
  case extendEdgeLabel
}

/// An argument of an algorithm. Names are not transmitted; the order is the algorithm's own.
public enum QueryValue: Sendable, Equatable {
  case bool(Bool)
  case integer(Int64)
  case double(Double)
  case string(String)
  case bytes([UInt8])
}

/// A half-open range of vertex ids, as the client wrote its bounds; compared by value in the graph's id type.
public struct VertexRange: Sendable, Equatable {
  /// The first id that is included, or nil for no bound.
  public var begin: RangeBound?
  /// The first id that is not included any more, or nil for no bound.
  public var end: RangeBound?

  /// A range; a nil bound is open.
  public init(begin: RangeBound?, end: RangeBound?) {
    self.begin = begin
    self.end = end
  }
}

/// A bound of a vertex range as it stands in the client's JSON.
public enum RangeBound: Sendable, Equatable {
  case integer(Int64)
  case string(String)
}

/// A column of a data frame: its name and where its values come from.
public struct FrameColumn: Sendable, Equatable {
  /// The name that the client gives the column.
  public var name: String
  /// The selector, for example `v.id` or `r`.
  public var selector: String

  /// Names a selector.
  public init(name: String, selector: String) {
    self.name = name
    self.selector = selector
  }
}
