import CPlatform
import DynamicGraphs
import Engines
import GraphStore
import Synchronization
import Vocabulary
import Wire
import Workers

extension EmbeddedAnalyticalEngine {
  /// Performs an operation on, or to, a graph of graphscope.nx; returns nil for all other operations.
  func performDynamic(_ operation: Operation, _ inputs: [ObjectHandle]) async throws -> AnalyticalResult? {
    if operation.graphOrigin == .mutable { return try createDynamic(operation) }
    if operation.type == .transformGraph, operation.arguments[.dstGraphType]?.integer == dynamicType {
      return try await arrowToDynamic(operation)
    }
    guard let object = try dynamicObject(operation, inputs) else { return nil }
    switch operation.type {
    case .reportGraph: return .archive(try await report(operation, on: object))
    case .modifyVertices, .modifyEdges: return try await modify(operation, object)
    case .clearGraph: return try await apply(.clear, to: object)
    case .clearEdges: return try await apply(.clearEdges, to: object)
    case .copyGraph: return try await copy(operation, object)
    case .toDirected: return try await derive(from: object, atMost: 2) { $0.copied(isDirected: true) }
    case .toUndirected: return try await derive(from: object) { $0.copied(isDirected: false) }
    case .induceSubgraph: return try await induceSubgraph(operation, object)
    case .projectToSimple: return try await projectDynamic(operation, object)
    case .transformGraph: return try await dynamicToArrow(object)
    default: return nil
    }
  }

  private var dynamicType: Int64 { Int64(GraphType.dynamicProperty.rawValue) }

  /// Returns the graph of graphscope.nx that an operation names or has as its parent; nil if it is a graph of another kind.
  /// - Throws: `EngineError` if only graphs of graphscope.nx have the operation, and there is no such graph.
  private func dynamicObject(_ operation: Operation, _ inputs: [ObjectHandle]) throws -> DynamicObject? {
    var key = try operation.optionalText(.graphName)
    if case .graph(let parent) = inputs.first, key == nil { key = parent }
    guard let key else { return nil }
    if let object = objects.withLock({ $0.dynamics[key] }) { return object }
    switch operation.type {
    case .modifyVertices, .modifyEdges, .clearGraph, .clearEdges: throw Self.notThere("graph", key)
    default: return nil
    }
  }

  // MARK: Making

  private func createDynamic(_ operation: Operation) throws -> AnalyticalResult {
    guard operation.arguments[.graphType]?.integer == dynamicType else { throw EngineError.notBuilt(operation) }
    for file in [ParamKey.eFile, .vFile] where try operation.optionalText(file)?.isEmpty == false {
      throw EngineError.notBuilt("loading a graph of graphscope.nx from files")
    }
    let graph = DynamicGraph(isDirected: operation.arguments[.directed]?.boolean ?? false)
    return try add(graph, memory: StorageReservation(0, as: .memory, from: storage))
  }

  /// Writes and adds a new graph.
  func add(_ graph: DynamicGraph, memory: StorageReservation) throws -> AnalyticalResult {
    let key = objectKey("graph")
    return try removing(key) {
      let object = try DynamicObject(key: key, graph, memory: memory, workspace: workspace, storage: storage)
      platform_failpoint("engine-dynamic-graph-written")
      try objects.withLock { try $0.add(object) }
      return .encodedGraph(EncodedGraph(object))
    }
  }

  private func copy(_ operation: Operation, _ object: DynamicObject) async throws -> AnalyticalResult {
    switch try operation.text(.copyType) {
    case "identical": return try await derive(from: object) { $0.copied(isDirected: $0.isDirected) }
    case "reverse": return try await derive(from: object) { $0.copied(isDirected: $0.isDirected, isReversed: true) }
    case let type: throw EngineError.notBuilt("COPY_GRAPH of type '\(type)'")
    }
  }

  private func induceSubgraph(_ operation: Operation, _ object: DynamicObject) async throws -> AnalyticalResult {
    if let text = try operation.optionalText(.nodes) {
      let nodes = try NodeID.requestedList(text)
      return try await derive(from: object, atMost: 0) { $0.subgraph(nodes: nodes) }
    }
    let edges = try NodeID.requestedEdges(try operation.text(.edges))
    return try await derive(from: object, atMost: 0) { $0.subgraph(edges: edges) }
  }

