import Access
import ControlPlane
import Logging
import StateStore
import Synchronization

extension Coordinator.Limits {
  /// The maximum number of open sessions of a principal.
  var principalSessions: Int { min(sessions, sessionsPerPrincipal ?? max(1, sessions - sessions / 10)) }
}

extension Coordinator {
  /// The limit that a new session would exceed.
  private struct Bound {
    let error: CoordinatorError
    /// The principal it applies to; nil for the limit of all sessions.
    let principal: Principal?
  }

  /// Reserves a place among the open sessions. If none is free, closes a session that has no objects and whose client is gone.
  /// - Returns: The session's number in the order of opening.
  /// - Throws: `CoordinatorError` of code `limitReached` or `shuttingDown`.
  func reserve(_ id: String, for principal: Principal) async throws(CoordinatorError) -> UInt64 {
    while true {
      let (serial, bound) = try state.withLock { state throws(CoordinatorError) -> (UInt64, Bound?) in
        guard !state.isShuttingDown else {
          throw CoordinatorError(
            .shuttingDown, "the coordinator is shutting down; connect again after it has restarted")
        }
        if let bound = reached(by: principal, state) { return (0, bound) }
        state.begin(opening: id, for: principal)
        state.nextSerial += 1
        return (state.nextSerial, nil)
      }
      guard let bound else { return serial }
      guard await makeRoom(of: bound.principal) else { throw bound.error }
    }
  }

  private func reached(by principal: Principal, _ state: borrowing State) -> Bound? {
    if state.count >= limits.sessions {
      return Bound(
        error: CoordinatorError(
          .limitReached, "\(limits.sessions) sessions are open, which is the limit. Close one, or raise limits.sessions"
        ),
        principal: nil)
    }
    if state.count(of: principal) >= limits.principalSessions {
      return Bound(
        error: CoordinatorError(
          .limitReached,
          "\(limits.principalSessions) sessions of \(principal) are open, which is the limit per principal. Close one, or raise "
            + "limits.sessions_per_principal"),
        principal: principal)
    }
    return nil
  }

  /// Closes the least recently used session that has no objects and whose client is gone.
  /// - Parameter principal: The principal whose session to close; nil for any.
  /// - Returns: Whether there was such a session.
  private func makeRoom(of principal: Principal?) async -> Bool {
    let candidates = state.withLock { state in
      let held = Set(state.holders.values.map(\.principal))
      let sessions =
        principal.map { Array((state.unconnected[$0] ?? [:]).values) } ?? state.unconnected.values.flatMap(\.values)
      return sessions.filter { !held.contains($0.principal) && $0.isExpendable }
    }
    let oldestFirst = candidates.sorted { a, b in
      let (first, second) = (a.lastUse.load(ordering: .relaxed), b.lastUse.load(ordering: .relaxed))
      return first == second ? a.serial < b.serial : first < second
    }
    for session in oldestFirst {
      let effects = session.handle(.close)
      // It is already being closed.
      guard effects.contains(.closing) else { continue }
      logger.notice("session closed to make room: its client is disconnected", metadata: ["session": "\(session.id)"])
      await release(session, effects, .madeRoom)
      return true
    }
    return false
  }
}

extension Session {
  /// Whether its client is gone and closing it loses nothing.
  fileprivate var isExpendable: Bool {
    phase == .detached && !turnstile.isTaken && registry.withLock { $0.handles.isEmpty }
  }
}
