import CPlatform
import Engines
import GraphStore
import Synchronization

/// The analytical engine that runs within the coordinator: graphs are files in the session's workspace, mapped into
/// memory; algorithms run on a pool of threads that all sessions share.
public final class EmbeddedAnalyticalEngine: AnalyticalEngine {
  /// One worker on this machine, and no object store.
  public let description = EngineDescription(hosts: ["localhost"], workerCount: 1)
  let pool: WorkerPool
  let workspace: String
  let objects = Mutex(SessionObjects())
  let retention = Retention()
  let storage: any StorageAccount
  private let threadLimit: Atomic<Int>
  /// Threads that an operation may use: as many as there are cores in the grant.
  var threads: Int { threadLimit.load(ordering: .relaxed) }

  /// An engine whose files live in `workspace`, a directory of its own that exists; they and the memory that it takes
  /// count for `storage`.
  public init(workspace: String, pool: WorkerPool, size: EngineSize, storage: any StorageAccount) {
    threadLimit = Atomic(size.threads)
    self.workspace = workspace
    self.pool = pool
    self.storage = storage
  }

  /// Gives operations that begin from now on as many threads as there are cores in the new grant.
  public func resize(to size: EngineSize) async throws { threadLimit.store(size.threads, ordering: .relaxed) }

  /// The operations that are built in, as the client calls them.
  private static let offered =
    "CREATE_GRAPH, ADD_LABELS, PROJECT_GRAPH, PROJECT_TO_SIMPLE, CREATE_APP, BIND_APP, RUN_APP, CONTEXT_TO_NUMPY, "
    + "CONTEXT_TO_DATAFRAME, GRAPH_TO_NUMPY, GRAPH_TO_DATAFRAME, UNLOAD_GRAPH, UNLOAD_APP, UNLOAD_CONTEXT"

  /// Performs one operation on its inputs; see `AnalyticalEngine`.
  public func perform(
    _ operation: AnalyticalOperation, on inputs: [ObjectHandle], log: any ProgressLog
  ) async throws -> AnalyticalResult {
    try Task.checkCancellation()
    return try await describingFailures {
      if case .unload = operation { return unload(inputs) }
      for input in inputs { try await wake(input) }
      return try await performAwake(operation, inputs, log)
    }
  }

  private func performAwake(
    _ operation: AnalyticalOperation, _ inputs: [ObjectHandle], _ log: any ProgressLog
  ) async throws -> AnalyticalResult {
    switch operation {
    case .createGraph(let options, let layout): try await createGraph(options, layout, inputs, log)
    case .addLabels(let kind): try await addLabels(kind, inputs, log)
    case .project(let vertices, let edges): try project(vertices, edges, inputs)
    case .projectToSimple(let vertex, let edge): try await projectToSimple(vertex, edge, inputs)
    case .createApplication(let algorithm, let archive): try createApplication(algorithm, archive)
    case .bindApplication: try bindApplication(inputs)
    case .runApplication(let arguments): try await runApplication(arguments, inputs, log)
    case .exportArray(let selector, let range):
      .archive(
        try await export(inputs) { try $0.array(selector, range, $1) })
    case .exportFrame(let columns, let range):
      .archive(
        try await export(inputs) { try $0.frame(columns, range, $1) })
    case .unload: unload(inputs)
    case .other(let name):
      throw EngineError(
        .unimplemented, "operation \(name) is not built into the embedded analytical engine",
        hint: "It offers " + Self.offered)
    }
  }

  /// Forgets an object; its memory and files go when nothing refers to it any more.
  public func release(_ handle: ObjectHandle) async { forget(handle) }

  /// Forgets all objects; their files stay.
  public func suspend() async {
    retention.keepFiles()
    objects.withLock { $0.close() }
  }

  /// Forgets all objects and removes the workspace.
  public func close() async {
    objects.withLock { $0.close() }
    removeTree(workspace)
  }

  // MARK: Graphs

  private func createGraph(
    _ options: GraphOptions, _ layout: GraphLayout, _ inputs: [ObjectHandle], _ log: any ProgressLog
  ) async throws -> AnalyticalResult {
    var sources: [TableSource] = []
    if case .tables(let tables) = inputs.first { sources = tables }
    let key = objectKey("graph")
    let stored = try await load(sources, onto: nil, options: options, key: key, log)
    return try add(
      PropertyView(
        key: key, stored: stored, schema: stored.graph.schema, layout: layout, workspace: workspace))
  }

  private func addLabels(
    _ kind: GraphExtension, _ inputs: [ObjectHandle], _ log: any ProgressLog
  ) async throws -> AnalyticalResult {
    let view = try propertyGraph(inputs, for: "ADD_LABELS")
    guard inputs.count > 1, case .tables(let sources) = inputs[1] else {
      throw EngineError(.invalidArgument, "ADD_LABELS needs tables as its second parent")
    }
    if kind == .newLabels {
      for case .vertices(let label, _) in sources.map(\.role)
      where view.stored.graph.schema.vertexLabels.contains(where: { $0.name == label }) {
        throw EngineError(
          .invalidArgument, "vertex label '\(label)' exists already", hint: "Add its rows as an extension, or rename it"
        )
      }
    }
    let key = objectKey("graph")
    let base = view.stored
    let stored = try await load(sources, onto: base, options: base.graph.options, key: key, log)
    let schema = stored.graph.schema.hiding(what: view.schema)
    return try add(
      PropertyView(
        key: key, stored: stored, schema: schema, layout: view.description.layout, workspace: workspace))
  }

