import CPlatform
import Cluster
import Engines
import Synchronization

extension Coordinator {
  /// Opens a session: with its engines, if its resources are free; else its engines are started when they are, and steps
  /// wait for that.
  func open(
    _ id: String, _ caller: Caller, _ request: ConnectRequest, serial: UInt64
  ) async throws -> Session {
    let (owner, tenant) = ("session/\(id)", caller.identity.tenant)
    let demand = demand(of: tenant, for: owner)
    let latch = GrantLatch()
    let allocation: Allocation?
    do throws(SchedulingError) { allocation = try desk.submit(demand, waiter(for: id, latch)) } catch {
      metrics.add(.refusedRequests)
      throw CoordinatorError(.limitReached, error.description.withoutFullStop)
    }
    var document = SessionDocument(
      kind: .session, name: id, owner: caller.principal.description, tenant: tenant,
      createdMilliseconds: nowMilliseconds(),
      spec: SessionSpec(
        clientVersion: request.version, leaseMilliseconds: request.lease?.wholeMilliseconds, serial: serial,
        request: demand),
      status: SessionStatus(
        phase: SessionLifecycle.Phase.connected.rawValue, hosts: [], workers: demand.members.count,
        allocation: allocation
      ))
    if allocation == nil { document.noteWaiting("Queued", desk.waiting(owner)?.text ?? "it waits for resources") }
    do {
      let revision = try await journal.commit(
        "open a session", by: document.owner, on: owner, [Journal.put(document)])
      platform_failpoint("session-journaled")
      let session = try makeSession(
        document, revision: revision, .opening(lease: request.lease, at: clock.now),
        directory: try workspace.makeSessionDirectory(id))
      if let allocation {
        // In a task of its own: callers run on a connection's event loop, which is no place to start processes.
        try await Task { try await startEngines(of: session, on: allocation) }.value
      } else {
        tellWaiting(session)
      }
      latch.open { [weak self] in self?.beginStart(of: session, on: $0) }
      return session
    } catch {
      desk.leave(owner)
      await undo(id, after: error)
      throw error
    }
  }

  /// What a session asks for. Embedded engines run on this host, and only those can give way and be found again.
  func demand(of tenant: String, for owner: String) -> ResourceRequest {
    var demand = desk.plan.request(owner: owner, tenant: tenant, isLocal: false)
    if factory.isEmbedded(EngineSize(demand)) {
      return desk.plan.request(owner: owner, tenant: tenant, isLocal: true)
    }
    demand.isPreemptible = false
    return demand
  }

  /// A session object; nobody can use it yet.
  func makeSession(
    _ document: SessionDocument, revision: Revision, _ composition: SessionComposition, directory: String
  ) throws -> Session {
    let owner = "session/\(document.name)"
    return Session(
      document, revision: revision, composition: composition, directory: directory,
      planned: factory.plannedDescription(
        document.spec.request.map { EngineSize($0) }
          ?? EngineSize(hosts: Array(repeating: ClusterPlan.ownHost, count: max(1, document.status.workers)))),
      storage: SessionStorage(owner: owner, desk: desk, metrics: metrics), journal: journal,
      log: SessionLog(store: logs, session: document.name), logger: logger)
  }

  /// What the desk tells of a session that waits.
  func waiter(for id: String, _ latch: GrantLatch) -> ResourceDesk.Waiter {
    ResourceDesk.Waiter(
      granted: { latch.grant($0) },
      told: { [weak self] report in
        guard let self, let session = state.withLock({ $0.sessions[id] }) else { return }
        Task { await self.tell(session, report) }
      })
  }

  /// Removes what an opening that failed left behind.
  private func undo(_ id: String, after error: any Error) async {
    journal.event("session/\(id)", "OpeningFailed", "\(error)", level: .error)
    do {
      try workspace.removeSessionDirectory(id)
      try await journal.commit(
        "give up a session", by: "coordinator", on: "session/\(id)",
        [.delete("sessions/\(id)"), .delete(ObjectKind.instance.key("\(id)/\(analyticalInstance)"))])
    } catch {
      logger.error("cannot undo the opening of a session", metadata: ["session": "\(id)", "error": "\(error)"])
    }
  }

  // MARK: Engines

