import Access
import CPlatform
import ControlPlane
import Engines
import LogStore
import Logging
import Scheduling
import StateStore
import Supervision
import Support
import Synchronization

/// The state shared by the two front doors: all sessions, and who may use them.
public final class Coordinator: Sendable {
  /// The limits of a coordinator.
  public struct Limits: Sendable, Equatable {
    /// The maximum number of open sessions.
    public var sessions: Int
    /// The maximum number of open sessions of a principal; nil for nine tenths of all, so that no principal can shut out the
    /// others.
    public var sessionsPerPrincipal: Int?
    /// How long a shutdown waits for running steps before it cancels them.
    public var shutdownGrace: Duration
    /// The control groups that limit child processes; nil for rlimits.
    public var controlGroups: ControlGroups?
    /// How long a step of a preempted session may continue before it is cancelled, to begin again later.
    public var drain = Duration.seconds(30)

    /// The releases of clients accepted in addition to the server's own.
    public var clientVersions: Set<ReleaseVersion> = []
    /// How long entries of `lost+found` are kept.
    public var lostAndFoundAge = Duration.seconds(7 * 86_400)
    /// The maximum number of entries in `lost+found`; the newest are kept.
    public var lostAndFoundEntries = 1000

    /// The maximum number of waiting steps of a session.
    public var waitingSteps = 256

    /// Whether engines that died are restarted.
    public var engineRestart = EngineRestart.never
    /// The maximum number of bytes of a tenant's sessions in the state store.
    public var tenantStateBytes = 512 << 20

    /// Creates limits; unspecified ones have their defaults.
    public init(
      sessions: Int = 10_000, shutdownGrace: Duration = .seconds(8), controlGroups: ControlGroups? = nil
    ) {
      self.sessions = sessions
      self.shutdownGrace = shutdownGrace
      self.controlGroups = controlGroups
    }
  }

  /// The parameters of a client's connection request.
  public struct ConnectRequest: Sendable, Equatable {
    /// The client's version; major and minor must equal the server's.
    public var version: String
    /// Whether to continue an earlier session.
    public var reconnect: Bool
    /// How long the session is kept without a sign of life; nil for no limit.
    public var lease: Duration?

    /// Creates a request.
    public init(version: String, reconnect: Bool, lease: Duration?) {
      self.version = version
      self.reconnect = reconnect
      self.lease = lease
    }
  }

  /// The client version this server speaks, as `major.minor.patch`.
  public let version: String
  /// The log store.
  public let logs: LogStore
  /// The supervisor of all child processes.
  public let children: Supervisor
  let journal: Journal
  let workspace: Workspace
  let factory: any EngineFactory
  /// The scheduler and the controls of the sessions.
  let desk: ResourceDesk
  /// The counters and measurements.
  public let metrics = Metrics()
  /// The objects of tenants and hosts in the state store.
  let published = Mutex(PublishedObjects())
  let startMilliseconds = nowMilliseconds()
  let limits: Limits
  /// Displays the progress of loads, in addition to the sessions' logs.
  let display: ProgressDisplay?
  /// The rules for files and addresses outside a session's directory.
  let places: PlacePolicy
  let logger: Logger
  let clock = ContinuousClock()
  let state = Mutex(State())
  /// What is performed concurrently, such as the starts of recovered sessions while clients are already served.
  let errands = Errands()

  /// Creates a coordinator without sessions; `recover` brings back those in `store`.
  /// - Parameters:
  ///   - plan: The hosts and the policies of tenants; by default this host, with equal policies.
  ///   - places: The rules for files and addresses outside a session's directory; by default, everything except the workspace is
  ///     accessible.
  public init(
    version: String, workspace: Workspace, store: any StateStore, logs: LogStore, factory: any EngineFactory,
    plan: ClusterPlan? = nil, limits: Limits = Limits(), display: ProgressDisplay? = nil, places: PlacePolicy? = nil,
    logger: Logger
  ) {
    self.version = version
    self.workspace = workspace
    self.logs = logs
    journal = Journal(store: store, logs: logs, shareBound: limits.tenantStateBytes)
    children = .stored(
      journal, logs, directory: workspace.path + "/children", controlGroups: limits.controlGroups)
    self.factory = factory
    desk = ResourceDesk(plan ?? .ownHostAlone(sessions: limits.sessions), metrics: metrics)
    self.limits = limits
    self.display = display
    self.places = places ?? PlacePolicy(own: OwnFiles(directories: [workspace.path]))
    self.logger = logger
    desk.use(executor)
  }

  /// The number of open sessions.
  public var sessionCount: Int { state.withLock { $0.sessions.count } }

  /// Whether new sessions and steps are rejected.
  public var isShuttingDown: Bool { state.withLock { $0.isShuttingDown } }

