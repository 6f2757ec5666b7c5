import CPlatform
import Cluster
import Engines
import Logging
import Synchronization

/// What the two front doors share: all sessions, and who may use which.
public final class Coordinator: Sendable {
  /// Bounds of a coordinator.
  public struct Limits: Sendable, Equatable {
    /// Sessions that may be open at a time.
    public var sessions: Int
    /// How long a shutdown may take before what still runs is dropped.
    public var shutdownGrace: Duration
    /// Where child processes are limited by control groups; nil for rlimits.
    public var controlGroups: ControlGroups?
    /// How long the step of a session that has to give way may go on; then it is cut off, and begins again later.
    public var drain = Duration.seconds(30)

    /// Whether a session whose engines died gets others.
    public var engineRestart = EngineRestart.never

    /// Bounds with their defaults.
    public init(
      sessions: Int = 10_000, shutdownGrace: Duration = .seconds(8), controlGroups: ControlGroups? = nil
    ) {
      self.sessions = sessions
      self.shutdownGrace = shutdownGrace
      self.controlGroups = controlGroups
    }
  }

  /// What a client says when it connects.
  public struct ConnectRequest: Sendable, Equatable {
    /// The client's version; major and minor must be the server's.
    public var version: String
    /// Whether to go on with an earlier session.
    public var reconnect: Bool
    /// How long the session is kept without a sign of life; nil for ever.
    public var lease: Duration?

    /// A request to connect.
    public init(version: String, reconnect: Bool, lease: Duration?) {
      self.version = version
      self.reconnect = reconnect
      self.lease = lease
    }
  }

  struct State {
    var sessions: [String: Session] = [:]
    /// Sessions by the connection over which their client was last heard, and the other way round.
    var byConnection: [ConnectionID: [Session]] = [:]
    var connections: [String: ConnectionID] = [:]
    /// Sessions whose client has no connection now, by principal and id. A heartbeat looks for its sessions here: to
    /// look at all of them would let anybody occupy the coordinator with heartbeats.
    var unconnected: [Principal: [String: Session]] = [:]
    /// Sessions that are being opened.
    var opening: Set<String> = []
    /// Those of them that have to give way as soon as they are open, with the reason.
    var displaced: [String: (beneficiary: String, reason: String)] = [:]
    var nextSerial: UInt64 = 0
    var isShuttingDown = false

    mutating func bind(_ session: Session, to connection: ConnectionID) {
      guard connections[session.id] != connection else { return }
      unbind(session)
      connections[session.id] = connection
      byConnection[connection, default: []].append(session)
    }

    mutating func endOpening(_ id: String) -> (beneficiary: String, reason: String)? {
      opening.remove(id)
      return displaced.removeValue(forKey: id)
    }

    /// The session is there, but its client was not heard yet.
    mutating func addUnconnected(_ session: Session) {
      sessions[session.id] = session
      unconnected[session.principal, default: [:]][session.id] = session
    }

    mutating func unbind(_ session: Session) {
      guard let connection = connections.removeValue(forKey: session.id) else {
        unconnected[session.principal]?[session.id] = nil
        if unconnected[session.principal]?.isEmpty == true { unconnected[session.principal] = nil }
        return
      }
      let rest = byConnection[connection]?.filter { $0 !== session } ?? []
      byConnection[connection] = rest.isEmpty ? nil : rest
    }
  }

  /// The client version this server speaks, as `major.minor.patch`.
  public let version: String
  /// What is kept of everything that is said.
  public let logs: LogStore
  /// Looks after all child processes.
  public let children: Supervisor
  let journal: Journal
  let workspace: Workspace
  let factory: any EngineFactory
  /// Who gets what of the hosts.
  let desk: ResourceDesk
  /// What is counted and measured.
  public let metrics = Metrics()
  /// What the state store has of tenants and hosts.
  let published = Mutex(PublishedObjects())
  let startMilliseconds = nowMilliseconds()
  let limits: Limits
  let logger: Logger
  let clock = ContinuousClock()
  let state = Mutex(State())