  private func load(
    _ sources: [TableSource], onto base: StoredGraph?, options: GraphOptions, key: String, _ log: any ProgressLog
  ) async throws -> StoredGraph {
    let loading = GraphLoading(workspace: workspace, log: log)
    let graph = try await pool.run(storage: storage, threads: threads) { workers in
      try loading.load(sources, onto: base, options: options, key: key, workers: workers)
    }
    platform_failpoint("engine-graph-sealed")
    return StoredGraph(graph, StoredFiles(graph.directory, retention))
  }

  private func project(
    _ vertices: [String: [String]?], _ edges: [String: [String]?], _ inputs: [ObjectHandle]
  ) throws -> AnalyticalResult {
    let view = try propertyGraph(inputs, for: "PROJECT_GRAPH")
    let schema = try view.schema.projected(vertices: vertices, edges: edges)
    return try add(
      PropertyView(
        key: objectKey("graph"), stored: view.stored, schema: schema, layout: view.description.layout,
        workspace: workspace))
  }

  private func projectToSimple(
    _ vertexProperty: String?, _ edgeProperty: String?, _ inputs: [ObjectHandle]
  ) async throws -> AnalyticalResult {
    let view = try propertyGraph(inputs, for: "PROJECT_TO_SIMPLE")
    let projection = try SimpleProjection(view.schema, vertexProperty: vertexProperty, edgeProperty: edgeProperty)
    var description = view.description
    description.key = objectKey("graph_projected")
    description.isMultigraph = false
    description.schemaPath = ""
    description.objectID = .random(in: 1 ... .max)
    description.fragmentIDs = [.random(in: 1 ... .max)]
    if projection.isSingle {
      description.kind = .simple(vertexData: projection.vertexData, edgeData: projection.edgeData)
    } else {
      description.kind = .flattened(vertexData: projection.vertexData, edgeData: projection.edgeData)
      // Clients are told that flattened graphs have no direction, whatever their parent.
      description.options.isDirected = false
    }
    let graph = try await project(projection, of: view.stored, view.schema)
    let recipe = GraphRecipe(
      directory: view.stored.name, description: description,
      projection: .init(vertexProperty: vertexProperty, edgeProperty: edgeProperty))
    try ObjectRecord(kind: .graph, graph: recipe).write(workspace, key: description.key)
    try objects.withLock { try $0.add(SimpleView(graph: graph, description: description, recipe: recipe)) }
    return .graph(description)
  }

  /// The graph that algorithms see of a stored one.
  func project(
    _ projection: SimpleProjection, of stored: StoredGraph, _ schema: GraphSchema
  ) async throws -> SimpleGraph {
    if projection.isSingle { return try SimpleGraph(single: projection, of: stored, schema) }
    return try await pool.run(storage: storage, threads: threads) {
      try SimpleGraph(flattening: projection, of: stored, schema, workers: $0)
    }
  }

  private func add(_ view: PropertyView) throws -> AnalyticalResult {
    let recipe = GraphRecipe(directory: view.stored.name, description: view.description)
    try ObjectRecord(kind: .graph, graph: recipe).write(workspace, key: view.description.key)
    try objects.withLock { try $0.add(view) }
    return .graph(view.description)
  }

  // MARK: Applications

  private func createApplication(_ name: String, _ archive: [UInt8]) throws -> AnalyticalResult {
    guard archive.isEmpty else {
      throw EngineError(
        .compilationFailure,
        "algorithm '\(name)' comes as source code, which the embedded analytical engine cannot build",
        hint: "Use GraphScope's own engine for user-defined algorithms")
    }
    _ = try Algorithms.named(name)
    return .done
  }

  private func bindApplication(_ inputs: [ObjectHandle]) throws -> AnalyticalResult {
    guard inputs.count > 1, case .application(let name, _) = inputs[1] else {
      throw EngineError(.invalidArgument, "BIND_APP needs a graph and an algorithm as its parents")
    }
    let algorithm = try Algorithms.named(name)
    let graph = try simpleGraph(inputs, for: name)
    let key = objectKey("app_\(name)")
    try ObjectRecord(kind: .application, graph: graph.recipe, algorithm: name).write(workspace, key: key)
    try objects.withLock { try $0.add(BoundApplication(algorithm: algorithm, graph: graph), key: key) }
    return .boundApplication(key: key)
  }

