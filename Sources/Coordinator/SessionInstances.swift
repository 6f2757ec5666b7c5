import CPlatform
import Cluster
import Engines

/// The session's analytical engine among its instances.
let analyticalInstance = "analytical"

extension Session {
  // MARK: Queries and learning

  /// Opens query endpoints for a graph of this session.
  /// - Throws: `CoordinatorError` when the session has no such graph or serves it already; `EngineError`.
  public func openQueries(_ request: QueryInstanceRequest) async throws -> QueryEndpoints {
    let engines = try await gate.engines()
    let endpoints = try await start(.interactive, graph: request.objectID) {
      let endpoints = try await engines.queries.open(request)
      return (endpoints, [endpoints.gremlin, endpoints.cypher].filter { !$0.isEmpty })
    }
    engines.queries.whenFailed(objectID: request.objectID) { [weak self] failure in
      Task { await self?.broke(.interactive, request.objectID, failure, engines.queries.close(objectID:)) }
    }
    return endpoints
  }

  /// Closes the query endpoints of a graph.
  public func closeQueries(objectID: Int64) async throws {
    let engines = gate.current
    try await stop(.interactive, graph: objectID) { try await engines?.queries.close(objectID: objectID) }
  }

  /// Starts sampling servers for a graph of this session.
  /// - Throws: `CoordinatorError` when the session has no such graph or serves it already; `EngineError`.
  public func openLearning(_ request: LearningInstanceRequest) async throws -> LearningInstance {
    let engines = try await gate.engines()
    let instance = try await start(.learning, graph: request.objectID) {
      let instance = try await engines.learning.open(request)
      return (instance, instance.endpoints)
    }
    engines.learning.whenFailed(objectID: request.objectID) { [weak self] failure in
      Task { await self?.broke(.learning, request.objectID, failure, engines.learning.close(objectID:)) }
    }
    return instance
  }

  /// Stops the sampling servers of a graph.
  public func closeLearning(objectID: Int64) async throws {
    let engines = gate.current
    try await stop(.learning, graph: objectID) { try await engines?.learning.close(objectID: objectID) }
  }

  // MARK: Starting and stopping

  /// Starts an instance beside all others: it is in the state store before it is started, and again when it is ready.
  private func start<Result: Sendable>(
    _ kind: InstanceKind, graph: Int64, _ body: @escaping @Sendable () async throws -> (Result, endpoints: [String])
  ) async throws -> Result {
    let name = "\(kind.rawValue)-\(graph)"
    let object = "instance/\(id)/\(name)"
    _ = try refusing { try $0.request(name, kind: kind, graph: String(graph), at: .now) }
    broken.withLock { _ = $0.remove(name) }
    do {
      try await waitForResources(name, kind)
      _ = event(name) { machine in
        _ = machine.granted(at: .now)
        return machine.allocated(at: .now)
      }
      try await journal.commit("start an instance", by: principal.description, on: object, [put(name, kind, graph)])
      platform_failpoint("instance-journaled")
      let task = Task { try await body() }
      starts.withLock { $0[name] = { task.cancel() } }
      defer { _ = starts.withLock { $0.removeValue(forKey: name) } }
      let (result, endpoints) = try await withTaskCancellationHandler {
        try await task.value
      } onCancel: {
        task.cancel()
      }
      _ = event(name) { $0.becameReady() }
      try await journal.commit(
        "note that an instance is ready", by: principal.description, on: object, [put(name, kind, graph, endpoints)])
      journal.event(object, "Ready", "it answers at \(endpoints.joined(separator: ", "))")
      return result
    } catch {
      _ = event(name) { $0.broke(at: .now) }
      await forget(name, "Failed", "\(error)", level: .error)
      throw error
    }
  }

  /// Stops an instance; one that is not there is no error.
  private func stop(_ kind: InstanceKind, graph: Int64, _ body: () async throws -> Void) async throws {
    let name = "\(kind.rawValue)-\(graph)"
    _ = event(name) { machine in
      _ = machine.stop(at: .now)
      return machine.drained(at: .now)
    }
    try await body()
    let isBroken = broken.withLock { $0.remove(name) != nil }
    if isBroken || composition.withLock({ $0.instance(name) }) != nil {
      await forget(name, "Stopped", "closed by its client")
    }
  }