  /// A coordinator without sessions; `recover` brings back those that `store` knows.
  /// - Parameter plan: the hosts and who may have what of them; by default this host, for everybody alike.
  public init(
    version: String, workspace: Workspace, store: any StateStore, logs: LogStore, factory: any EngineFactory,
    plan: ClusterPlan? = nil, limits: Limits = Limits(), logger: Logger
  ) {
    self.version = version
    self.workspace = workspace
    self.logs = logs
    journal = Journal(store: store, logs: logs)
    children = .stored(
      journal, logs, directory: workspace.path + "/children", controlGroups: limits.controlGroups)
    self.factory = factory
    desk = ResourceDesk(plan ?? .ownHostAlone(sessions: limits.sessions), metrics: metrics)
    self.limits = limits
    self.logger = logger
    desk.onPreempt { [weak self] owner, beneficiary, reason in
      guard let self else { return }
      Task { await self.giveWay(owner, to: beneficiary, reason) }
    }
  }

  /// Number of open sessions.
  public var sessionCount: Int { state.withLock { $0.sessions.count } }

  /// Whether new sessions and steps are refused.
  public var isShuttingDown: Bool { state.withLock { $0.isShuttingDown } }

  /// Where sessions, steps and engines are kept.
  public var store: any StateStore { journal.store }

  // MARK: Connecting

  /// Opens a session for the caller or, on `reconnect`, returns the newest of the caller's that is still open.
  /// - Throws: `CoordinatorError`, or the `EngineError` of an engine that does not start.
  public func connect(_ caller: Caller, _ request: ConnectRequest) async throws -> Session {
    if request.reconnect, let session = newestSession(of: caller) { return session }
    try requireCompatible(clientVersion: request.version)
    let id = "session_" + randomStateID()
    let serial = try reserve(id)
    let session: Session
    do {
      session = try await open(id, caller, request, serial: serial)
    } catch {
      state.withLock { _ = $0.endOpening(id) }
      throw error
    }
    var displaced: (beneficiary: String, reason: String)?
    let isAdmitted = state.withLock { state in
      displaced = state.endOpening(id)
      guard !state.isShuttingDown else { return false }
      state.sessions[session.id] = session
      state.bind(session, to: caller.connection)
      return true
    }
    guard isAdmitted else {
      _ = session.close(at: clock.now)
      await release(session, .shutdown)
      throw CoordinatorError(.shuttingDown, "the coordinator is shutting down; connect again when it is back")
    }
    metrics.add(.sessionsOpened)
    if let displaced { Task { await giveWay(session.object, to: displaced.beneficiary, displaced.reason) } }
    logger.info("session opened", metadata: ["session": "\(session.id)", "principal": "\(caller.principal)"])
    journal.event(session.object, "Opened", "opened by \(caller.principal)")
    return session
  }

  private func newestSession(of caller: Caller) -> Session? {
    let candidates = state.withLock { state in
      state.sessions.values.filter { $0.belongs(to: caller) }.sorted { $0.serial > $1.serial }
    }
    let now = clock.now
    guard let session = candidates.first(where: { $0.signOfLife(at: now) })
    else { return nil }
    bind(session, to: caller.connection)
    logger.info("session resumed", metadata: ["session": "\(session.id)", "principal": "\(caller.principal)"])
    return session
  }

  private func requireCompatible(clientVersion: String) throws(CoordinatorError) {
    let client = ReleaseVersion(clientVersion)
    let server = ReleaseVersion(version)
    guard let client, let server, client.major == server.major, client.minor == server.minor else {
      throw CoordinatorError(
        .versionMismatch, "Version between client and server is inconsistent: \(clientVersion) vs \(version)")
    }
  }

