import Cluster
import Engines
import Logging
import Synchronization

/// One client's session: its engine, its objects, its log. Steps run one at a time, in the order in which they came;
/// signs of life and log readers never wait for them.
public final class Session: Sendable {
  /// The name the client uses; unguessable.
  public let id: String
  /// On whose behalf it was opened; nobody else can use it.
  public let principal: Principal
  /// Its number in the order of opening.
  let serial: UInt64
  /// What its user may read.
  public let log: SessionLog
  /// What the client is told about the engine.
  public let engineDescription: EngineDescription
  /// Where its files live.
  let directory: String

  private let engines: SessionEngines
  private let turnstile = Turnstile()
  private let lifecycle: Mutex<SessionLifecycle>
  private let registry = Mutex(ObjectRegistry())
  private let running = Mutex<[UInt64: @Sendable () -> Void]>([:])
  private let counter = Atomic<UInt64>(0)
  private let logger: Logger

  init(
    id: String, principal: Principal, serial: UInt64, directory: String, engines: SessionEngines, logs: LogStore,
    lease: Duration?, now: ContinuousClock.Instant, logger: Logger
  ) {
    self.id = id
    self.principal = principal
    self.serial = serial
    self.directory = directory
    self.engines = engines
    log = SessionLog(store: logs, session: id)
    engineDescription = engines.analytical.description
    lifecycle = Mutex(SessionLifecycle(lease: lease, at: now))
    var logger = logger
    logger[metadataKey: "session"] = "\(id)"
    self.logger = logger
  }

  // MARK: Life

  /// Where the session stands.
  public var phase: SessionLifecycle.Phase { lifecycle.withLock { $0.phase } }

  /// Hands an event to the lifecycle.
  func handle<R: Sendable>(_ event: (inout SessionLifecycle) -> R) -> R { lifecycle.withLock { event(&$0) } }

  /// Suspends until the steps that were sent so far have ended, or the task is cancelled.
  func waitUntilIdle() async { try? await turnstile.pass {} }

  /// Stops what runs, waits for it, and gives back everything. Call once, after the lifecycle said `release`.
  func release() async {
    log.close()
    for cancel in running.withLock({ Array($0.values) }) { cancel() }
    // A step that was cancelled ends within 100 ms; nothing may use the engine's files when they go.
    _ = try? await Task { try await turnstile.pass {} }.value
    await engines.queries.closeAll()
    await engines.learning.closeAll()
    await engines.analytical.close()
    handle { $0.released() }
  }

  // MARK: Steps

  /// Runs the operations of a step in their order, after all earlier steps. On the first failure the rest is dropped.
  /// - Throws: `CancellationError` when the caller gives up; `CoordinatorError` when the session is being closed.
  public func run(_ operations: [StepOperation]) async throws -> StepOutcome {
    guard phase == .connected || phase == .detached else {
      throw CoordinatorError(.sessionClosing, "session '\(id)' is being closed. Connect again")
    }
    let number = counter.add(1, ordering: .relaxed).newValue
    // Immediate: the step takes its place in the queue before the next one can arrive.
    let task = Task.immediate { try await turnstile.pass { try await perform(operations) } }
    running.withLock { $0[number] = { task.cancel() } }
    defer { _ = running.withLock { $0.removeValue(forKey: number) } }
    if phase == .closing || phase == .closed { task.cancel() }
    do {
      return try await withTaskCancellationHandler {
        try await task.value
      } onCancel: {
        task.cancel()
      }
    } catch is CancellationError where phase == .closing || phase == .closed {
      throw CoordinatorError(.sessionClosing, "session '\(id)' was closed while the step ran")
    }
  }

  private func perform(_ operations: [StepOperation]) async throws -> StepOutcome {
    defer { registry.withLock { $0.forgetTables(of: operations.map(\.key)) } }
    var outcome = StepOutcome()
    for operation in operations {
      try Task.checkCancellation()
      do {
        outcome.results.append((operation.key, try await perform(operation)))
      } catch let error as EngineError {
        logger.info("operation failed", metadata: ["operation": "\(operation.key)", "error": "\(error)"])
        outcome.failure = (operation.key, error)
        break
      } catch let error where !(error is CancellationError) {
        logger.error("operation failed", metadata: ["operation": "\(operation.key)", "error": "\(error)"])
        outcome.failure = (operation.key, EngineError(.internalFailure, "the operation failed: \(error)"))
        break
      }
    }
    return outcome
  }

  private func perform(_ operation: StepOperation) async throws -> AnalyticalResult {
    let inputs = try registry.withLock { registry throws(EngineError) in try registry.inputs(of: operation) }
    let result: AnalyticalResult
    let handle: ObjectHandle
    switch operation.action {
    case .source(let tables):
      result = .done
      handle = .tables(tables)
    case .analytical(let request):
      result = try await engines.analytical.perform(request, on: inputs, log: log.about(step: operation.key))
      handle = Session.handle(of: result, from: request)
    }
    if case .none = handle { return result }
    let replaced = try registry.withLock { registry throws(EngineError) in
      try registry.record(handle, for: operation.key)
    }
    if let replaced { await engines.analytical.release(replaced) }
    return result
  }

  /// How later operations refer to a result.
  private static func handle(of result: AnalyticalResult, from request: AnalyticalOperation) -> ObjectHandle {
    switch result {
    case .graph(let graph): return .graph(graph.key)
    case .boundApplication(let key): return .boundApplication(key)
    case .context(let context): return .context(context.key)
    case .archive: return .none
    case .done:
      if case .createApplication(let algorithm, let archive) = request {
        return .application(algorithm: algorithm, archive: archive)
      }
      return .none
    }
  }

  // MARK: Data that comes with a step

  /// A file for data of a step; it goes when nobody refers to the spool any more.
  public func makeSpool(announcedBytes: Int) throws(CoordinatorError) -> Spool {
    let number = counter.add(1, ordering: .relaxed).newValue
    return try Spool(path: "\(directory)/spool-\(number)", announcedBytes: announcedBytes)
  }

  /// Keeps a library archive for applications of this session.
  /// - Throws: `CoordinatorError` unless it is a zip archive of exactly one file.
  public func addLibrary(_ archive: UnsafeRawBufferPointer) throws(CoordinatorError) {
    let name = try LibraryArchive(archive).fileName
    let number = counter.add(1, ordering: .relaxed).newValue
    let file = try Spool(path: "\(directory)/library-\(number).zip", announcedBytes: archive.count)
    try file.append(archive)
    libraries.withLock { $0.append((name, file)) }
  }

  private let libraries = Mutex<[(name: String, file: Spool)]>([])

  // MARK: Instances of the other engines

  /// Opens query endpoints for a graph of this session.
  public func openQueries(_ request: QueryInstanceRequest) async throws -> QueryEndpoints {
    try await engines.queries.open(request)
  }

  /// Closes the query endpoints of a graph.
  public func closeQueries(objectID: Int64) async throws { try await engines.queries.close(objectID: objectID) }

  /// Starts sampling servers for a graph of this session.
  public func openLearning(_ request: LearningInstanceRequest) async throws -> LearningInstance {
    try await engines.learning.open(request)
  }

  /// Stops the sampling servers of a graph.
  public func closeLearning(objectID: Int64) async throws { try await engines.learning.close(objectID: objectID) }
}
