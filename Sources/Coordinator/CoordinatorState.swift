import Access
import StateStore
import Synchronization

extension Coordinator {
  /// All sessions, and what is known of the clients of connections.
  ///
  /// The client of a connection is *known* once a call over it named a session or opened one. Until then, it may be a client that
  /// returned after a failure, or a new one that checks for a running coordinator.
  struct State {
    private(set) var sessions: [String: Session] = [:]
    /// The sessions by the connection over which their client was last heard, and the inverse.
    var byConnection: [ConnectionID: [Session]] = [:]
    var connections: [String: ConnectionID] = [:]
    /// The client processes of connections, as far as known.
    var clients: [ConnectionID: String] = [:]
    /// The connections without a known client whose heartbeats hold the unconnected sessions of a principal.
    var holders: [ConnectionID: Holder] = [:]
    /// The sessions whose client has no connection, by principal and id. Heartbeats look up their sessions here: a search through
    /// all sessions would let any client overload the coordinator with heartbeats.
    var unconnected: [Principal: [String: Session]] = [:]
    /// The principals of sessions that are being opened.
    private var opening: [String: Principal] = [:]
    /// The number of sessions that each principal has open or is opening.
    private var owned: [Principal: Int] = [:]
    var nextSerial: UInt64 = 0
    /// The number of calls so far that named a session.
    var uses: UInt64 = 0
    var isShuttingDown = false

    /// The principal of the heartbeats over a connection, and the time of the first one.
    struct Holder {
      let principal: Principal
      let since: ContinuousClock.Instant
    }

    /// Returns the client process of the connection, which is known from now on.
    mutating func client(of connection: ConnectionID) -> String {
      if let client = clients[connection] { return client }
      let client = randomStateID()
      clients[connection] = client
      return client
    }

    /// Records that a call over the connection named the session, and thus belongs to its client.
    mutating func bind(_ session: Session, to connection: ConnectionID) {
      uses += 1
      session.lastUse.store(uses, ordering: .relaxed)
      guard connections[session.id] != connection else { return }
      unbind(session)
      connections[session.id] = connection
      byConnection[connection, default: []].append(session)
      // A client that returned is the same as before; one that took a session over is another one.
      let known = clients[connection]
      session.client.withLock { client in
        client = known ?? client ?? randomStateID()
        clients[connection] = client
      }
    }

    /// Returns the sessions without a connection whose client is the same process as this session's.
    func companions(of session: Session) -> [Session] {
      let client = session.client.withLock { $0 }
      return unconnected[session.principal]?.values.filter { other in
        other.tenant == session.tenant && other.client.withLock { $0 } == client
      } ?? []
    }

    /// Ends the hold of a connection, because its client is known now or the connection has ended.
    /// - Returns: Since when it held sessions, and the sessions that no connection holds any more.
    mutating func endHolding(
      by connection: ConnectionID
    ) -> (since: ContinuousClock.Instant, sessions: [Session])? {
      guard let holder = holders.removeValue(forKey: connection) else { return nil }
      guard !holders.values.contains(where: { $0.principal == holder.principal }) else { return nil }
      return (holder.since, unconnected[holder.principal].map { Array($0.values) } ?? [])
    }

    /// Adds a session whose client has not been heard yet.
    mutating func addUnconnected(_ session: Session) {
      add(session)
      unconnected[session.principal, default: [:]][session.id] = session
    }

    // MARK: Counting

    /// The number of sessions that are open or being opened.
    var count: Int { sessions.count + opening.count }

    /// Returns the number of those sessions that belong to a principal.
    func count(of principal: Principal) -> Int { owned[principal] ?? 0 }

    mutating func begin(opening id: String, for principal: Principal) {
      opening[id] = principal
      owned[principal, default: 0] += 1
    }

    /// Removes a session that failed to open.
    mutating func giveUp(opening id: String) {
      if let principal = opening.removeValue(forKey: id) { disown(principal) }
    }

    /// Adds a session that is open.
    mutating func add(_ session: Session) {
      if opening.removeValue(forKey: session.id) == nil, sessions[session.id] == nil {
        owned[session.principal, default: 0] += 1
      }
      sessions[session.id] = session
    }

    /// Removes a session.
    mutating func remove(_ session: Session) {
      unbind(session)
      if sessions.removeValue(forKey: session.id) != nil { disown(session.principal) }
    }

    private mutating func disown(_ principal: Principal) {
      owned[principal] = owned[principal].flatMap { $0 > 1 ? $0 - 1 : nil }
    }

    private mutating func unbind(_ session: Session) {
      guard let connection = connections.removeValue(forKey: session.id) else {
        unconnected[session.principal]?[session.id] = nil
        if unconnected[session.principal]?.isEmpty == true { unconnected[session.principal] = nil }
        return
      }
      let rest = byConnection[connection]?.filter { $0 !== session } ?? []
      byConnection[connection] = rest.isEmpty ? nil : rest
    }
  }
}
