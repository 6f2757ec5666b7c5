import Engines
import FoundationEssentials
import GRPC
import Glibc
import GraphStore
import Synchronization
import Wire

/// GraphScope's analytical engine, in processes of the session's own. It completes what clients ask for, as the engine
/// wants it, and what the engine answers, as clients want it.
public final class NativeAnalyticalEngine: AnalyticalEngine {
  /// What the client is told about the engine when it connects.
  public let description: EngineDescription
  private let processes: SessionProcesses
  private let connection: EngineConnection
  private let libraries: LibraryStore
  private let session: String
  private let children: any ChildLauncher
  private let queries: NativeQueryEngine
  private let meter: StoreMeter
  private let objects = Mutex(NativeObjects())
  private let life = Mutex(Life())

  private struct Life {
    var failure: EngineError?
    var onFailure: (@Sendable (EngineError) -> Void)?
    /// What is being performed.
    var work: Set<Task<AnalyticalResult, any Error>> = []
  }

  /// How long after a lost connection the cause of it is waited for.
  private static let causeDelay = Duration.milliseconds(1500)

  init(
    session: String, processes: SessionProcesses, libraries: LibraryStore, children: any ChildLauncher,
    queries: NativeQueryEngine, storage: any StorageAccount
  ) {
    self.queries = queries
    meter = StoreMeter(storage, processes.commands)
    self.session = session
    self.processes = processes
    self.libraries = libraries
    self.children = children
    let commands = processes.commands
    connection = EngineConnection(host: commands.engineAddress, port: processes.enginePort, session: session)
    description = EngineDescription(
      hosts: commands.hosts.all.map(\.name), workerCount: commands.workers,
      objectStoreSocket: commands.hosts.includeOwn ? commands.socket : nil)
    processes.whenFailed { [weak self] in self?.died($0) }
  }

  /// Refuses: the engine is told what the client wrote, not what it means.
  /// - Throws: `EngineError.internalFailure`.
  public func perform(
    _ operation: AnalyticalOperation, on inputs: [ObjectHandle], log: any ProgressLog
  ) async throws -> AnalyticalResult {
    throw EngineError(.internalFailure, "\(operation.name) came without the words of its client")
  }

  /// Completes the operation, has it performed, and completes the result.
  /// - Throws: `EngineError` with the cause when a process of the engine has ended; `CancellationError`. A cancelled
  ///   operation goes on inside the engine; the next one waits for it there.
  public func perform(
    _ operation: AnalyticalOperation, asWritten original: ClientOperation?, on inputs: [ObjectHandle],
    log: any ProgressLog
  ) async throws -> AnalyticalResult {
    guard let original else { return try await perform(operation, on: inputs, log: log) }
    let work = try life.withLock { life throws(EngineError) in
      if let failure = life.failure { throw failure }
      let work = Task { try await charged(try await perform(original, on: inputs, log), operation.name, original) }
      life.work.insert(work)
      return work
    }
    defer { _ = life.withLock { $0.work.remove(work) } }
    do {
      return try await withTaskCancellationHandler {
        try await work.value
      } onCancel: {
        work.cancel()
      }
    } catch {
      throw await cause(of: error)
    }
  }

  /// What is behind the failure of an operation: the death of the engine, if it died.
  private func cause(of error: any Error) async -> any Error {
    switch error {
    case is CancellationError where Task.isCancelled: return error
    case is CancellationError: return life.withLock { $0.failure } ?? error
    case let status as GRPCStatus:
      return await death()
        ?? EngineError(.engineFailure, "the analytical engine does not answer: \(status.message)")
    // Without its store the engine fails in words of many kinds, none of which name the cause.
    case let error as EngineError where error.code == .engineFailure && !processes.storeAnswers:
      return await death() ?? error
    default: return error
    }
  }

  /// Why the engine died, if it did or does soon. Whoever waits for its death has been told then.
  private func death() async -> EngineError? {
    guard let failure = await processes.failure(within: Self.causeDelay) else { return nil }
    died(failure)
    return failure
  }

