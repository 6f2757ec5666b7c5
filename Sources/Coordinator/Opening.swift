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

extension Coordinator {
  /// Opens a session. If its resources are free, starts its engines first; otherwise they are started when the resources are
  /// granted, and steps wait for that. The session is not visible to clients yet.
  func open(
    _ id: String, _ caller: Caller, _ request: ConnectRequest, serial: UInt64, client: String
  ) async throws -> Session {
    let owner = ObjectReference.session(id)
    let demand = demand(of: caller.identity.tenant, for: owner)
    var document = SessionDocument(
      kind: .session, name: id, owner: caller.principal.description, tenant: caller.identity.tenant,
      createdMilliseconds: nowMilliseconds(),
      spec: SessionSpec(
        clientVersion: request.version, leaseMilliseconds: request.lease?.wholeMilliseconds, serial: serial,
        request: demand),
      status: SessionStatus(
        phase: SessionLifecycle.Phase.connected.rawValue, hosts: [], workers: demand.members.count, client: client))
    let now = clock.now
    let session = try makeSession(
      document, revision: 0, SessionControl(lease: request.lease, timeouts: controlTimeouts, at: now))
    desk.add(session, lease: request.lease, at: now)
    let asked = desk.handle(
      .request(analyticalInstance, kind: .analytical, graph: nil, demand), of: session)
    if let refusal = asked.refusal {
      metrics.add(.refusedRequests)
      forget(session)
      throw CoordinatorError(.limitReached, refusal.description.withoutFullStop)
    }
    session.perform(asked.effects)
    document.status.allocation = desk.allocation(of: owner)
    if document.status.allocation == nil {
      document.noteWaiting(.queued, desk.waiting(owner)?.text ?? "the session is waiting for resources")
    }
    do {
      let revision = try await journal.commit(
        "open a session", by: document.owner, on: owner, [Journal.put(document)])
      platform_failpoint("session-journaled")
      _ = try workspace.makeSessionDirectory(id)
      session.wrote(document, revision: revision)
      if session.handle(.setUp).contains(.instance(analyticalInstance, .start)) {
        // Use a separate task: callers run on the event loop of a connection, which must not start processes.
        try await session.tasks.starting { try await self.startEngines(of: session) }
      } else {
        tellWaiting(session)
      }
      return session
    } catch {
      forget(session)
      await undo(id, after: error)
      throw error
    }
  }

  /// Removes a session whose opening failed from control.
  private func forget(_ session: Session) {
    for event in [SessionControl.Event.close, .allEnded] { session.perform(session.handle(event)) }
    desk.remove(session)
    journal.shares.close(session.id)
  }

  /// Returns the request for a session's resources. Embedded engines run on this host, and only they can be preempted and
  /// recovered.
  func demand(of tenant: String, for owner: ObjectReference) -> ResourceRequest {
    var demand = desk.plan.request(owner: owner, tenant: tenant, isLocal: false)
    if factory.isEmbedded(EngineSize(demand)) {
      return desk.plan.request(owner: owner, tenant: tenant, isLocal: true)
    }
    demand.isPreemptible = false
    return demand
  }

  /// Creates a session, which is not usable yet.
  func makeSession(_ document: SessionDocument, revision: Revision, _ control: SessionControl) throws -> Session {
    Session(
      document, revision: revision, control: control, directory: workspace.sessionDirectory(document.name),
      planned: factory.plannedDescription(
        document.spec.request.map { EngineSize($0) }
          ?? EngineSize(hosts: Array(repeating: ClusterPlan.ownHost, count: max(1, document.status.workers)))),
      storage: SessionStorage(owner: .session(document.name), desk: desk, metrics: metrics),
      waitingSteps: limits.waitingSteps, journal: journal, errands: errands,
      log: SessionLog(store: logs, session: document.name, display: display), logger: logger)
  }