  /// A process of an instance ended unasked. What is left of it is ended too; its record stays, with the cause, until the
  /// instance is closed or opened again.
  func broke(
    _ kind: InstanceKind, _ graph: Int64, _ failure: EngineError, _ end: (Int64) async throws -> Void
  ) async {
    let name = "\(kind.rawValue)-\(graph)"
    let wasServing = composition.withLock { composition in
      guard composition.instance(name)?.phase.serves == true else { return false }
      _ = composition.handle(name, at: .now) { $0.broke(at: .now) }
      return true
    }
    // Somebody who stops it ends its processes, too.
    guard wasServing else { return }
    logger.warning("an instance has ended", metadata: ["instance": "\(name)", "error": "\(failure)"])
    try? await end(graph)
    var document = document(name, kind, graph, phase: .failed)
    document.setCondition(
      "Ready", false, reason: "Broken", message: "\(failure)", nowMilliseconds: nowMilliseconds())
    let object = "instance/\(id)/\(name)"
    journal.event(object, "Broken", "\(failure)", level: .error)
    do {
      // Its client may have closed it meanwhile: then nothing is to be told any more.
      try await journal.commit(
        "note that an instance broke", by: "coordinator", on: object,
        conditions: [.present(ObjectKind.instance.key("\(id)/\(name)"))], [Journal.put(document)])
      broken.withLock { _ = $0.insert(name) }
    } catch {
      logger.error("cannot note that an instance broke", metadata: ["instance": "\(name)", "error": "\(error)"])
    }
    // One of the same name that was opened meanwhile is another one.
    if composition.withLock({ $0.instance(name)?.phase }) == .stopping { ended(name) }
    log.error("The \(kind.rawValue) instance of graph \(graph) has ended: \(failure)")
  }

  /// No process of an instance is left, and others may have what it took.
  private func ended(_ name: String) {
    _ = event(name) { $0.ended() }
    desk.leave("instance/\(id)/\(name)")
    composition.withLock { try? $0.forget(name) }
  }

  /// Asks for what an instance takes and waits for it; the session's user is told how long that may be.
  private func waitForResources(_ name: String, _ kind: InstanceKind) async throws {
    var slot = Resources.zero
    if kind == .interactive { slot.interactiveSlots = 1 } else { slot.learningSlots = 1 }
    let request = ResourceRequest(
      owner: "instance/\(id)/\(name)", tenant: tenant, members: [.init(slot)], placement: .local(hostsOfData))
    let (granted, source) = AsyncStream.makeStream(of: Void.self)
    let waiter = ResourceDesk.Waiter(
      granted: { _ in source.finish() }, told: { [log] report in log.info("\(name) waits: \(report.text)") })
    do throws(SchedulingError) {
      if try desk.submit(request, waiter) != nil { return }
      if let report = desk.tell(request.owner) { log.info("\(name) waits: \(report.text)") }
    } catch {
      metrics.add(.refusedRequests)
      throw CoordinatorError(.limitReached, error.description.withoutFullStop)
    }
    starts.withLock { $0[name] = { source.finish() } }
    defer { _ = starts.withLock { $0.removeValue(forKey: name) } }
    for await _ in granted {}
    guard desk.allocation(of: request.owner) != nil else { throw CancellationError() }
  }

  /// How much of the session's data is on which host: what serves a graph is best where its files are.
  private var hostsOfData: [String: Int64] {
    let hosts = desk.allocation(of: object).map { Set($0.placements.map(\.host)) } ?? []
    let bytes = max(1, storage.taken.diskBytes / Int64(max(1, hosts.count)))
    return Dictionary(uniqueKeysWithValues: hosts.map { ($0, bytes) })
  }

  /// Nothing of the instance is left.
  private func forget(_ name: String, _ reason: String, _ message: String, level: LogRecord.Level = .info) async {
    ended(name)
    let object = "instance/\(id)/\(name)"
    journal.event(object, reason, message, level: level)
    do {
      try await journal.commit(
        "forget an instance", by: principal.description, on: object, [.delete(ObjectKind.instance.key("\(id)/\(name)"))]
      )
    } catch {
      logger.error("cannot forget an instance", metadata: ["instance": "\(name)", "error": "\(error)"])
    }
  }