  /// Tells whoever waits for it, and ends what is being performed, in this order: a session takes note of the death before
  /// its client can.
  private func died(_ failure: EngineError) {
    let onFailure: (@Sendable (EngineError) -> Void)? = life.withLock { life in
      guard life.failure == nil else { return nil }
      life.failure = failure
      return life.onFailure
    }
    onFailure?(failure)
    for work in life.withLock({ $0.work }) { work.cancel() }
  }

  /// Calls `body` when a process of the engine ends unasked, at once if one has.
  public func whenFailed(_ body: @escaping @Sendable (EngineError) -> Void) {
    let failure = life.withLock { life in
      life.onFailure = body
      return life.failure
    }
    if let failure { body(failure) }
  }

  /// Charges the session's tenant for what an operation made, which is undone when that is too much.
  private func charged(
    _ result: AnalyticalResult, _ name: String, _ original: ClientOperation
  ) async throws -> AnalyticalResult {
    switch (result, original.definition.op) {
    case (.definedGraph(let graph), _):
      do { try await meter.settle() } catch let refusal as StorageRefusal {
        await release(.graph(graph.key))
        throw EngineError(
          .resourceExhausted, "\(name) was undone: there is no room for its graph. \(refusal)",
          hint: "Unload graphs that are not needed any more, load less, or ask an operator for a larger quota")
      }
    case (_, .unloadGraph), (_, .toVineyardDataframe), (_, .toVineyardTensor): await meter.settleUnasked()
    default: break
    }
    return result
  }

  private func perform(
    _ original: ClientOperation, on handles: [ObjectHandle], _ log: any ProgressLog
  ) async throws -> AnalyticalResult {
    var inputs = objects.withLock { NativeInputs(handles, in: $0) }
    let definition = original.definition
    switch definition.op {
    case .createApp: return .done
    case .unloadGraph where inputs.graph == nil, .unloadApp where inputs.application == nil,
      .unloadContext where inputs.context == nil:
      return .done
    case .dataSink, .serializeGraph, .deserializeGraph: return try await transferred(definition, inputs, log)
    case .subgraph: return try await extracted(definition, inputs, log)
    default: break
    }
    let (tables, files) = try await conversion.converted(inputs.tables)
    defer { for path in files { unlink(path) } }
    inputs.tables = tables
    var prepared = try OperationPreparation(inputs: inputs, installation: libraries.installation).prepared(definition)
    try await loadLibraries(for: &prepared, log)
    let payloads = prepared.largeAttribute == definition.largeAttribute ? original.payloads : inputs.tables.payloads
    let answer = try await connection.perform(prepared, payloads: payloads)
    return try noted(answer, of: prepared, inputs)
  }

  /// Moves something between the store and files; the engine takes over a graph that was loaded.
  private func transferred(
    _ definition: OpDef, _ inputs: NativeInputs, _ log: any ProgressLog
  ) async throws -> AnalyticalResult {
    let frame = objects.withLock { $0.frames[definition.parents.first ?? ""] }
    guard let order = try StoreTransfer.Order(definition, graph: inputs.graph?.definition, frame: frame) else {
      return .done
    }
    try processes.commands.requireOneStore("graphs and results are moved between the store and files")
    let report = try await StoreTransfer(commands: processes.commands, children: children).perform(order)
    guard case .load = order else { return .done }
    var creation = try StoredGraph(report: report).creation(key: definition.key)
    try await loadLibraries(for: &creation, log)
    return try noted(try await connection.perform(creation), of: creation, inputs)
  }

  /// Builds a graph of the edges that a query finds.
  private func extracted(
    _ definition: OpDef, _ inputs: NativeInputs, _ log: any ProgressLog
  ) async throws -> AnalyticalResult {
    let subgraph = try Subgraph(definition)
    try processes.commands.requireOneStore("graphs are made of queries")
    let served = try queries.served(subgraph.source)
    var creation = subgraph.creation(key: definition.key)
    creation.attributes[.javaClassPath] = .text(libraries.installation.javaClassPath)
    creation.attributes[.jvmOpts] = .text(libraries.installation.javaOptions)
    // Before the query, whose time runs.
    try await loadLibraries(for: &creation, log)
    let answer: EngineConnection.Answer
    do {
      answer = try await subgraph.extracted(from: served.instance, socket: processes.commands.socket) {
        [connection, creation] streams in
        var creation = creation
        creation.largeAttribute = subgraph.tables(streams)
        return try await connection.perform(creation)
      }
    } catch let error as EngineError where error.code == .engineFailure {
      throw await served.processes.failure(within: Self.causeDelay) ?? error
    }
    return try noted(answer, of: creation, inputs)
  }