  /// The store of sessions, steps and engines.
  public var store: any StateStore { journal.store }

  // MARK: Connecting

  /// Opens a session for the caller or, on `reconnect`, returns the caller's most recently used session that no other client
  /// uses; if there is none, opens one.
  /// - Throws: `CoordinatorError`, or the `EngineError` of an engine that fails to start.
  public func connect(_ caller: Caller, _ request: ConnectRequest) async throws -> Session {
    let client = knowClient(of: caller.connection)
    var earlier: (session: Session?, inUse: Int) = (nil, 0)
    if request.reconnect { earlier = try await takeBackSoon(caller) }
    if let session = earlier.session {
      logger.info("session resumed", metadata: ["session": "\(session.id)", "principal": "\(caller.principal)"])
      return session
    }
    try requireServed(clientVersion: request.version)
    let id = "session_" + randomStateID()
    let serial = try await reserve(id, for: caller.principal)
    let session: Session
    do {
      session = try await open(id, caller, request, serial: serial, client: client)
    } catch {
      state.withLock { $0.giveUp(opening: id) }
      throw error
    }
    // A client that disconnected meanwhile never learns the session's id.
    let isAbandoned = Task.isCancelled
    let isAdmitted = state.withLock { state in
      guard !state.isShuttingDown, !isAbandoned else {
        state.giveUp(opening: id)
        return false
      }
      state.add(session)
      state.bind(session, to: caller.connection)
      return true
    }
    guard isAdmitted else {
      let effects = session.handle(.close)
      if isAbandoned {
        // A task of its own, which the cancellation of this one does not reach.
        await Task { await release(session, effects, .abandoned) }.value
        throw CancellationError()
      }
      await release(session, effects, .shutdown)
      throw CoordinatorError(.shuttingDown, "the coordinator is shutting down; connect again after it has restarted")
    }
    metrics.add(.sessionsOpened)
    session.perform(session.handle(.admitted))
    logger.info("session opened", metadata: ["session": "\(session.id)", "principal": "\(caller.principal)"])
    journal.event(session.object, "Opened", "opened by \(caller.principal)")
    if earlier.inUse > 0 {
      session.log.info(
        "No session can be resumed: other clients are using your sessions (\(earlier.inUse)). This is a new session.")
    }
    return session
  }

  private func requireServed(clientVersion: String) throws(CoordinatorError) {
    let client = ReleaseVersion(clientVersion)
    guard let server = ReleaseVersion(version), let client, client == server || limits.clientVersions.contains(client)
    else {
      var key = ""
      if let client, ReleaseVersion.others.contains(client) {
        key = ". To allow this version, start the server with --set clients.versions=\(client)"
      }
      throw CoordinatorError(
        .versionMismatch,
        "Version between client and server is inconsistent: \(clientVersion.quotable()) vs \(version). "
          + "Install the matching client: pip install graphscope-client==\(version)\(key)")
    }
  }

  // MARK: Using sessions

  /// Returns the caller's session of that id, and counts the call as a sign of life.
  /// - Throws: `CoordinatorError.unknownSession`, also for sessions of other principals, so that their existence is not revealed.
  public func session(_ id: String, for caller: Caller) throws(CoordinatorError) -> Session {
    guard let session = state.withLock({ $0.sessions[id] }), session.belongs(to: caller) else {
      throw CoordinatorError(
        .unknownSession,
        "Session handle not matched, \(id.quotable()) versus \(ownSessions(of: caller)). "
          + "The session was closed, its lease expired, or the coordinator was restarted: connect again")
    }
    let now = clock.now
    guard session.signOfLife(at: now) else {
      throw CoordinatorError(.sessionClosing, "session '\(id)' is being closed. Open a new session")
    }
    bind(session, to: caller.connection)
    return session
  }

  /// Returns the caller's session of that id, for work that begins now.
  /// - Throws: As `session(_:for:)`, and `CoordinatorError.shuttingDown`.
  public func sessionForWork(_ id: String, for caller: Caller) throws(CoordinatorError) -> Session {
    let session = try session(id, for: caller)
    if state.withLock({ $0.isShuttingDown }) {
      throw CoordinatorError(.shuttingDown, "the coordinator is shutting down; connect again after it has restarted")
    }
    return session
  }

  /// Returns the ids of the caller's own sessions, for an error message.
  private func ownSessions(of caller: Caller) -> String {
    let ids = state.withLock {
      $0.byConnection[caller.connection]?.filter { $0.principal == caller.principal }.map(\.id) ?? []
    }
    return ids.isEmpty ? "no open session of this client" : ids.prefix(4).joined(separator: ", ")
  }
}
