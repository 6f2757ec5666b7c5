import CPlatform
import Cluster
import Engines
import Synchronization

extension Coordinator {
  /// What a recovery found.
  public struct RecoverySummary: Sendable, Equatable {
    /// Sessions that go on.
    public var sessions = 0
    /// Steps that ran when the earlier process ended.
    public var interruptedSteps = 0
    /// Objects of sessions that could not be found again.
    public var lostObjects = 0
    /// Sessions that were being closed, or whose engines could not be started again.
    public var closedSessions = 0

    /// Nothing was found.
    public init(sessions: Int = 0, interruptedSteps: Int = 0, lostObjects: Int = 0, closedSessions: Int = 0) {
      self.sessions = sessions
      self.interruptedSteps = interruptedSteps
      self.lostObjects = lostObjects
      self.closedSessions = closedSessions
    }
  }

  /// What the state store knows of one session.
  private struct Remains {
    var session: (document: SessionDocument, revision: Revision)
    var objects: [(number: Int, document: ObjectDocument)] = []
    var steps: [StepDocument] = []
    /// Names of the instances within the session.
    var instances: [String] = []
  }

  /// Brings back the sessions of an earlier process: with their graphs and results, detached until their clients are heard
  /// again, with a whole lease. Steps that ran are noted as interrupted. What belongs to no session is removed. Call
  /// once, before anybody may connect.
  /// - Throws: `CoordinatorError` when the state store or the workspace cannot be read.
  public func recover() async throws(CoordinatorError) -> RecoverySummary {
    try await recoverChildren()
    try await recoverPublished()
    let remains = try await readRemains()
    var summary = RecoverySummary()
    // Who holds something is booked before anybody who waits can be granted it.
    let holders = remains.filter { !$0.session.document.waitsForResources }
    for remain in holders + remains.filter(\.session.document.waitsForResources) {
      guard remain.session.document.wasOpen else {
        await finishClosing(remain, .interrupted)
        summary.closedSessions += 1
        continue
      }
      do { try await bringBack(remain, &summary) } catch {
        let id = remain.session.document.name
        logger.error("a session cannot go on", metadata: ["session": "\(id)", "error": "\(error)"])
        journal.event("session/\(id)", "RecoveryFailed", "it is closed: \(error)", level: .error)
        desk.leave("session/\(id)")
        await finishClosing(remain, .recoveryFailed)
        summary.closedSessions += 1
      }
      platform_failpoint("recovery-session-done")
    }
    let known = state.withLock { state in
      state.nextSerial = remains.map(\.session.document.spec.serial).max() ?? 0
      return Set(state.sessions.keys)
    }
    try workspace.removeSessionDirectories(except: known)
    factory.begin { [children] in SessionChildren(ahead: $0, children) }
    return summary
  }

  private func readRemains() async throws(CoordinatorError) -> [Remains] {
    let report = { [logger] (key: String, error: any Error) in
      logger.error("an entry of the state store is damaged", metadata: ["key": "\(key)", "error": "\(error)"])
    }
    var remains: [String: Remains] = [:]
    for (entry, document) in try await journal.read("sessions/", as: SessionDocument.self, report: report) {
      remains[document.name] = Remains(session: (document, entry.modified))
    }
    for (entry, document) in try await journal.read("objects/", as: ObjectDocument.self, report: report) {
      let parts = entry.key.split(separator: "/")
      guard parts.count == 3, let number = Int(parts[2]) else { continue }
      remains[String(parts[1])]?.objects.append((number, document))
    }
    for (_, document) in try await journal.read("steps/", as: StepDocument.self, report: report) {
      guard let session = document.name.split(separator: "/").first else { continue }
      remains[String(session)]?.steps.append(document)
    }
    for (_, document) in try await journal.read("instances/", as: InstanceDocument.self, report: report) {
      let parts = document.name.split(separator: "/", maxSplits: 1)
      if parts.count == 2 { remains[String(parts[0])]?.instances.append(String(parts[1])) }
    }
    return remains.values.sorted { $0.session.document.spec.serial < $1.session.document.spec.serial }
  }

  // MARK: One session

  private func bringBack(_ remain: Remains, _ summary: inout RecoverySummary) async throws {
    let id = remain.session.document.name
    let directory = try workspace.makeSessionDirectory(id)
    let latch = GrantLatch()
    let allocation = try rebook(remain.session.document, waiter(for: id, latch))
    let session = try restore(remain, directory: directory, waits: allocation == nil)
    try session.recoverFiles()
    var lost: [LostObject] = []
    if let allocation {
      let engines = try await factory.makeEngines(
        EngineRequest(
          session: id, workspace: directory, size: EngineSize(allocation), storage: session.storage,
          children: SessionChildren(session: id, children)))
      lost = try await engines.analytical.recover(remain.objects.map(\.document.handle))
      session.composition.withLock { $0.analyticalBecameReady() }
      _ = session.gate.open(engines)
      watch(engines, of: session)
    }
    // Queries and sampling run in processes that end with the coordinator.
    let ended = remain.instances.filter { $0 != analyticalInstance }
    let interrupted = remain.steps.filter { $0.status.phase == .running }
    var document = noting(interrupted, lost, in: remain.session.document)
    document.status.allocation = allocation
    if allocation == nil, !document.waitsForResources {
      document.noteWaiting("Queued", "what it held is not there any more; it waits for resources")
    }
    let revision = try await journal.commit(
      "bring back a session", by: "coordinator", on: session.object,
      [Journal.put(document)] + interrupted.map { Journal.put($0.interrupted()) }
        + ended.map { .delete(ObjectKind.instance.key("\(id)/\($0)")) })
    for name in ended {
      journal.event("instance/\(id)/\(name)", "Ended", "it ended with the coordinator; open it again", level: .warning)
    }
    session.wrote(document, revision: revision)
    tell(session, interrupted, lost)
    state.withLock { $0.addUnconnected(session) }
    latch.open { [weak self] in self?.beginStart(of: session, on: $0) }
    summary.sessions += 1
    summary.interruptedSteps += interrupted.count
    summary.lostObjects += lost.count
  }