  // MARK: Libraries

  /// Sees to it that the engine has the code for the operation's graph or algorithm.
  private func loadLibraries(for operation: inout OpDef, _ log: any ProgressLog) async throws {
    switch operation.op {
    case .bindApp:
      let application = try libraries.application(operation.attributes)
      let path = try await libraries.path(of: application, with: builder(log))
      try await distribute(path)
      operation.attributes[.appLibraryPath] = .text(path)
    case .createGraph where operation.attributes[.graphType]?.integer == Int64(GraphType.arrowProperty.rawValue),
      .transformGraph, .projectToSimple, .consolidateColumns, .addLabels, .archiveGraph:
      let fragment = try FragmentType(operation.attributes)
      try await register(fragment, log)
      operation.attributes[.typeSignature] = .text(fragment.signature)
    default: break
    }
  }

  private func register(_ fragment: FragmentType, _ log: any ProgressLog) async throws {
    let signature = fragment.signature
    guard !objects.withLock({ $0.registered.contains(signature) }) else { return }
    let path = try await libraries.path(of: fragment, with: builder(log))
    try await distribute(path)
    let registration = OpDef(
      key: "register-\(signature.prefix(16))", op: .registerGraphType,
      attributes: [
        .graphLibraryPath: .text(path), .typeSignature: .text(signature),
        .graphType: .int(Int64(fragment.graphType.rawValue)),
      ])
    _ = try await connection.perform(registration)
    _ = objects.withLock { $0.registered.insert(signature) }
  }

  /// Gives a library to the session's other hosts; those that came with the engines are there.
  private func distribute(_ path: String) async throws {
    guard !path.hasPrefix(libraries.installation.precompiled + "/") else { return }
    try await processes.otherHosts.copy(path)
  }

  private var conversion: TableConversion {
    TableConversion(
      script: PythonScript(
        installation: libraries.installation, environment: processes.commands.environment,
        directory: processes.commands.directory, children: children))
  }

  private func builder(_ log: any ProgressLog) -> LibraryBuilder {
    LibraryBuilder(
      installation: libraries.installation, environment: processes.commands.environment, children: children, log: log)
  }

  // MARK: Results

  private func noted(
    _ answer: EngineConnection.Answer, of operation: OpDef, _ inputs: NativeInputs
  ) throws -> AnalyticalResult {
    if let stream = answer.stream { return .stream(watched(stream)) }
    let result = answer.result
    switch operation.op {
    case .bindApp: return try bound(result, operation, inputs)
    case .runApp: return try context(result, inputs)
    case .unloadGraph: return forget { $0.graphs[inputs.graph?.key ?? ""] = nil }
    case .unloadApp: return forget { $0.applications[inputs.application?.key ?? ""] = nil }
    case .unloadContext: return forget { $0.contexts[inputs.context?.key ?? ""] = nil }
    case .toVineyardDataframe, .toVineyardTensor:
      let answer = try? JSONValue(parsing: String(decoding: result.result, as: UTF8.self))
      objects.withLock { $0.noteFrame(answer?["object_id"]?.text, of: operation.key) }
    default: break
    }
    if let graph = result.graph { return try made(graph, by: operation.op) }
    return result.result.isEmpty ? .done : .value(result.result)
  }

  /// A stream whose end by the end of the engine tells its cause.
  private func watched(_ stream: ResultStream) -> ResultStream {
    ResultStream { [self] in
      do { return try await stream.next() } catch let status as GRPCStatus {
        throw await death()
          ?? EngineError(.engineFailure, "the engine's result broke off: \(status.message)")
      }
    }
  }

  private func forget(_ body: (inout NativeObjects) -> Void) -> AnalyticalResult {
    objects.withLock { body(&$0) }
    return .done
  }