  private func reserve(_ id: String) throws(CoordinatorError) -> UInt64 {
    try state.withLock { state throws(CoordinatorError) in
      guard !state.isShuttingDown else {
        throw CoordinatorError(.shuttingDown, "the coordinator is shutting down; connect again when it is back")
      }
      guard state.sessions.count + state.opening.count < limits.sessions else {
        throw CoordinatorError(
          .limitReached, "\(limits.sessions) sessions are open, the bound. Close one, or raise limits.sessions")
      }
      state.opening.insert(id)
      state.nextSerial += 1
      return state.nextSerial
    }
  }

  // MARK: Using sessions

  /// The caller's session of that id, which is hereby heard of.
  /// - Throws: `CoordinatorError.unknownSession` also for sessions of others, so that nobody learns of them.
  public func session(_ id: String, for caller: Caller) throws(CoordinatorError) -> Session {
    guard let session = state.withLock({ $0.sessions[id] }), session.belongs(to: caller) else {
      throw CoordinatorError(
        .unknownSession,
        "Session handle not matched, \(printable(id)) versus \(ownSessions(of: caller)). "
          + "It was closed, ran out of its lease, or the coordinator was restarted: connect again")
    }
    let now = clock.now
    guard session.signOfLife(at: now) else {
      throw CoordinatorError(.sessionClosing, "session '\(id)' is being closed. Connect again")
    }
    bind(session, to: caller.connection)
    return session
  }

  /// The caller's session of that id, for work that is to begin now.
  /// - Throws: as `session(_:for:)`, and `CoordinatorError.shuttingDown`.
  public func sessionForWork(_ id: String, for caller: Caller) throws(CoordinatorError) -> Session {
    let session = try session(id, for: caller)
    if state.withLock({ $0.isShuttingDown }) {
      throw CoordinatorError(.shuttingDown, "the coordinator is shutting down; connect again when it is back")
    }
    return session
  }

  /// The ids that the caller may know, for an error message.
  private func ownSessions(of caller: Caller) -> String {
    let ids = state.withLock {
      $0.byConnection[caller.connection]?.filter { $0.principal == caller.principal }.map(\.id) ?? []
    }
    return ids.isEmpty ? "no open session of this client" : ids.prefix(4).joined(separator: ", ")
  }

  private func bind(_ session: Session, to connection: ConnectionID) {
    state.withLock { state in
      if state.sessions[session.id] != nil { state.bind(session, to: connection) }
    }
  }

  /// A heartbeat. Clients do not say for which session: it renews those of the connection, or, on a connection that
  /// has none, the caller's detached ones, since that is how a client's connection looks after a network failure.
  /// The principal is asked for in the second case only.
  public func heartbeat(on connection: ConnectionID, for principal: @autoclosure () -> Principal) {
    let now = clock.now
    let own = state.withLock { $0.byConnection[connection] }
    if let own {
      for session in own { _ = session.signOfLife(at: now) }
      return
    }
    guard state.withLock({ !$0.unconnected.isEmpty }) else { return }
    let principal = principal()
    let unconnected = state.withLock { $0.unconnected[principal].map { Array($0.values) } ?? [] }
    for session in unconnected where session.phase == .detached && session.signOfLife(at: now) {
      bind(session, to: connection)
    }
  }

  /// A client's connection ended; its sessions are kept until their leases run out.
  public func connectionClosed(_ connection: ConnectionID) {
    let sessions = state.withLock { state in
      let sessions = state.byConnection.removeValue(forKey: connection) ?? []
      for session in sessions {
        state.connections[session.id] = nil
        state.addUnconnected(session)
      }
      return sessions
    }
    for session in sessions { session.connectionLost() }
  }
}

/// A client's text made fit for an error message: bounded, without control characters.
func printable(_ text: String) -> String {
  String(text.unicodeScalars.prefix(64).map { $0.value < 0x20 || $0.value == 0x7f ? "?" : Character($0) })
}