  /// Makes a graph from another one, which takes at most `factor` times the memory of that one; the
  /// memory of a part is taken when its size is known.
  private func derive(
    from object: DynamicObject, atMost factor: Int = 1,
    _ make: @escaping @Sendable (DynamicGraph) throws -> DynamicGraph
  ) async throws -> AnalyticalResult {
    try await working(on: object.size) { [self] cancellation in
      let (graph, memory) = try object.read(cancellation) { graph in
        let memory = try StorageReservation(factor * graph.byteCount, as: .memory, from: storage)
        return (try make(graph), memory)
      }
      return try add(graph, memory: memory)
    }
  }

  // MARK: Changing

  private func modify(_ operation: Operation, _ object: DynamicObject) async throws -> AnalyticalResult {
    let change: GraphChange
    switch (
      operation.type, operation.arguments[.modifyType]?.integer.flatMap { ModifyType(rawValue: Int32(clamping: $0)) }
    ) {
    case (.modifyVertices, .addNodes): change = .addNodes
    case (.modifyVertices, .delNodes): change = .removeNodes
    case (.modifyVertices, .updateNodes): change = .setNodes
    case (.modifyEdges, .addEdges): change = .addEdges
    case (.modifyEdges, .delEdges): change = .removeEdges
    case (.modifyEdges, .updateEdges): change = .setEdges
    default: throw EngineError(.invalidArgument, "\(operation.title): MODIFY_TYPE is missing or does not fit")
    }
    guard operation.payloads.count == 1, let payload = operation.payloads.first else {
      throw EngineError(.invalidArgument, "\(operation.title) needs a batch of changes, and a single one")
    }
    return try await apply(change, payload, to: object)
  }

  /// Makes a change. A change that fails changes nothing.
  private func apply(
    _ change: GraphChange, _ payload: Payload = Payload(), to object: DynamicObject
  ) async throws -> AnalyticalResult {
    // The removal of one node may give all others new places.
    let size = max(payload.byteCount, object.size == .max ? .max : object.size / 16)
    return try await working(on: size) { cancellation in
      try payload.withBytes { try object.apply(change, $0, cancellation) }
      platform_failpoint("engine-dynamic-graph-changed")
      return .encodedGraph(EncodedGraph(object))
    }
  }

  // MARK: Threads

  /// The number of nodes and edges, or bytes of a batch, up to which work takes less time than switching threads.
  private static let smallWork = 1 << 14

  /// Runs the body: on the calling thread if there is little to do, otherwise on a thread of the pool.
  func working<R: Sendable>(
    on size: Int, _ body: @escaping @Sendable (Cancellation) throws -> R
  ) async throws -> R {
    if size <= Self.smallWork { return try body(Cancellation()) }
    return try await pool.run(storage: storage, threads: threads) { try body($0.cancellation) }
  }
}

extension Payload {
  fileprivate var byteCount: Int {
    switch content {
    case .none: 0
    case .bytes(let bytes): bytes.count
    case .file(let file): file.byteCount
    }
  }

  fileprivate func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    switch content {
    case .none: return try body(UnsafeRawBufferPointer(start: nil, count: 0))
    case .bytes(let bytes): return try bytes.withUnsafeBytes(body)
    case .file(let file):
      let mapped = try MappedFile.openWhole(path: file.path)
      return try withExtendedLifetime(mapped) {
        try body(UnsafeRawBufferPointer(rebasing: mapped.bytes.prefix(file.byteCount)))
      }
    }
  }
}

extension EncodedGraph {
  /// Describes a graph of graphscope.nx. Its attributes and their types are not listed: clients ask for them node by node.
  init(_ object: DynamicObject) {
    var definition = GraphDef()
    definition.key = object.key
    definition.type = .dynamicProperty
    definition.isDirected = object.isDirected
    var info = MutableGraphInfo()
    info.propertySchemaJSON = #"{"vertex":{},"edge":{}}"#
    definition.info = .mutable(info)
    self.init(key: object.key, objectID: nil, definition: definition.encodedBytes)
  }
}
