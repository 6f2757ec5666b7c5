import Vocabulary

/// The properties that all operations of one type share, independent of their arguments.
public struct OperationTraits: Sendable {
  /// The effect of an operation, apart from its answer.
  public enum Effect: Sendable {
    /// Names something that later operations use. Costs nothing and leaves nothing but the name.
    case names
    /// Reads. It may be repeated and leaves nothing behind.
    case reads
    /// Makes an object from its parents, without any other effect.
    case makes
    /// Changes an object, or something outside the session.
    case changes
    /// Forgets an object.
    case unloads
  }

  /// The form of an operation's answer.
  public enum Yield: Sendable {
    /// Success, without a value.
    case nothing
    /// Tables that later operations load.
    case tables
    /// A graph, numbered for other engines at least when the graph that it is made from has a number.
    case graph
    /// A graph of the client's networkx library.
    case mutableGraph
    /// The name of an algorithm.
    case application
    /// An algorithm prepared for a graph.
    case boundApplication
    /// The result of an algorithm.
    case result
    /// Values in the client's encoding.
    case data
  }

  /// The name in GraphScope's protocol.
  public let name: String
  /// The name in messages and in records of steps. Operations that differ only in what they work on share one title.
  public let title: String
  /// The effect of the operation.
  public let effect: Effect
  /// The form of the operation's answer.
  public let yields: Yield
  /// What users write or do to make their client send it; nil for operations that no user requests.
  public let userWords: String?
  /// Names of the arguments that are JSON.
  let documents: [ParamKey]
  /// Reads the arguments that all engines interpret alike.
  let check: @Sendable (Operation) throws(EngineError) -> Void

  fileprivate init(
    _ name: String, _ effect: Effect, _ yields: Yield, _ userWords: String? = nil, title: String? = nil,
    documents: [ParamKey] = [], check: @escaping @Sendable (Operation) throws(EngineError) -> Void = { _ in }
  ) {
    self.name = name
    self.title = title ?? name
    self.effect = effect
    self.yields = yields
    self.userWords = userWords
    self.documents = documents
    self.check = check
  }

  /// The title of operations that unload an object. Records of steps written by earlier versions use it, too.
  public static let unloadTitle = "UNLOAD"
}

extension OperationType {
  /// The row of this type in the table of operations.
  public var traits: OperationTraits { OperationTraits.rows[Int(rawValue)] ?? OperationTraits.missing(self) }
}

extension OperationTraits {
  /// The rows, indexed by the types' numbers.
  fileprivate static let rows: [OperationTraits?] = {
    var rows = [OperationTraits?](repeating: nil, count: (table.map { Int($0.key.rawValue) }.max() ?? 0) + 1)
    for (type, traits) in table { rows[Int(type.rawValue)] = traits }
    return rows
  }()

  fileprivate static func missing(_ type: OperationType) -> OperationTraits {
    preconditionFailure("the table of operations has no row for \(type)")
  }