  /// Removes what a failed opening left behind.
  private func undo(_ id: String, after error: any Error) async {
    journal.event(.session(id), "OpeningFailed", "\(error)", level: .error)
    do {
      try workspace.removeSessionDirectory(id)
      try await journal.commit(
        "delete a session that failed to open", by: "coordinator", on: ObjectReference.session(id),
        [.delete(ObjectKind.session.key(id)), .delete(ObjectKind.instance.key("\(id)/\(analyticalInstance)"))])
    } catch {
      logger.error("cannot undo the opening of a session", metadata: ["session": "\(id)", "error": "\(error)"])
    }
  }

  // MARK: Engines

  /// Starts the engines of a session on its granted resources, and recovers its earlier objects: when it is opened, after it was
  /// preempted, after its engines died, and after a restart of the coordinator.
  /// - Parameter comingBack: The recovered data of a session of an earlier process.
  /// - Throws: `EngineError`, also if the control plane gave up the start; `CancellationError` if the session is closing.
  func startEngines(of session: Session, comingBack: ComingBack? = nil) async throws {
    do { try await makeEngines(of: session, comingBack) } catch {
      guard session.isOpen, session.phase(of: analyticalInstance) == .stopping else { throw error }
      throw EngineError(
        .engineFailure, "the session's engines did not start within \(controlTimeouts.start.components.seconds) s",
        evidence: error is CancellationError ? "" : "\(error)")
    }
  }

  private func makeEngines(of session: Session, _ comingBack: ComingBack?) async throws {
    // A closing session holds nothing any more.
    guard let allocation = desk.allocation(of: session.object) else { throw CancellationError() }
    let engines = try await factory.makeEngines(try engineRequest(for: session, on: allocation))
    platform_failpoint("session-engines-made")
    do {
      session.storage.chargeAgain()
      let handles = session.registry.withLock { $0.handles }
      let lost =
        handles.isEmpty && comingBack == nil ? [] : try await engines.analytical.recover(handles)
      if let comingBack {
        try await note(comingBack, of: session, engines.analytical, lost, allocation)
      } else {
        try await session.forget(lost)
        try await noteReady(session, engines, allocation, lost.count)
      }
      let ready = session.handle(.instance(analyticalInstance, .becameReady))
      platform_failpoint("session-opened")
      // Otherwise it is closing.
      guard ready.contains(.instance(analyticalInstance, .report)), session.gate.open(engines) else {
        throw CancellationError()
      }
      watch(engines, of: session)
      session.perform(ready)
    } catch {
      await engines.queries.closeAll()
      await engines.learning.closeAll()
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
      .ready, true, reason: .enginesReady, message: "the engines accept work", nowMilliseconds: nowMilliseconds())
    if lostCount > 0 || document.condition(.intact)?.reason == .known(.enginesDied) {
      document.setCondition(
        .intact, .init(lostCount == 0), reason: lostCount == 0 ? .restarted : .objectsLost,
        message: "\(lostCount) objects were lost with the engines that held them; the session's log names them",
        nowMilliseconds: nowMilliseconds())
    }
    if let choice = engines.choice {
      session.log.info("This session uses the \(choice.engine) engines: \(choice.reason).")
      document.setCondition(
        .known(.engine), true, reason: .other(choice.engine), message: choice.reason, nowMilliseconds: nowMilliseconds()
      )
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

  /// Starts the engines of a session that waited, after its resources were granted.
  func beginStart(of session: Session) {
    session.tasks.start(
      Task {
        do {
          try await startEngines(of: session)
          let hosts = desk.allocation(of: session.object)?.hostsText ?? ""
          session.log.info("Resources were granted, and the engines have started.")
          journal.event(session.object, "Granted", "resources were granted on \(hosts)")
        } catch {
          // The code that closes the session or puts it aside reports that.
          guard session.isOpen, !session.tasks.isOver else { return }
          _ = session.gate.fail(error)
          session.perform(session.handle(.instance(analyticalInstance, .ended)))
          journal.event(session.object, "StartFailed", "\(error)", level: .error)
          session.log.error("The engines of this session could not be started: \(error). Open a new session.")
        }
      })
  }
}

extension Allocation {
  /// The names of the hosts, for people.
  var hostsText: String { Set(placements.map(\.host)).sorted().joined(separator: ", ") }
}

extension ClusterPlan {
  /// Returns a plan with this host at its full capacity and equal policies for all tenants.
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
