import Access
import CPlatform
import ControlPlane
import Engines
import LogStore
import Logging
import Objects
import Scheduling
import StateStore
import Synchronization

extension Coordinator {
  /// The result of a recovery.
  public struct RecoverySummary: Sendable, Equatable {
    /// The number of recovered sessions.
    public var sessions = 0
    /// The number of steps that were running when the earlier process ended.
    public var interruptedSteps = 0
    /// The number of objects that could not be recovered.
    public var lostObjects = 0
    /// The number of sessions that were being opened or closed.
    public var closedSessions = 0
    /// The number of sessions that cannot be recovered at present. They are kept, and recovery is retried.
    public var heldSessions = 0
    /// The number of entries added to `lost+found`, which the state store does not name.
    public var setAside = 0

    /// Creates a summary; by default, of an empty state store.
    public init(
      sessions: Int = 0, interruptedSteps: Int = 0, lostObjects: Int = 0, closedSessions: Int = 0,
      heldSessions: Int = 0, setAside: Int = 0
    ) {
      self.sessions = sessions
      self.interruptedSteps = interruptedSteps
      self.lostObjects = lostObjects
      self.closedSessions = closedSessions
      self.heldSessions = heldSessions
      self.setAside = setAside
    }
  }

  /// Recovers the sessions of an earlier process with their graphs and results. They are detached until their clients are heard
  /// again, with a full lease. Steps that were running are recorded as interrupted. A session that cannot be recovered is kept,
  /// and recovery is retried; files that belong to no session are set aside. Call this once; clients must not call before `known`
  /// is called.
  ///
  /// A recovered session is one that waits for its grant. The resources of holders are booked first, then the waiting sessions
  /// wait again. Then engines are started: those in this process before this returns; those with processes of their own
  /// by `run`, several at a time. The summary does not include the sessions of the latter.
  /// - Parameter known: Called when all sessions are known and their resources are booked: clients may call from then on.
  /// - Throws: `CoordinatorError` if the state store cannot be read.
  public func recover(known: () -> Void = {}) async throws(CoordinatorError) -> RecoverySummary {
    try await recoverChildren()
    try await recoverPublished()
    let (remains, unreadable) = try await readRemains()
    var summary = RecoverySummary(heldSessions: unreadable.count)
    var returning: [(session: Session, comingBack: ComingBack)] = []
    // Book the resources of all holders before any waiting request can be granted.
    let holders = remains.filter { $0.session.document.waiting == nil }
    let waiters = remains.filter { $0.session.document.waiting != nil }
    for remain in holders + waiters {
      if isToBeForgotten(remain) {
        await finishClosing(remain)
        summary.closedSessions += 1
        platform_failpoint("recovery-session-done")
      } else if let session = restore(remain) {
        let comingBack = ComingBack(remain)
        // A failure recurs, and is reported, when the session is recovered.
        try? openDirectory(of: session, comingBack)
        returning.append((session, comingBack))
      } else {
        summary.heldSessions += 1
      }
    }
    state.withLock { state in
      state.nextSerial = remains.map(\.session.document.spec.serial).max() ?? 0
      for (session, _) in returning { state.addUnconnected(session) }
    }
    setAsideStrangers(known: unreadable.union(remains.map(\.session.document.name)), &summary)
    desk.decide()
    known()
    let isEmbedded = { [factory] (remain: Remains) in
      factory.isEmbedded(
        remain.session.document.spec.request.map { EngineSize($0) } ?? EngineSize(hosts: [ClusterPlan.ownHost]))
    }
    let startedLater = returning.filter { !isEmbedded($0.comingBack.remain) }
    errands.begin { [self] in await start(startedLater) }
    for (session, comingBack) in returning where isEmbedded(comingBack.remain) {
      summary += await bringBackOrHold(session, comingBack)
    }
    pruneLostAndFound()
    return summary
  }

  /// The number of sessions with processes of their own that are started at a time.
  private static let startsAtOnce = 4

  /// Recovers sessions with processes of their own while clients are already served. Engines that no session has requested yet
  /// are started last.
  private func start(_ returning: [(session: Session, comingBack: ComingBack)]) async {
    let summary = await bringBack(returning)
    if summary != RecoverySummary() {
      logger.notice(
        "started the engines of \(summary.sessions) recovered sessions",
        metadata: [
          "interrupted_steps": "\(summary.interruptedSteps)", "lost_objects": "\(summary.lostObjects)",
          "held_sessions": "\(summary.heldSessions)", "set_aside": "\(summary.setAside)",
        ])
    }
    guard !isShuttingDown else { return }
    factory.begin { [children] in SessionChildren(ahead: $0, children) }
  }

  /// Recovers sessions, several at a time.
  private func bringBack(_ returning: [(session: Session, comingBack: ComingBack)]) async -> RecoverySummary {
    await withTaskGroup { group in
      var summary = RecoverySummary()
      var rest = returning[...]
      for (session, comingBack) in rest.prefix(Self.startsAtOnce) {
        group.addTask { await self.bringBackOrHold(session, comingBack) }
      }
      rest = rest.dropFirst(Self.startsAtOnce)
      for await part in group {
        summary += part
        if let (session, comingBack) = rest.popFirst() {
          group.addTask { await self.bringBackOrHold(session, comingBack) }
        }
      }
      return summary
    }
  }

  /// Whether a session was being closed, or its id was never sent to a client and it is empty.
  private func isToBeForgotten(_ remain: Remains) -> Bool {
    let document = remain.session.document
    guard !document.wasOpen else { return false }
    let phase = SessionLifecycle.Phase(rawValue: document.status.phase)
    return phase == .closing || phase == .closed || (remain.objects.isEmpty && remain.damagedObjects.isEmpty)
  }

