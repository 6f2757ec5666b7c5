import Access
import CPlatform
import ControlPlane
import Engines
import LogStore
import Logging
import Objects
import Scheduling
import StateStore
import Support
import Synchronization

/// The instance name of the session's analytical engine.
let analyticalInstance = "analytical"

extension Session {
  // MARK: Queries and learning

  /// Opens query endpoints for a graph of this session.
  /// - Throws: `CoordinatorError` if the session has no such graph or already serves it; `EngineError`.
  public func openQueries(_ request: QueryInstanceRequest) async throws -> QueryEndpoints {
    let engines = try await gate.engines()
    let endpoints = try await start(.interactive, graph: request.objectID, engines.queries.close(objectID:)) {
      let endpoints = try await engines.queries.open(request)
      return (endpoints, [endpoints.gremlin, endpoints.cypher].filter { !$0.isEmpty })
    }
    engines.queries.whenFailed(objectID: request.objectID) { [weak self, errands] failure in
      errands.begin { [weak self] in
        await self?.broke(.interactive, request.objectID, failure, engines.queries.close(objectID:))
      }
    }
    return endpoints
  }

  /// Closes the query endpoints of a graph.
  public func closeQueries(objectID: Int64) async throws {
    let engines = gate.current
    try await stop(.interactive, graph: objectID) { try await engines?.queries.close(objectID: objectID) }
  }

  /// Starts sampling servers for a graph of this session.
  /// - Throws: `CoordinatorError` if the session has no such graph or already serves it; `EngineError`.
  public func openLearning(_ request: LearningInstanceRequest) async throws -> LearningInstance {
    let engines = try await gate.engines()
    let instance = try await start(.learning, graph: request.objectID, engines.learning.close(objectID:)) {
      let instance = try await engines.learning.open(request)
      return (instance, instance.endpoints)
    }
    engines.learning.whenFailed(objectID: request.objectID) { [weak self, errands] failure in
      errands.begin { [weak self] in
        await self?.broke(.learning, request.objectID, failure, engines.learning.close(objectID:))
      }
    }
    return instance
  }

  /// Stops the sampling servers of a graph.
  public func closeLearning(objectID: Int64) async throws {
    let engines = gate.current
    try await stop(.learning, graph: objectID) { try await engines?.learning.close(objectID: objectID) }
  }

  // MARK: Starting and stopping

  /// Starts an instance concurrently with all others. It is journaled before it is started, and again when it is ready.
  /// - Parameter end: Ends what `body` started.
  private func start<Result: Sendable>(
    _ kind: InstanceKind, graph: Int64, _ end: (Int64) async throws -> Void,
    _ body: @escaping @Sendable () async throws -> (Result, endpoints: [String])
  ) async throws -> Result {
    let name = "\(kind.rawValue)-\(graph)"
    let object = ObjectReference.instance(name, of: id)
    let granted = try request(name, kind, graph: graph)
    var isStarted = false
    do {
      for await _ in granted {}
      guard handle(.instance(name, .allocated)).contains(.instance(name, .start)) else { throw CancellationError() }
      try await journal.commit("start an instance", by: principal.description, on: object, [put(name, kind, graph)])
      platform_failpoint("instance-journaled")
      // Not a child task: the session may give up the start while its caller waits.
      let task = Task { try await body() }
      tasks.setCancel(name) { task.cancel() }
      defer { tasks.setCancel(name, nil) }
      // It may have been given up before it could be cancelled.
      if phase(of: name) != .starting { task.cancel() }
      let (result, endpoints) = try await withTaskCancellationHandler {
        try await task.value
      } onCancel: {
        task.cancel()
      }
      isStarted = true
      let ready = handle(.instance(name, .becameReady))
      perform(ready)
      guard ready.contains(.instance(name, .report)) else { throw CancellationError() }
      try await journal.commit(
        "record that an instance is ready", by: principal.description, on: object, [put(name, kind, graph, endpoints)])
      journal.event(object, "Ready", "the instance listens at \(endpoints.joined(separator: ", "))")
      return result
    } catch {
      let error = cause(of: error, name)
      tasks.endWait(name)
      perform(handle(.instance(name, .broke)))
      if isStarted { try? await end(graph) }
      await forget(name, "Failed", "\(error)", level: .error)
      throw error
    }
  }

  /// Returns the error for the caller of a start that was given up by others.
  private func cause(of error: any Error, _ name: String) -> any Error {
    guard error is CancellationError, !Task.isCancelled else { return error }
    guard let instance = control.withLock({ $0.isOpen ? $0.composition.instance(name) : nil }) else {
      return CoordinatorError(.sessionClosing, "session '\(id)' is being closed. Open a new session")
    }
    return EngineError(
      .engineFailure,
      instance.record.isFailure
        ? "instance '\(name)' did not start within \(controlTimeouts.start.components.seconds) s"
        : "instance '\(name)' was closed before it was ready")
  }

  /// Stops an instance; does nothing if it does not exist.
  private func stop(_ kind: InstanceKind, graph: Int64, _ body: () async throws -> Void) async throws {
    let name = "\(kind.rawValue)-\(graph)"
    perform(handle(.instance(name, .stop)))
    // Running queries fail when their servers end, so there is nothing to wait for.
    perform(handle(.instance(name, .drained)))
    try await body()
    if phase(of: name) != nil { await forget(name, "Stopped", "closed by its client") }
  }