  /// Makes the engines of a session whose resources were granted, and finds the objects again that it had before.
  func startEngines(of session: Session, on allocation: Allocation) async throws {
    session.composition.withLock { $0.analyticalWasGranted() }
    let engines = try await factory.makeEngines(
      EngineRequest(
        session: session.id, workspace: session.directory, size: EngineSize(allocation),
        storage: session.storage, children: SessionChildren(session: session.id, children)))
    platform_failpoint("session-engines-made")
    do {
      session.storage.chargeAgain()
      let handles = session.registry.withLock { $0.handles }
      let lost = handles.isEmpty ? [] : try await engines.analytical.recover(handles)
      try await session.forget(lost)
      session.composition.withLock { $0.analyticalBecameReady() }
      try await noteReady(session, engines, allocation, lost.count)
      platform_failpoint("session-opened")
      guard session.gate.open(engines) else { throw CancellationError() }
      watch(engines, of: session)
    } catch {
      await engines.analytical.suspend()
      throw error
    }
  }

  private func noteReady(
    _ session: Session, _ engines: SessionEngines, _ allocation: Allocation, _ lostCount: Int
  ) async throws(CoordinatorError) {
    var document = session.storedDocument
    let description = engines.analytical.description
    (document.status.hosts, document.status.workers) = (description.hosts, description.workerCount)
    document.status.allocation = allocation
    document.setCondition(
      "Ready", true, reason: "EnginesReady", message: "its engines take work", nowMilliseconds: nowMilliseconds())
    if lostCount > 0 || document.condition("Intact")?.reason == "EnginesDied" {
      document.setCondition(
        "Intact", lostCount == 0, reason: lostCount == 0 ? "Restarted" : "ObjectsLost",
        message: "\(lostCount) objects were lost with the engines that had them; the session's log names them",
        nowMilliseconds: nowMilliseconds())
    }
    if let choice = engines.choice {
      document.setCondition(
        "Engine", true, reason: choice.engine, message: choice.reason, nowMilliseconds: nowMilliseconds())
    }
    let instance = InstanceDocument(
      kind: .instance, name: "\(session.id)/\(analyticalInstance)", owner: document.owner, tenant: document.tenant,
      createdMilliseconds: nowMilliseconds(),
      spec: InstanceSpec(session: session.id, kind: InstanceKind.analytical.rawValue),
      status: InstanceStatus(phase: InstanceLifecycle.Phase.ready.rawValue, endpoints: []))
    let revision = try await journal.commit(
      "start the engines of a session", by: document.owner, on: session.object,
      conditions: [.present(ObjectKind.session.key(session.id))], [Journal.put(document), Journal.put(instance)])
    session.wrote(document, revision: revision)
  }

  /// The resources of a session that waited were granted.
  func beginStart(of session: Session, on allocation: Allocation) {
    let start = Task {
      do {
        try await startEngines(of: session, on: allocation)
        session.log.info("The resources are there: the session goes on.")
        journal.event(session.object, "Granted", "its resources were granted on \(allocation.hostsText)")
      } catch {
        _ = session.gate.fail(error)
        desk.leave(session.object)
        guard session.phase == .connected || session.phase == .detached else { return }
        journal.event(session.object, "StartFailed", "\(error)", level: .error)
        session.log.error("The engines of this session could not be started: \(error). Open a new session.")
      }
    }
    session.starting.withLock { $0 = start }
  }
}

/// Holds a grant that comes before anybody is ready for it.
final class GrantLatch: Sendable {
  private enum State {
    case closed(Allocation?)
    case open(@Sendable (Allocation) -> Void)
  }

  private let state = Mutex(State.closed(nil))

  /// Something was granted.
  func grant(_ allocation: Allocation) {
    let body: (@Sendable (Allocation) -> Void)? = state.withLock { state in
      switch state {
      case .closed:
        state = .closed(allocation)
        return nil
      case .open(let body): return body
      }
    }
    body?(allocation)
  }

  /// Passes grants on from now on, beginning with the one that came already.
  func open(_ body: @escaping @Sendable (Allocation) -> Void) {
    let early: Allocation? = state.withLock { state in
      defer { state = .open(body) }
      if case .closed(let allocation) = state { return allocation }
      return nil
    }
    if let early { body(early) }
  }
}

extension Allocation {
  /// The hosts, for people.
  var hostsText: String { Set(placements.map(\.host)).sorted().joined(separator: ", ") }
}

extension ClusterPlan {
  /// This host, with as much room as it has, for everybody alike.
  public static func ownHostAlone(
    sessions: Int = 10_000, cpuMillicores: Int64? = nil, memoryBytes: Int64? = nil
  ) -> ClusterPlan {
    ClusterPlan(hosts: [
      Host(
        name: ownHost,
        capacity: Resources(
          cpuMillicores: cpuMillicores ?? Int64(hostProcessors()) * 1000, memoryBytes: memoryBytes ?? hostMemory(),
          analyticalSlots: Int64(sessions), interactiveSlots: 256, learningSlots: 256))
    ])
  }
}