  private func bringBackOrHold(_ session: Session, _ comingBack: ComingBack) async -> RecoverySummary {
    defer { platform_failpoint("recovery-session-done") }
    do {
      return try await session.tasks.starting {
        // Its client may have closed it already, or this process is ending.
        guard session.isOpen, !session.tasks.isOver else { return RecoverySummary() }
        return try await self.comeBack(session, comingBack)
      }
    } catch {
      // The code that closes the session or puts it aside reports that.
      guard session.isOpen, !session.tasks.isOver else { return RecoverySummary() }
      await hold(session, comingBack, error)
      return RecoverySummary(heldSessions: 1)
    }
  }

  /// Creates the session without engines, with its resources booked; returns nil if that is impossible.
  private func restore(_ remain: Remains) -> Session? {
    let (document, revision) = remain.session
    let now = clock.now
    let request = document.spec.request ?? demand(of: document.tenant ?? defaultTenant, for: .session(document.name))
    let graphs = remain.objects.compactMap { object -> (String, String)? in
      guard case .graph(let key) = object.document.handle, let number = object.document.graph else { return nil }
      return (key, String(number))
    }
    let record = SessionControl.Record(
      lease: document.spec.leaseMilliseconds.map { .milliseconds($0) }, isClosing: false,
      graphs: Dictionary(graphs) { $1 },
      instances: [
        .init(
          recorded: .init(
            name: analyticalInstance, kind: .analytical, graph: nil, record: .init(phase: .queued, isFailure: false)),
          request: request)
      ])
    let (control, effects) = SessionControl.recovered(record, timeouts: controlTimeouts, at: now)
    do {
      let session = try makeSession(document, revision: revision, control)
      session.awaitFiles()
      for (number, object) in remain.objects { session.restore(object, number) }
      session.stepNumber.store(remain.steps.compactMap(\.number).max() ?? 0, ordering: .relaxed)
      try book(session, request)
      desk.add(session, recovered: record, effects, at: now)
      return session
    } catch {
      logger.error(
        "a session cannot be recovered; its files are kept",
        metadata: ["session": "\(document.name)", "error": "\(error)"])
      journal.event(
        .session(document.name), ObjectCondition.Reason.recoveryFailed.rawValue,
        "the session's files are kept: \(error)",
        level: .error)
      return nil
    }
  }

  /// Books the resources that a session held; if it was waiting, or they are no longer available, it waits.
  func book(_ session: Session, _ request: ResourceRequest) throws(SchedulingError) {
    if let allocation = session.storedDocument.status.allocation {
      do throws(SchedulingError) { return try desk.restore(allocation, of: request) } catch {
        logger.warning(
          "the resources of a session are no longer available; it waits for others",
          metadata: ["session": "\(session.id)", "error": "\(error)"])
      }
    }
    try desk.restore(waiting: request)
  }

  /// Ends a session that was being opened or closed.
  private func finishClosing(_ remain: Remains) async {
    await erase(
      remain.session.document.name, objects: remain.objects.map(\.number) + remain.damagedObjects,
      steps: remain.steps.compactMap(\.number), instances: remain.instances, by: "coordinator", .interrupted)
  }

  // MARK: Files of no session

  /// Sets aside entries of the sessions' directory that the state store does not name.
  private func setAsideStrangers(known: Set<String>, _ summary: inout RecoverySummary) {
    let lostAndFound = LostAndFound(workspace: workspace.path)
    let reason = "the state store does not name this session"
    do {
      for name in try workspace.sessionNames() where !known.contains(name) {
        guard !workspace.removeSessionDirectoryIfEmpty(name) else { continue }
        do throws(CoordinatorError) {
          let entry = try lostAndFound.setAsideSession(name, reason)
          summary.setAside += 1
          logger.warning(
            "set aside a session that the state store does not name; `gscoordinator state lost` lists it",
            metadata: ["session": "\(name)", "to": "lost+found/\(entry.name)"])
          journal.event(
            .session(name), "SetAside", "\(reason): its files are in lost+found/\(entry.name)", level: .warning)
        } catch {
          logger.error(
            "cannot set aside the files of a session; they stay in place",
            metadata: ["session": "\(name)", "error": "\(error)"])
        }
      }
    } catch {
      logger.error("cannot search for files that belong to no session", metadata: ["error": "\(error)"])
    }
  }

  private func pruneLostAndFound() {
    do {
      let removed = try LostAndFound(workspace: workspace.path).prune(
        olderThan: limits.lostAndFoundAge, beyond: limits.lostAndFoundEntries)
      for entry in removed {
        logger.notice(
          "removed files from lost+found: their retention time has passed, or there were too many",
          metadata: ["session": "\(entry.session)", "was": "\(entry.name)"])
        journal.event(.session(entry.session), "LostAndFoundExpired", "lost+found/\(entry.name) was removed")
      }
    } catch {
      logger.error("cannot remove old entries of lost+found", metadata: ["error": "\(error)"])
    }
  }
}

extension Coordinator.RecoverySummary {
  static func += (a: inout Self, b: Self) {
    a.sessions += b.sessions
    a.interruptedSteps += b.interruptedSteps
    a.lostObjects += b.lostObjects
    a.closedSessions += b.closedSessions
    a.heldSessions += b.heldSessions
    a.setAside += b.setAside
  }
}

extension Session {
  /// Recovers an object of an earlier process.
  func restore(_ object: ObjectDocument, _ number: Int) {
    registry.withLock {
      $0.restore(object.handle, for: object.operation, number: number, object.origin ?? ObjectOrigin())
    }
    if case .graph(let key) = object.handle, let graph = object.graph, graphNumbers[key] == nil {
      perform(tell(.graphMade(key: key, name: String(graph))))
    }
    countGraphs()
  }
}