  /// The table of operations, with one row for each type.
  private static let table: KeyValuePairs<OperationType, OperationTraits> = [
    // Graphs.
    .createGraph: .init("CREATE_GRAPH", .makes, .graph) { operation throws(EngineError) in
      if operation.graphOrigin == .tables { _ = (try operation.graphOptions(), try operation.graphLayout()) }
    },
    .addLabels: .init("ADD_LABELS", .makes, .graph, "graph.add_vertices() or add_edges()") {
      operation throws(EngineError) in _ = try operation.graphExtension()
    },
    .projectGraph: .init(
      "PROJECT_GRAPH", .makes, .graph, "graph.project()", documents: [.vertexCollections, .edgeCollections]
    ) { operation throws(EngineError) in
      _ = (try operation.collections(.vertexCollections), try operation.collections(.edgeCollections))
    },
    .projectToSimple: .init("PROJECT_TO_SIMPLE", .makes, .graph) { operation throws(EngineError) in
      _ = (try operation.property(.vPropKey), try operation.property(.ePropKey))
    },
    .addColumn: .init("ADD_COLUMN", .makes, .graph, "graph.add_column()", documents: [.selector]) {
      operation throws(EngineError) in _ = try operation.frameColumns()
    },
    .consolidateColumns: .init("CONSOLIDATE_COLUMNS", .makes, .graph, "graph.consolidate_columns()"),
    .toDirected: .init("TO_DIRECTED", .makes, .graph, "graph.to_directed()"),
    .toUndirected: .init("TO_UNDIRECTED", .makes, .graph, "graph.to_undirected()"),
    .copyGraph: .init("COPY_GRAPH", .makes, .graph, "copy() of a graph"),
    .transformGraph: .init("TRANSFORM_GRAPH", .makes, .graph, "turning a graph into one of graphscope.nx or back"),
    .subgraph: .init("SUBGRAPH", .makes, .graph, "a graph of the edges that a query finds"),
    .deserializeGraph: .init("DESERIALIZE_GRAPH", .makes, .graph, "Graph.load_from()"),
    .serializeGraph: .init("SERIALIZE_GRAPH", .changes, .nothing, "graph.save_to()"),
    .archiveGraph: .init("ARCHIVE_GRAPH", .changes, .nothing, "graph.save_to() in GraphAr's format"),

    // Graphs of graphscope.nx.
    .modifyVertices: .init(
      "MODIFY_VERTICES", .changes, .mutableGraph, "changing the nodes of a graph of graphscope.nx"),
    .modifyEdges: .init("MODIFY_EDGES", .changes, .mutableGraph, "changing the edges of a graph of graphscope.nx"),
    .clearEdges: .init("CLEAR_EDGES", .changes, .mutableGraph, "clear_edges() of a graph"),
    .clearGraph: .init("CLEAR_GRAPH", .changes, .mutableGraph, "clear() of a graph"),
    .viewGraph: .init("VIEW_GRAPH", .makes, .mutableGraph, "a view of a graph of graphscope.nx"),
    .induceSubgraph: .init("INDUCE_SUBGRAPH", .makes, .mutableGraph, "subgraph() of a graph of graphscope.nx"),
    .reportGraph: .init("REPORT_GRAPH", .reads, .data, "reading a graph by graphscope.nx"),

    // Algorithms and their results.
    .createApp: .init("CREATE_APP", .names, .application) { operation throws(EngineError) in
      _ = try operation.algorithm()
    },
    .bindApp: .init("BIND_APP", .makes, .boundApplication),
    .runApp: .init("RUN_APP", .makes, .result),
    .contextToNumpy: .init(
      "CONTEXT_TO_NUMPY", .reads, .data, "context.to_numpy()", title: "TO_NUMPY", documents: [.vertexRange],
      check: readsArray),
    .contextToDataframe: .init(
      "CONTEXT_TO_DATAFRAME", .reads, .data, "context.to_dataframe()", title: "TO_DATAFRAME",
      documents: [.selector, .vertexRange], check: readsFrame),
    .graphToNumpy: .init(
      "GRAPH_TO_NUMPY", .reads, .data, "graph.to_numpy()", title: "TO_NUMPY", documents: [.vertexRange],
      check: readsArray),
    .graphToDataframe: .init(
      "GRAPH_TO_DATAFRAME", .reads, .data, "graph.to_dataframe()", title: "TO_DATAFRAME",
      documents: [.selector, .vertexRange], check: readsFrame),
    .getContextData: .init("GET_CONTEXT_DATA", .reads, .data, "reading the result of one node by graphscope.nx"),
    .output: .init(
      "OUTPUT", .changes, .nothing, "context.output()", documents: [.selector, .vertexRange], check: mayReadFrame),
    .toVineyardTensor: .init(
      "TO_VINEYARD_TENSOR", .changes, .data, "context.to_vineyard_tensor()", documents: [.vertexRange],
      check: readsArray),
    .toVineyardDataframe: .init(
      "TO_VINEYARD_DATAFRAME", .changes, .data, "context.to_vineyard_dataframe()",
      documents: [.selector, .vertexRange], check: mayReadFrame),
    .dataSink: .init("DATA_SINK", .changes, .nothing, "writing a result to a file or a store"),

    // Tables, and unloading.
    .dataSource: .init("DATA_SOURCE", .names, .tables),
    .unloadGraph: .init("UNLOAD_GRAPH", .unloads, .nothing, title: unloadTitle),
    .unloadApp: .init("UNLOAD_APP", .unloads, .nothing, title: unloadTitle),
    .unloadContext: .init("UNLOAD_CONTEXT", .unloads, .nothing, title: unloadTitle),

    // Operations that no client sends.
    .repartition: .init("REPARTITION", .changes, .graph),
    .addVertices: .init("ADD_VERTICES", .changes, .graph),
    .addEdges: .init("ADD_EDGES", .changes, .graph),
    .fromNumpy: .init("FROM_NUMPY", .changes, .nothing),
    .fromDataframe: .init("FROM_DATAFRAME", .changes, .nothing),
    .fromFile: .init("FROM_FILE", .changes, .nothing),
    .registerGraphType: .init("REGISTER_GRAPH_TYPE", .changes, .nothing),
    .getEngineConfig: .init("GET_ENGINE_CONFIG", .changes, .data),
  ]

  private static let readsArray: @Sendable (Operation) throws(EngineError) -> Void = { operation throws(EngineError) in
    _ = (try operation.selector(), try operation.vertexRange())
  }

  private static let mayReadFrame: @Sendable (Operation) throws(EngineError) -> Void = {
    operation throws(EngineError) in
    if operation.arguments[.selector] != nil { try readsFrame(operation) }
  }

  private static let readsFrame: @Sendable (Operation) throws(EngineError) -> Void = { operation throws(EngineError) in
    _ = (try operation.frameColumns(), try operation.vertexRange())
  }
}

extension Operation {
  /// The properties shared by all operations of its type.
  public var traits: OperationTraits { type.traits }

  /// The name in messages and in records of steps.
  public var title: String {
    switch graphOrigin {
    case nil, .tables: traits.title
    case .mutable: "\(traits.title) of a networkx graph"
    case .store: "\(traits.title) from an object store"
    case .archive: "\(traits.title) from a GraphAr archive"
    }
  }

  /// What users write or do to make their client send it; nil for operations that no user requests.
  public var userWords: String? {
    switch graphOrigin {
    case nil, .tables, .store: traits.userWords
    case .mutable: "a graph of graphscope.nx"
    case .archive: "loading a graph from a GraphAr archive"
    }
  }

  /// Whether it makes a numbered graph that did not exist before.
  public var makesGraph: Bool { traits.effect == .makes && traits.yields == .graph && graphOrigin != .mutable }

  /// Whether it makes or removes something that a later process must know about.
  public var leavesSomething: Bool { traits.effect != .reads && traits.yields != .tables }
}
