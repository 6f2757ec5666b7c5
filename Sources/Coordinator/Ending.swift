import CPlatform
import Cluster
import Synchronization

/// Why a session ends.
enum EndingReason: Equatable {
  case closedByClient
  case closedByOperator(String)
  case leaseExpired
  case shutdown
  /// The coordinator ended while it was being opened or closed.
  case interrupted
  /// Its engines could not be started again.
  case recoveryFailed

  /// One word for programs.
  var word: String {
    switch self {
    case .closedByClient, .closedByOperator: "Closed"
    case .leaseExpired: "LeaseExpired"
    case .shutdown: "Shutdown"
    case .interrupted: "Interrupted"
    case .recoveryFailed: "RecoveryFailed"
    }
  }

  /// A sentence.
  var text: String {
    switch self {
    case .closedByClient: "closed by its client"
    case .closedByOperator(let name): "closed by \(name) through the admin endpoint"
    case .leaseExpired: "its client gave no sign of life within the lease"
    case .shutdown: "the coordinator is being stopped"
    case .interrupted: "the coordinator ended while it was being opened or closed"
    case .recoveryFailed: "its engines could not be started again"
    }
  }

  /// Who wants it.
  func author(_ session: Session) -> String {
    switch self {
    case .closedByClient: session.principal.description
    case .closedByOperator(let name): name
    case .leaseExpired, .shutdown, .interrupted, .recoveryFailed: "coordinator"
    }
  }
}

extension Coordinator {
  /// Closes the caller's session and gives back all it held.
  /// - Throws: `CoordinatorError` of code `unknownSession`.
  public func close(_ id: String, for caller: Caller) async throws(CoordinatorError) {
    let session = try session(id, for: caller)
    guard session.close(at: clock.now) else { return }
    logger.info("session closed", metadata: ["session": "\(id)"])
    await release(session, .closedByClient)
  }

  /// Closes any session, on behalf of whoever may: an operator, or its own user by another way than its client.
  /// - Throws: `CoordinatorError` of code `unknownSession`.
  public func close(_ id: String, byOperator name: String) async throws(CoordinatorError) {
    guard let session = state.withLock({ $0.sessions[id] }) else {
      throw CoordinatorError(.unknownSession, "there is no session '\(printable(id))'")
    }
    guard session.close(at: clock.now) else { return }
    logger.notice("session closed through the admin endpoint", metadata: ["session": "\(id)", "by": "\(name)"])
    await release(session, .closedByOperator(name))
  }

  /// Closes the sessions whose lease has run out, and tells the state store which lost or found their client.
  public func closeExpired() async {
    let now = clock.now
    let sessions = state.withLock { Array($0.sessions.values) }
    for session in sessions where session.tick(at: now) {
      logger.notice("session expired: no sign of life from its client", metadata: ["session": "\(session.id)"])
      await release(session, .leaseExpired)
    }
    await writePhases(sessions)
  }

  /// Looks once a second for expired leases and at those who wait, until the task is cancelled.
  public func watch() async {
    await publishCluster()
    var rounds = 1
    while (try? await clock.sleep(for: .seconds(1))) != nil {
      await closeExpired()
      desk.tick()
      // What is written goes into the history: not with every change.
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
        "Connected", isConnected, reason: isConnected ? "Heard" : "ConnectionLost",
        message: isConnected
          ? "its client was heard" : "its client's connection ended; it is kept until its lease is over",
        nowMilliseconds: nowMilliseconds())
      // Whoever changed it meanwhile, to close it, knows better.
      let condition = StateCondition.unchanged(ObjectKind.session.key(session.id), since: changed.revision)
      if let revision = try? await journal.commit(
        isConnected ? "note that a client is back" : "note that a client is gone", by: "coordinator",
        on: session.object, conditions: [condition], [Journal.put(document)])
      {
        session.wrote(document, revision: revision)
      }
    }
  }

  /// Refuses new sessions and steps and lets running steps finish within the grace period. Then closes all sessions, or
  /// keeps them for the next process.
  public func shutdown(keepingSessions: Bool = false) async {
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
    if keepingSessions {
      for session in sessions { await session.suspend() }
    } else {
      await withTaskGroup { group in
        for session in sessions where session.close(at: clock.now) {
          group.addTask { await self.release(session, .shutdown) }
        }
      }
    }
    await factory.end()
    await children.stopAll(leavingOutliving: keepingSessions)
  }

  /// Gives back all that a session holds. Should the process end in the middle, the next one goes on.
  func release(_ session: Session, _ reason: EndingReason) async {
    let author = reason.author(session)
    let key = ObjectKind.session.key(session.id)
    if var document = session.changedDocument()?.document {
      document.setCondition(
        "Ready", false, reason: reason.word, message: reason.text, nowMilliseconds: nowMilliseconds())
      do {
        let revision = try await journal.commit(
          "close a session", by: author, on: session.object, conditions: [.present(key)], [Journal.put(document)])
        session.wrote(document, revision: revision)
      } catch {
        // What it held goes all the same: the client was told that the session is closed.
        logger.error("cannot note that a session closes", metadata: ["session": "\(session.id)", "error": "\(error)"])
      }
    }
    platform_failpoint("session-closing")
    // In a task of its own: callers run on a connection's event loop, which is no place to end processes and remove files.
    await Task { await session.release() }.value
    desk.leave(session.object)
    let last = session.stepNumber.load(ordering: .relaxed)
    let steps = Array(max(0, last - Journal.keptSteps)..<last).map { $0 + 1 }
    let instances = session.composition.withLock { $0.instances } + session.broken.withLock { Array($0) }
    await erase(
      session.id, objects: session.registry.withLock { $0.numbers }, steps: steps, instances: instances, by: author,
      reason)
    state.withLock { state in
      state.unbind(session)
      state.sessions[session.id] = nil
    }
  }

  /// Removes the files of a session, then all that the state store has of it, the session itself last.
  func erase(
    _ id: String, objects: [Int], steps: [Int], instances: [String], by author: String, _ reason: EndingReason
  ) async {
    let name = "session/\(id)"
    do {
      try workspace.removeSessionDirectory(id)
      platform_failpoint("session-released")
      var keys = objects.map { objectKey(id, $0) } + steps.map { ObjectKind.step.key(stepName(id, $0)) }
      keys += instances.map { ObjectKind.instance.key("\(id)/\($0)") } + [ObjectKind.session.key(id)]
      try await journal.commitAll("forget a session", by: author, on: name, keys.map { .delete($0) })
      platform_failpoint("session-forgotten")
    } catch {
      logger.error("a closed session is not gone entirely", metadata: ["session": "\(id)", "error": "\(error)"])
    }
    journal.event(name, reason.word, reason.text)
  }
}