  private func runApplication(
    _ arguments: [QueryValue], _ inputs: [ObjectHandle], _ log: any ProgressLog
  ) async throws -> AnalyticalResult {
    guard case .boundApplication(let key) = inputs.first else {
      throw EngineError(.invalidArgument, "RUN_APP needs a bound algorithm as its parent")
    }
    guard let application = objects.withLock({ $0.applications[key] }) else { throw Self.notThere("algorithm", key) }
    let description = ContextDescription(key: objectKey("ctx"), kind: application.algorithm.resultKind)
    let context = try await pool.run(storage: storage, threads: threads) { workers in
      let values = try application.algorithm.run(on: application.graph.graph, arguments, workers: workers)
      var context = ResultContext(description: description, graph: application.graph, values: values)
      do { try self.keep(&context) } catch {
        log.info("This result will not survive a restart of the coordinator: \(EngineError.describing(error))")
      }
      return context
    }
    platform_failpoint("engine-result-kept")
    try objects.withLock { try $0.add(context) }
    return .context(description)
  }

  /// From so many bytes on the values of a result are kept in their file only; smaller ones are not worth a mapping.
  private static let mappedResultBytes = 1 << 17

  /// Writes what a later process must know of a result. A large one is then in memory once, as the file's mapping.
  private func keep(_ context: inout ResultContext) throws {
    let key = context.description.key
    let path = ObjectRecord.valuesPath(workspace, key)
    let (values, file) = try context.values.write(path, storage)
    let record = ObjectRecord(
      kind: .result, graph: context.graph.recipe, result: context.description, values: values)
    do {
      if file.byteCount >= Self.mappedResultBytes { context.values = try ResultValues(values, path: path, file) }
      try record.write(workspace, key: key)
      context.file = file
    } catch {
      removeTree(path)
      throw error
    }
  }

  // MARK: Exports

  private func export(
    _ inputs: [ObjectHandle], _ write: @escaping @Sendable (ExportSource, ExportBounds) throws -> [UInt8]
  ) async throws -> [UInt8] {
    let source = try exportSource(inputs)
    // A small one takes less time than a change of threads.
    if source.vertexCount < ExportSource.largeCount { return try write(source, ExportBounds(storage: storage)) }
    return try await pool.run(storage: storage, threads: threads) {
      try write(source, ExportBounds(storage: $0.storage, cancellation: $0.cancellation))
    }
  }

  private func exportSource(_ inputs: [ObjectHandle]) throws -> ExportSource {
    switch inputs.first {
    case .context(let key):
      guard let context = objects.withLock({ $0.contexts[key] }) else { throw Self.notThere("result", key) }
      return .result(context)
    case .graph:
      return .graph(try propertyGraph(inputs, for: "GRAPH_TO_NUMPY or GRAPH_TO_DATAFRAME"))
    default:
      throw EngineError(.invalidArgument, "an export needs a result or a graph as its parent")
    }
  }

  // MARK: Objects

  private func unload(_ inputs: [ObjectHandle]) -> AnalyticalResult {
    if let handle = inputs.first { forget(handle) }
    return .done
  }

  private func forget(_ handle: ObjectHandle) {
    // What is removed is let go of outside of the lock: it may have files to remove.
    let object = objects.withLock { $0.remove(handle) }
    guard object != nil, let key = handle.key else { return }
    retention.remove(ObjectRecord.path(workspace, key))
    switch handle {
    case .graph: retention.remove("\(workspace)/\(key).json")
    case .context: retention.remove(ObjectRecord.valuesPath(workspace, key))
    case .boundApplication, .none, .tables, .application: break
    }
  }

  func propertyGraph(_ inputs: [ObjectHandle], for operation: String) throws(EngineError) -> PropertyView {
    switch try graph(inputs, for: operation) {
    case .property(let view): return view
    case .simple(let view):
      throw EngineError(
        .invalidArgument, "\(operation) needs a property graph, but '\(view.description.key)' is projected to simple")
    }
  }

  private func simpleGraph(_ inputs: [ObjectHandle], for algorithm: String) throws(EngineError) -> SimpleView {
    switch try graph(inputs, for: "BIND_APP") {
    case .simple(let view): return view
    case .property(let view):
      throw EngineError(
        .invalidArgument,
        "algorithm '\(algorithm)' runs on simple graphs, but '\(view.description.key)' is a property graph",
        hint: "Project it to one vertex label and one edge label")
    }
  }

  private func graph(_ inputs: [ObjectHandle], for operation: String) throws(EngineError) -> SessionObjects.Graph {
    guard case .graph(let key) = inputs.first else {
      throw EngineError(.invalidArgument, "\(operation) needs a graph as its parent")
    }
    guard let graph = objects.withLock({ $0.graphs[key] }) else { throw Self.notThere("graph", key) }
    return graph
  }

  private static func notThere(_ kind: String, _ key: String) -> EngineError {
    EngineError(
      .illegalState, "\(kind) '\(key)' is not in this session any more", hint: "It was unloaded; make it again")
  }
}

extension EngineSize {
  /// One thread for each core that was begun; any number where no cores are granted.
  fileprivate var threads: Int { cpuMillicores > 0 ? (cpuMillicores + 999) / 1000 : .max }
}