  /// Handles the unexpected end of a process of an instance. Ends the rest of the instance; its record stays, with the cause,
  /// until the instance is closed or opened again.
  func broke(
    _ kind: InstanceKind, _ graph: Int64, _ failure: EngineError, _ end: (Int64) async throws -> Void
  ) async {
    let name = "\(kind.rawValue)-\(graph)"
    // If it is already being stopped, its processes are ended, too.
    guard handle(.died(name)).contains(.instance(name, .stop)) else { return }
    logger.warning("an instance ended unexpectedly", metadata: ["instance": "\(name)", "error": "\(failure)"])
    try? await end(graph)
    var document = document(name, kind, graph, phase: .failed)
    document.setCondition(
      .ready, false, reason: .broken, message: "\(failure)", nowMilliseconds: nowMilliseconds())
    let object = ObjectReference.instance(name, of: id)
    journal.event(object, "Broken", "\(failure)", level: .error)
    do {
      // Its client may have closed it meanwhile: then there is nothing to report.
      try await journal.commit(
        "record that an instance failed", by: "coordinator", on: object,
        conditions: [.present(object.key)], [Journal.put(document)])
    } catch {
      logger.error("cannot record that an instance failed", metadata: ["instance": "\(name)", "error": "\(error)"])
    }
    // An instance of the same name opened meanwhile is another one.
    if phase(of: name) == .stopping { perform(handle(.instance(name, .ended))) }
    log.error("The \(kind.rawValue) instance of graph \(graph) has failed: \(failure)")
  }

  /// Requests an instance and its resources; reports to the session's client how long that may take.
  /// - Returns: A stream that ends when the request is granted or given up.
  private func request(
    _ name: String, _ kind: InstanceKind, graph: Int64
  ) throws(CoordinatorError) -> AsyncStream<Void> {
    var slot = Resources.zero
    if kind == .interactive { slot.interactiveSlots = 1 } else { slot.learningSlots = 1 }
    let object = ObjectReference.instance(name, of: id)
    let request = ResourceRequest(
      owner: object, tenant: tenant, members: [.init(slot)], placement: .local(hostsOfData))
    // An instance that failed is replaced.
    if phase(of: name)?.isFinal == true { perform(handle(.forget(name))) }
    let (effects, refusal) = desk.handle(.request(name, kind: kind, graph: String(graph), request), of: self)
    try requireLegal(effects)
    if let refusal {
      perform(effects + handle(.forget(name)))
      metrics.add(.refusedRequests)
      throw CoordinatorError(.limitReached, refusal.description.withoutFullStop)
    }
    let granted = tasks.awaitGrant(name)
    perform(effects)
    switch phase(of: name) {
    case .queued: if let report = desk.tell(object) { log.info("\(name) is waiting: \(report.text)") }
    // Granted or given up before the wait began.
    default: tasks.endWait(name)
    }
    return granted
  }

  /// The bytes of the session's data by host: a graph is served best where its files are.
  private var hostsOfData: [String: Int64] {
    let hosts = desk.allocation(of: object).map { Set($0.placements.map(\.host)) } ?? []
    let bytes = max(1, storage.taken.diskBytes / Int64(max(1, hosts.count)))
    return Dictionary(uniqueKeysWithValues: hosts.map { ($0, bytes) })
  }

  /// Records that nothing of the instance is left, and releases its resources.
  private func forget(_ name: String, _ reason: String, _ message: String, level: LogRecord.Level = .info) async {
    perform(handle(.instance(name, .ended)))
    perform(handle(.forget(name)))
    let object = ObjectReference.instance(name, of: id)
    journal.event(object, reason, message, level: level)
    do {
      try await journal.commit("delete an instance", by: principal.description, on: object, [.delete(object.key)])
    } catch {
      logger.error("cannot delete an instance", metadata: ["instance": "\(name)", "error": "\(error)"])
    }
  }

  // MARK: The control

  /// Returns the phase of an instance; nil if there is none of that name.
  func phase(of name: String) -> InstanceLifecycle.Phase? {
    control.withLock { $0.composition.instance(name)?.phase }
  }

  /// Performs effects of the session.
  func perform(_ effects: [SessionControl.Effect]) { desk.perform(effects, for: self) }

  /// - Throws: `CoordinatorError` if an event was illegal.
  func requireLegal(_ effects: [SessionControl.Effect]) throws(CoordinatorError) {
    guard case .refused(let refusal)? = effects.first else { return }
    switch refusal {
    case .closing: throw CoordinatorError(.sessionClosing, "session '\(id)' is being closed. Open a new session")
    case .tooManyGraphs, .tooManyInstances: throw CoordinatorError(.limitReached, "\(refusal)")
    default: throw CoordinatorError(.invalidArgument, "\(refusal)")
    }
  }

  private func put(_ name: String, _ kind: InstanceKind, _ graph: Int64, _ endpoints: [String] = []) -> StateChange {
    let phase = phase(of: name) ?? .failed
    return Journal.put(document(name, kind, graph, endpoints, phase: phase))
  }

  private func document(
    _ name: String, _ kind: InstanceKind, _ graph: Int64, _ endpoints: [String] = [], phase: InstanceLifecycle.Phase
  ) -> InstanceDocument {
    InstanceDocument(
      kind: .instance, name: "\(id)/\(name)", owner: principal.description, tenant: tenant,
      createdMilliseconds: nowMilliseconds(), spec: InstanceSpec(session: id, kind: kind.rawValue, graph: graph),
      status: InstanceStatus(phase: phase.rawValue, endpoints: endpoints))
  }
}
