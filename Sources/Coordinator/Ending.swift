import Access
import CPlatform
import ControlPlane
import Engines
import Logging
import Objects
import StateStore
import Supervision
import Support
import Synchronization

/// The reason for which a session ends.
enum EndingReason: Equatable {
  case closedByClient
  case closedByOperator(String)
  case leaseExpired
  /// Its client disconnected while it was being opened.
  case abandoned
  case shutdown
  /// Its client is gone, it has no objects, and its place is needed.
  case madeRoom
  /// The coordinator ended while it was being opened or closed.
  case interrupted

  /// The reason as one word, for programs.
  var word: ObjectCondition.Reason {
    switch self {
    case .closedByClient, .closedByOperator: .closed
    case .leaseExpired: .leaseExpired
    case .abandoned: .abandoned
    case .shutdown: .shutdown
    case .madeRoom: .madeRoom
    case .interrupted: .interrupted
    }
  }

  /// The reason as a sentence, for people.
  var text: String {
    switch self {
    case .closedByClient: "closed by its client"
    case .closedByOperator(let name): "closed by \(name) through the admin endpoint"
    case .leaseExpired: "its lease expired without a sign of life from its client"
    case .abandoned: "its client disconnected while the session was being opened"
    case .shutdown: "the coordinator is shutting down"
    case .madeRoom: "the limit of open sessions was reached; its client was disconnected, and it had no objects"
    case .interrupted: "the coordinator ended while the session was being opened or closed"
    }
  }

  /// Returns the author to record for the transaction.
  func author(_ session: Session) -> String {
    switch self {
    case .closedByClient: session.principal.description
    case .closedByOperator(let name): name
    case .leaseExpired, .abandoned, .shutdown, .madeRoom, .interrupted: "coordinator"
    }
  }
}

extension Coordinator {
  /// Closes the caller's session and releases everything it holds.
  /// - Throws: `CoordinatorError` of code `unknownSession`.
  public func close(_ id: String, for caller: Caller) async throws(CoordinatorError) {
    let session = try session(id, for: caller)
    let effects = session.handle(.close)
    guard effects.contains(.closing) else { return }
    logger.info("session closed", metadata: ["session": "\(id)"])
    await release(session, effects, .closedByClient)
  }

  /// Closes any session, on behalf of an operator, or of its own principal over another way than its client.
  /// - Throws: `CoordinatorError` of code `unknownSession`.
  public func close(_ id: String, byOperator name: String) async throws(CoordinatorError) {
    guard let session = state.withLock({ $0.sessions[id] }) else {
      throw CoordinatorError(
        .unknownSession,
        "no session '\(id.quotable())' is open. List the open sessions with 'gscoordinator get sessions'")
    }
    let effects = session.handle(.close)
    guard effects.contains(.closing) else { return }
    logger.notice("session closed through the admin endpoint", metadata: ["session": "\(id)", "by": "\(name)"])
    await release(session, effects, .closedByOperator(name))
  }

  /// Closes the sessions whose lease has expired, and records in the state store which sessions lost or regained their client.
  ///
  /// Gives up starts of engines that take too long, including those of sessions that are being opened.
  public func closeExpired(at now: ContinuousClock.Instant = .now) async {
    // The lease of a held session is suspended, because it cannot be used.
    for session in desk.sessions where session.isDue(at: now) {
      let effects = session.handle(.tick, at: now)
      guard effects.contains(.closing) else {
        session.perform(effects)
        continue
      }
      logger.notice(
        "session closed: its lease expired without a sign of life from its client",
        metadata: ["session": "\(session.id)"])
      await release(session, effects, .leaseExpired)
    }
    await writePhases(state.withLock { Array($0.sessions.values) })
  }

  /// Checks for expired leases and waiting requests once a second, until the task is cancelled.
  public func watch() async {
    await publishCluster()
    var rounds = 1
    while (try? await clock.sleep(for: .seconds(1))) != nil {
      await closeExpired()
      desk.tick()
      // Each write goes into the history, so do not write every change.
      if rounds.isMultiple(of: 3) { await publishCluster() }
      rounds += 1
    }
  }