  /// Books again what a session held; one that waited, or whose place is gone, waits.
  private func rebook(_ document: SessionDocument, _ waiter: ResourceDesk.Waiter) throws -> Allocation? {
    let owner = "session/\(document.name)"
    let request = document.spec.request ?? demand(of: document.tenant ?? defaultTenant, for: owner)
    if let allocation = document.status.allocation {
      do throws(SchedulingError) {
        try desk.restore(allocation, of: request)
        return allocation
      } catch {
        logger.warning("a session's place is gone", metadata: ["session": "\(document.name)", "error": "\(error)"])
      }
    } else if document.spec.request == nil, let allocation = try? desk.submit(request, waiter) {
      return allocation
    }
    try desk.restore(waiting: request, waiter)
    return nil
  }

  private func restore(_ remain: Remains, directory: String, waits: Bool) throws -> Session {
    let (document, revision) = remain.session
    let lease = document.spec.leaseMilliseconds.map { Duration.milliseconds($0) }
    let session = try makeSession(
      document, revision: revision,
      .recovering(lease: lease, graphs: remain.objects.compactMap(\.document.graph), waits: waits, at: clock.now),
      directory: directory)
    session.registry.withLock { registry in
      for (number, object) in remain.objects {
        registry.restore(object.handle, for: object.operation, number: number)
      }
    }
    for (_, object) in remain.objects {
      if case .graph(let key) = object.handle, let graph = object.graph {
        session.graphs.withLock { $0[key] = graph }
      }
    }
    session.storage.setGraphs(session.graphs.withLock { $0.count })
    session.stepNumber.store(remain.steps.compactMap(\.number).max() ?? 0, ordering: .relaxed)
    return session
  }

  private func noting(
    _ interrupted: [StepDocument], _ lost: [LostObject], in document: SessionDocument
  ) -> SessionDocument {
    var document = document
    let now = nowMilliseconds()
    document.status.phase = SessionLifecycle.Phase.detached.rawValue
    document.setCondition(
      "Connected", false, reason: "CoordinatorRestarted", message: "its client was not heard since the restart",
      nowMilliseconds: now)
    document.setCondition(
      "Intact", lost.isEmpty, reason: lost.isEmpty ? "Recovered" : "ObjectsLost",
      message: lost.isEmpty
        ? "everything was found again after a restart of the coordinator"
        : "\(lost.count) objects were lost at a restart of the coordinator; the session's log names them",
      nowMilliseconds: now)
    return document
  }

  private func tell(_ session: Session, _ interrupted: [StepDocument], _ lost: [LostObject]) {
    journal.event(
      session.object, "Recovered",
      "the coordinator was restarted; \(interrupted.count) steps were interrupted, \(lost.count) objects are lost")
    session.log.info("The coordinator was restarted. This session goes on.")
    for step in interrupted {
      session.log.error(StepDocument.interruptionText(step))
      journal.event("step/\(step.name)", "Interrupted", "the coordinator ended while it ran", level: .warning)
    }
    for object in lost { session.log.error("Lost at the restart: \(object.handle): \(object.reason)") }
  }

  /// Ends a session that cannot go on.
  private func finishClosing(_ remain: Remains, _ reason: EndingReason) async {
    let id = remain.session.document.name
    let steps = remain.steps.compactMap(\.number)
    await erase(
      id, objects: remain.objects.map(\.number), steps: steps, instances: remain.instances, by: "coordinator", reason)
  }
}

extension SessionDocument {
  /// Whether its client may know of it and did not close it.
  fileprivate var wasOpen: Bool {
    let phase = SessionLifecycle.Phase(rawValue: status.phase)
    guard phase == .connected || phase == .detached else { return false }
    return condition("Ready")?.holds == true || waitsForResources
  }
}

extension StepDocument {
  /// Its number in the session.
  fileprivate var number: Int? { name.split(separator: "/").last.flatMap { Int($0) } }

  /// The step, ended by the end of the coordinator.
  fileprivate func interrupted() -> StepDocument {
    var step = self
    step.status = StepStatus(
      phase: .interrupted, finishedMilliseconds: nowMilliseconds(),
      failure: .init(operation: "", code: "interrupted", message: Self.interruptionText(self)))
    return step
  }

  /// What the session's user is told of it.
  fileprivate static func interruptionText(_ step: StepDocument) -> String {
    let operations = step.spec.operations.map(\.kind).joined(separator: ", ")
    return "The coordinator ended while a step ran (\(operations)). Nothing of it is left. Run it again."
  }
}
