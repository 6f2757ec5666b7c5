import Access
import ControlPlane
import Synchronization

extension Coordinator {
  /// The time after which a connection that carried only heartbeats is assumed to belong to a returning client. A client that
  /// checks for a running coordinator connects at once; clients send heartbeats every five seconds.
  static let returningAfter = Duration.seconds(4)

  /// Handles a heartbeat. It does not name a session and renews those of its connection. On a connection whose client is not
  /// known yet, it holds the detached sessions of the principal, because that is what a client's connection looks like after a
  /// network failure or a restart of the coordinator. `principal` is evaluated only in the latter case.
  public func heartbeat(on connection: ConnectionID, for principal: @autoclosure () -> Principal) {
    let now = clock.now
    let (own, mayHold) = state.withLock { state in
      (state.byConnection[connection], state.clients[connection] == nil && !state.unconnected.isEmpty)
    }
    if let own {
      for session in own { session.note(.signOfLife, at: now) }
      return
    }
    guard mayHold else { return }
    let principal = principal()
    let held = state.withLock { state -> [Session] in
      guard state.clients[connection] == nil, let sessions = state.unconnected[principal] else { return [] }
      if state.holders[connection] == nil { state.holders[connection] = .init(principal: principal, since: now) }
      return Array(sessions.values)
    }
    for session in held { session.note(.hold, at: now) }
  }

  /// Handles the end of a connection; its sessions are kept until their leases expire.
  public func connectionClosed(_ connection: ConnectionID) {
    let now = clock.now
    let (sessions, hold) = state.withLock { state in
      let sessions = state.byConnection.removeValue(forKey: connection) ?? []
      for session in sessions {
        state.connections[session.id] = nil
        state.addUnconnected(session)
      }
      state.clients[connection] = nil
      return (sessions, state.endHolding(by: connection))
    }
    for session in sessions { session.note(.connectionLost, at: now) }
    guard let hold else { return }
    let wasClient = hold.since.duration(to: now) >= Self.returningAfter
    for session in hold.sessions { session.note(.endHold(wasClient: wasClient), at: now) }
  }

  /// Records that a call over the connection named the session. The first such call means that its client returned, and with it
  /// the other sessions of the same process, which may be idle.
  func bind(_ session: Session, to connection: ConnectionID) {
    let (companions, held) = state.withLock { state -> ([Session], [Session]) in
      guard state.sessions[session.id] != nil else { return ([], []) }
      let isFirst = state.clients[connection] == nil
      state.bind(session, to: connection)
      guard isFirst else { return ([], []) }
      let companions = state.companions(of: session)
      for companion in companions { state.bind(companion, to: connection) }
      return (companions, state.endHolding(by: connection)?.sessions ?? [])
    }
    let now = clock.now
    for companion in companions { companion.note(.signOfLife, at: now) }
    for other in held { other.note(.endHold(wasClient: false), at: now) }
  }

  /// Records that the client of a connection opens a session: it is known from now on, and the sessions held by its heartbeats
  /// are not its own.
  /// - Returns: The client's name.
  func knowClient(of connection: ConnectionID) -> String {
    let (client, held) = state.withLock { state in
      (state.client(of: connection), state.endHolding(by: connection)?.sessions ?? [])
    }
    let now = clock.now
    for session in held { session.note(.endHold(wasClient: false), at: now) }
    return client
  }

  /// Does the same as `takeBack`, but retries for half a second while all sessions are in use: if a client ended and was
  /// restarted at once, the end of its connection may not have been noticed yet.
  func takeBackSoon(_ caller: Caller) async throws -> (session: Session?, inUse: Int) {
    for _ in 0..<10 {
      let found = takeBack(caller)
      if found.session != nil || found.inUse == 0 { return found }
      try await clock.sleep(for: .milliseconds(50))
    }
    return takeBack(caller)
  }

  /// Returns the session with which a caller reconnects: the most recently used one among unused sessions and those of its own
  /// connection. A session that another client uses, or may use, is never returned.
  func takeBack(_ caller: Caller) -> (session: Session?, inUse: Int) {
    let now = clock.now
    return state.withLock { state in
      let all = state.sessions.values.filter { $0.belongs(to: caller) && $0.isOpen }
      // Another connection is active whose client may own these sessions.
      let isHeld = state.holders.contains { $0.key != caller.connection && $0.value.principal == caller.principal }
      let free = all.filter { session in
        let connection = state.connections[session.id]
        return connection == caller.connection || (connection == nil && !isHeld)
      }
      let newestFirst = free.sorted { a, b in
        let (first, second) = (a.lastUse.load(ordering: .relaxed), b.lastUse.load(ordering: .relaxed))
        return first == second ? a.serial > b.serial : first > second
      }
      guard let session = newestFirst.first(where: { $0.signOfLife(at: now) }) else { return (nil, all.count) }
      state.bind(session, to: caller.connection)
      return (session, all.count - free.count)
    }
  }
}
