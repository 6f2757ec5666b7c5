import Engines
import FoundationEssentials
import GRPC
import Glibc
import JSON
import NIOPosix
import Synchronization
import Vocabulary
import Wire
import Workers

/// GraphScope's analytical engine, in processes of the session's own. It completes clients' operations as the engine requires
/// them, and the engine's results as clients require them.
public final class NativeAnalyticalEngine: AnalyticalEngine {
  /// The description that the client receives when it connects.
  public let description: EngineDescription
  let processes: SessionProcesses
  let connection: EngineConnection
  let libraries: LibraryStore
  private let session: String
  let children: any ChildLauncher
  private let queries: NativeQueryEngine
  private let meter: StoreMeter
  let places: any Places
  let objects = Mutex(NativeObjects())
  private let life = Mutex(Life())

  private struct Life {
    var failure: EngineError?
    var onFailure: (@Sendable (EngineError) -> Void)?
    /// The operations that are being performed. Stored, because the death of the engine cancels them before their callers do.
    var work: Set<Task<AnalyticalResult, any Error>> = []
  }

  /// How long to wait for the cause of a lost connection.
  private static let causeDelay = Duration.milliseconds(1500)

  init(
    session: String, processes: SessionProcesses, libraries: LibraryStore, children: any ChildLauncher,
    queries: NativeQueryEngine, storage: any StorageAccount, places: any Places
  ) {
    self.queries = queries
    self.places = places
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

  /// Completes the operation, performs it, and completes the result.
  /// - Throws: `EngineError` with the cause when a process of the engine has ended; `CancellationError`. A cancelled operation
  ///   continues inside the engine, and the next one waits for it there.
  public func perform(
    _ operation: Operation, on inputs: [ObjectHandle], log: any ProgressLog
  ) async throws -> AnalyticalResult {
    let work = try life.withLock { life throws(EngineError) in
      if let failure = life.failure { throw failure }
      let work = Task { try await charged(try await answer(to: operation, on: inputs, log), of: operation) }
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

  /// Returns the error behind the failure of an operation: the death of the engine, if it died.
  private func cause(of error: any Error) async -> any Error {
    switch error {
    case is CancellationError where Task.isCancelled: return error
    case is CancellationError: return life.withLock { $0.failure } ?? error
    case let status as GRPCStatus:
      return await death()
        ?? EngineError(.engineFailure, "the analytical engine does not answer: \(status.message)")
    // Without its store, the engine fails with various messages, none of which names the cause.
    case let error as EngineError where error.code == .engineFailure && !processes.storeAnswers:
      return await death() ?? error
    default: return error
    }
  }

  /// Returns why the engine died, if it has died or is about to. The body of `whenFailed` was called by then.
  func death() async -> EngineError? {
    guard let failure = await processes.failure(within: Self.causeDelay) else { return nil }
    died(failure)
    return failure
  }

  /// Calls the body of `whenFailed`, then ends the running operations. In this order, a session records the death before its
  /// client learns of it.
  private func died(_ failure: EngineError) {
    let onFailure: (@Sendable (EngineError) -> Void)? = life.withLock { life in
      guard life.failure == nil else { return nil }
      life.failure = failure
      return life.onFailure
    }
    onFailure?(failure)
    for work in life.withLock({ $0.work }) { work.cancel() }
  }

  /// Calls `body` when a process of the engine ends unexpectedly, at once if one has already.
  public func whenFailed(_ body: @escaping @Sendable (EngineError) -> Void) {
    let failure = life.withLock { life in
      life.onFailure = body
      return life.failure
    }
    if let failure { body(failure) }
  }

  /// Charges the session's tenant for the object that an operation made; removes the object if it exceeds the quota.
  private func charged(_ result: AnalyticalResult, of operation: Operation) async throws -> AnalyticalResult {
    switch (result, operation.type) {
    case (.encodedGraph(let graph), _):
      do { try await meter.settle() } catch let refusal as StorageRefusal {
        await release(.graph(graph.key))
        throw EngineError(
          .resourceExhausted, "\(operation.title) was undone: there is no room for its graph. \(refusal)",
          hint: "Unload graphs that are no longer needed, load less, or ask an operator for a larger quota")
      }
    case (_, .unloadGraph), (_, .toVineyardDataframe), (_, .toVineyardTensor): await meter.settleUnasked()
    default: break
    }
    return result
  }

  private func answer(
    to operation: Operation, on handles: [ObjectHandle], _ log: any ProgressLog
  ) async throws -> AnalyticalResult {
    var inputs = objects.withLock { NativeInputs(handles, in: $0) }
    var definition = try OpDef(operation).fromClient()
    try places.requireOwnCode(definition, inputs)
    switch definition.op {
    case .createApp: return .done
    case .unloadGraph where inputs.graph == nil, .unloadApp where inputs.application == nil,
      .unloadContext where inputs.context == nil:
      return .done
    case .dataSink, .serializeGraph, .deserializeGraph: return try await transferred(definition, inputs, log)
    case .subgraph: return try await extracted(definition, inputs, log)
    default: break
    }
    let output = try await files.prepared(&definition)
    defer { output?.remove() }
    let held = try await TableOpening(places: places, isHere: processes.commands.hosts.others.isEmpty)
      .opened(inputs.tables, lender)
    defer { held.end() }
    let (tables, streams) = try await conversion.converted(held.tables)
    defer { withExtendedLifetime(streams) {} }
    inputs.tables = try AddedRows.fitted(tables, by: definition.op, to: inputs.graph?.definition, places)
    var prepared = try OperationPreparation(inputs: inputs, installation: libraries.installation).prepared(definition)
    try await loadLibraries(for: &prepared, log)
    let payloads =
      prepared.largeAttribute == definition.largeAttribute
      ? operation.payloads.compactMap(\.file) : inputs.tables.spooled
    let answer: EngineConnection.Answer
    do { answer = try await connection.perform(prepared, payloads: payloads) } catch { throw held.restored(error) }
    try await output?.move()
    return try noted(answer, of: prepared, inputs)
  }

  /// Moves an object between the store and files. A graph that was loaded is passed to the engine.
  private func transferred(
    _ definition: OpDef, _ inputs: NativeInputs, _ log: any ProgressLog
  ) async throws -> AnalyticalResult {
    let frame = objects.withLock { $0.frames[definition.parents.first ?? ""] }
    guard let order = try StoreTransfer.Order(definition, graph: inputs.graph?.definition, frame: frame) else {
      return .done
    }
    try processes.commands.requireOneStore("graphs and results are moved between the store and files")
    let transfer = StoreTransfer(commands: processes.commands, children: children, files: files, lender: lender)
    let report = try await transfer.perform(order)
    guard case .load = order else { return .done }
    var creation = try StoredGraph(report: report).creation(key: definition.key)
    try await loadLibraries(for: &creation, log)
    return try noted(try await connection.perform(creation), of: creation, inputs)
  }

  /// Makes a graph of the edges that a query finds.
  private func extracted(
    _ definition: OpDef, _ inputs: NativeInputs, _ log: any ProgressLog
  ) async throws -> AnalyticalResult {
    let subgraph = try Subgraph(definition)
    try processes.commands.requireOneStore("subgraphs of queries are created")
    let served = try queries.served(subgraph.source)
    var creation = subgraph.creation(key: definition.key)
    creation.attributes[.javaClassPath] = .text(libraries.installation.javaClassPath)
    creation.attributes[.jvmOpts] = .text(libraries.installation.javaOptions)
    // Precedes the query, whose time is limited.
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

  private var files: EngineFiles { EngineFiles(places: places, directory: processes.commands.directory) }

  private var lender: FileLender { FileLender(user: places.user, commands: processes.commands, children: children) }

  private var conversion: TableConversion {
    TableConversion(
      places: places, lender: lender,
      script: PythonScript(
        installation: libraries.installation, environment: processes.commands.environment,
        directory: processes.commands.directory, children: children, user: places.user))
  }

  // MARK: Lifetime

  /// Forgets an object. Does nothing if the object does not exist.
  public func release(_ handle: ObjectHandle) async {
    let operation: OperationType
    switch handle {
    case .graph: operation = .unloadGraph
    case .boundApplication: operation = .unloadApp
    case .context: operation = .unloadContext
    case .none, .tables, .application: return
    }
    if let unload = try? Operation(key: "release", type: operation, output: .nullOutput) {
      _ = try? await answer(to: unload, on: [handle], SilentLog())
    }
    await meter.settleUnasked()
  }

  /// Returns a summary of an object, as far as the engine reported when it made the object. It reports no counts.
  public func summary(of handle: ObjectHandle) async -> ObjectSummary? { objects.withLock { $0.summary(of: handle) } }

  /// Reports all objects as lost: they end with the processes that held them.
  public func recover(_ handles: [ObjectHandle]) async throws -> [LostObject] {
    handles.compactMap { handle in
      switch handle {
      case .none, .tables, .application: nil
      case .graph, .boundApplication, .context:
        LostObject(handle, reason: "its engine has ended; create it again")
      }
    }
  }

  /// Ends the engine. Its objects are lost with its processes.
  public func suspend() async { await close() }

  /// Ends the engine's processes and removes their files.
  public func close() async {
    await connection.close()
    await processes.stop()
    meter.end()
    EngineDirectories.remove(processes.commands.directory)
  }
}