  /// Gives up starts that take too long or that nobody wants any more.
  func cutOff(_ effects: [SessionComposition.Effect]) {
    for case .instance(let name, let action) in effects where action == .stop || action == .kill {
      starts.withLock { $0[name] }?()
    }
  }

  /// Gives up everything that is being started.
  func cancelStarts() {
    for cancel in starts.withLock({ Array($0.values) }) { cancel() }
  }

  /// Everything of all instances has ended.
  func endedAll() {
    composition.withLock { composition in
      for name in composition.instances {
        desk.leave("instance/\(id)/\(name)")
        _ = composition.handle(name, at: .now) { machine in
          _ = machine.stop(at: .now)
          _ = machine.drained(at: .now)
          return machine.ended()
        }
      }
    }
  }

  // MARK: The machines

  private func event(
    _ name: String, _ event: (inout InstanceLifecycle) -> InstanceLifecycle.Action
  ) -> [SessionComposition.Effect] {
    composition.withLock { $0.handle(name, at: .now, event) }
  }

  /// Asks the machines for something that they may refuse.
  func refusing<R: Sendable>(
    _ body: (inout SessionComposition) throws -> R
  ) throws(CoordinatorError) -> R {
    do { return try composition.withLock { try body(&$0) } } catch {
      switch error as? SessionRefusal {
      case .closing: throw CoordinatorError(.sessionClosing, "session '\(id)' is being closed. Connect again")
      case .tooManyGraphs, .tooManyInstances: throw CoordinatorError(.limitReached, "\(error)")
      default: throw CoordinatorError(.invalidArgument, "\(error)")
      }
    }
  }

  private func put(_ name: String, _ kind: InstanceKind, _ graph: Int64, _ endpoints: [String] = []) -> StateChange {
    let phase = composition.withLock { $0.instance(name)?.phase } ?? .failed
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

extension SessionComposition {
  /// A session whose analytical engine waits for resources.
  static func opening(lease: Duration?, at now: ContinuousClock.Instant) -> SessionComposition {
    var composition = SessionComposition(lease: lease, at: now)
    // A new session refuses nothing.
    _ = try? composition.request(analyticalInstance, kind: .analytical, at: now)
    return composition
  }

  /// A session of an earlier process, whose analytical engine is to be found again.
  static func recovering(
    lease: Duration?, graphs: some Sequence<Int64>, waits: Bool, at now: ContinuousClock.Instant
  ) -> SessionComposition {
    let analytical = Recorded(
      name: analyticalInstance, kind: .analytical, graph: nil,
      record: .init(phase: waits ? .queued : .ready, isFailure: false))
    return recovered(
      lease: lease, isClosing: false, graphs: Set(graphs.map { String($0) }), instances: [analytical], at: now
    ).session
  }

  /// The resources of the analytical engine were granted: it is being started.
  mutating func analyticalWasGranted() {
    _ = handle(analyticalInstance, at: .now) { machine in
      _ = machine.granted(at: .now)
      return machine.allocated(at: .now)
    }
  }

  /// The analytical engine takes work.
  mutating func analyticalBecameReady() {
    _ = handle(analyticalInstance, at: .now) { $0.becameReady() }
  }

  /// The analytical engine, which has no step, died, and another one is to take its place.
  mutating func analyticalDied() {
    _ = handle(analyticalInstance, at: .now) { $0.broke(at: .now) }
    _ = handle(analyticalInstance, at: .now) { $0.ended() }
    try? forget(analyticalInstance)
    _ = try? request(analyticalInstance, kind: .analytical, at: .now)
  }

  /// The analytical engine, which has no step, gave way to others and waits again.
  mutating func analyticalGaveWay() {
    _ = handle(analyticalInstance, at: .now) { $0.stop(at: .now) }
    _ = handle(analyticalInstance, at: .now) { $0.ended() }
    try? forget(analyticalInstance)
    _ = try? request(analyticalInstance, kind: .analytical, at: .now)
  }
}