  private func writePhases(_ sessions: [Session]) async {
    for session in sessions where session.phase == .connected || session.phase == .detached {
      guard let changed = session.changedDocument() else { continue }
      var document = changed.document
      let isConnected = document.status.phase == SessionLifecycle.Phase.connected.rawValue
      document.setCondition(
        .connected, .init(isConnected), reason: isConnected ? .heard : .connectionLost,
        message: isConnected
          ? "its client gave a sign of life"
          : "its client's connection ended; the session is kept until its lease expires",
        nowMilliseconds: nowMilliseconds())
      // A change made meanwhile, such as closing, takes precedence.
      let condition = StateCondition.unchanged(ObjectKind.session.key(session.id), since: changed.revision)
      if let revision = try? await journal.commit(
        isConnected ? "record that a client is connected" : "record that a client is disconnected", by: "coordinator",
        on: session.object, conditions: [condition], [Journal.put(document)])
      {
        session.wrote(document, revision: revision)
      }
    }
  }

  /// Performs the work that no caller waits for, until `end` returns whether to keep the sessions for the next process. Then
  /// rejects new sessions and steps, lets running steps finish within the grace period, closes or keeps all sessions, and ends
  /// all processes. Call this once.
  public func run(until end: @escaping @Sendable () async -> Bool) async {
    async let keeping = {
      let keeping = await end()
      await endSessions(keeping: keeping)
      errands.finish()
      return keeping
    }()
    await errands.perform()
    // Nothing is left that starts engines.
    await factory.end()
    await children.stopAll(leavingOutliving: keeping)
  }

  private func endSessions(keeping: Bool) async {
    let sessions = state.withLock { state in
      state.isShuttingDown = true
      return Array(state.sessions.values)
    }
    await withTaskGroup { group in
      group.addTask { try? await self.clock.sleep(for: self.limits.shutdownGrace) }
      group.addTask { for session in sessions { await session.waitUntilIdle() } }
      await group.next()
      group.cancelAll()
    }
    // First for all sessions: giving up one start lets the next one begin.
    for session in sessions { session.tasks.refuseStarts() }
    if keeping {
      for session in sessions { await session.suspend() }
    } else {
      await withTaskGroup { group in
        for session in sessions {
          let effects = session.handle(.close)
          if effects.contains(.closing) { group.addTask { await self.release(session, effects, .shutdown) } }
        }
      }
    }
  }

  /// Releases everything that a closing session holds. If the process ends before that is complete, the next one continues.
  func release(_ session: Session, _ effects: [SessionControl.Effect], _ reason: EndingReason) async {
    let author = reason.author(session)
    let key = ObjectKind.session.key(session.id)
    if var document = session.changedDocument()?.document {
      document.setCondition(
        .ready, false, reason: reason.word, message: reason.text, nowMilliseconds: nowMilliseconds())
      do {
        let revision = try await journal.commit(
          "close a session", by: author, on: session.object, conditions: [.present(key)], [Journal.put(document)],
          mayUseReserve: true)
        session.wrote(document, revision: revision)
      } catch {
        // Release everything anyway: the client was informed that the session is closed.
        logger.error(
          "cannot record that a session is closing", metadata: ["session": "\(session.id)", "error": "\(error)"])
      }
    }
    platform_failpoint("session-closing")
    session.perform(effects)
    // Use a separate task: callers run on the event loop of a connection, which must not end processes and remove files.
    await Task { await session.release() }.value
    let instances = session.control.withLock { $0.composition.instances }
    session.perform(session.handle(.allEnded))
    desk.remove(session)
    let last = session.stepNumber.load(ordering: .relaxed)
    let steps = Array(max(0, last - Journal.keptSteps)..<last).map { $0 + 1 }
    await erase(
      session.id, objects: session.registry.withLock { $0.numbers }, steps: steps, instances: instances, by: author,
      reason)
    state.withLock { $0.remove(session) }
  }

  /// Removes the files of a session, then its entries in the state store, the session itself last.
  func erase(
    _ id: String, objects: [Int], steps: [Int], instances: [String], by author: String, _ reason: EndingReason
  ) async {
    let name = ObjectReference.session(id)
    do {
      try workspace.removeSessionDirectory(id)
      platform_failpoint("session-released")
      var keys = objects.map { objectKey(id, $0) } + steps.map { ObjectKind.step.key(stepName(id, $0)) }
      keys += instances.map { ObjectKind.instance.key("\(id)/\($0)") } + [ObjectKind.session.key(id)]
      try await journal.commitAll("delete a session", by: author, on: name, keys.map { .delete($0) })
      journal.shares.close(id)
      platform_failpoint("session-forgotten")
    } catch {
      logger.error(
        "cannot remove everything that a closed session left", metadata: ["session": "\(id)", "error": "\(error)"])
    }
    journal.event(name, reason.word.rawValue, reason.text)
  }
}