  private func made(_ graph: GraphDef, by operation: OperationType) throws -> AnalyticalResult {
    var graph = graph
    let wantsSchemaFile: [OperationType] = [
      .createGraph, .projectGraph, .consolidateColumns, .projectToSimple, .transformGraph, .addLabels, .addColumn,
    ]
    if graph.type == .arrowProperty, wantsSchemaFile.contains(operation), case .vineyard(var info) = graph.info {
      info.schemaPath = try writeSchema(info.propertySchemaJSON, of: graph.key)
      graph.info = .vineyard(info)
    }
    objects.withLock { $0.graphs[graph.key] = graph }
    return .definedGraph(graph)
  }

  /// Writes the file that query engines read.
  private func writeSchema(_ json: String, of key: String) throws -> String {
    guard key.utf8.allSatisfy({ $0 != UInt8(ascii: "/") && $0 > 32 }), key.utf8.count < 200 else {
      throw EngineError(.engineFailure, "the engine named a graph '\(key)'")
    }
    let path = "\(processes.commands.directory)/\(key).json"
    do { try Data(try QuerySchema.text(json).utf8).write(to: URL(filePath: path)) } catch let error as EngineError {
      throw error
    } catch {
      throw EngineError(.internalFailure, "the schema of a graph cannot be written to '\(path)': \(error)")
    }
    return path
  }

  private func bound(_ result: OpResult, _ operation: OpDef, _ inputs: NativeInputs) throws -> AnalyticalResult {
    let key = String(decoding: result.result, as: UTF8.self)
    let graph = try inputs.requiredGraph()
    let application = NativeObjects.Application(
      graph: graph.key, definition: graph.definition, library: operation.attributes[.appLibraryPath]?.text ?? "")
    objects.withLock { $0.applications[key] = application }
    return .boundApplication(key: key)
  }

  private func context(_ result: OpResult, _ inputs: NativeInputs) throws -> AnalyticalResult {
    let text = String(decoding: result.result, as: UTF8.self)
    guard let json = try? JSONValue(parsing: text), let key = json["context_key"]?.text,
      let kind = (json["context_type"]?.text).flatMap(ContextDescription.Kind.init)
    else { throw EngineError(.engineFailure, "the engine described a result in a way that cannot be read: \(text)") }
    let context = NativeObjects.Context(kind: kind, definition: try inputs.requiredApplication().application.definition)
    objects.withLock { $0.contexts[key] = context }
    return .context(ContextDescription(key: key, kind: kind, schema: json["context_schema"]?.text ?? ""))
  }

  // MARK: Life

  /// Forgets an object; one that is not there any more is no error.
  public func release(_ handle: ObjectHandle) async {
    let operation: OperationType
    switch handle {
    case .graph: operation = .unloadGraph
    case .boundApplication: operation = .unloadApp
    case .context: operation = .unloadContext
    case .none, .tables, .application: return
    }
    let definition = OpDef(key: "release", op: operation, outputType: .nullOutput)
    _ = try? await perform(ClientOperation(definition), on: [handle], SilentLog())
    await meter.settleUnasked()
  }

  /// Finds nothing: all objects end with the processes that had them.
  public func recover(_ handles: [ObjectHandle]) async throws -> [LostObject] {
    handles.compactMap { handle in
      switch handle {
      case .none, .tables, .application: nil
      case .graph, .boundApplication, .context:
        LostObject(handle, reason: "the engine that had it has ended; make it again")
      }
    }
  }

  /// Ends the engine; its objects go with its processes.
  public func suspend() async { await close() }

  /// Ends the engine's processes and removes what they left.
  public func close() async {
    await connection.close()
    await processes.stop()
    meter.end()
    try? FileManager.default.removeItem(atPath: processes.commands.directory)
  }
}

/// For work that no client waits for.
private struct SilentLog: ProgressLog {
  func info(_ line: String) {}
}

extension [TableSource] {
  /// Data that came with the tables, in their order.
  fileprivate var payloads: [ClientOperation.Payload] {
    compactMap { table in
      if case .arrowStream(let path, let count) = table.location { .init(path: path, byteCount: count) } else { nil }
    }
  }
}
