import Engines
import Synchronization

/// Creates GraphScope's own engines for every session, in processes of the session's own.
public final class GraphScopeEngineFactory: EngineFactory {
  /// Settings for engines that are started before a session requests them.
  public struct Ahead: Sendable {
    /// Receives a line about what happened to the engines, and whether it is a failure.
    public typealias Report = @Sendable (_ words: String, _ isFailure: Bool) -> Void

    /// The number of sets of engines to keep waiting; 0 for none.
    public var count: Int
    /// The directory for their files. Its contents are removed.
    public var directory: String
    /// Receives reports about the engines.
    public var report: Report

    /// Creates settings for engines ahead of sessions.
    public init(count: Int, directory: String, report: @escaping Report) {
      (self.count, self.directory, self.report) = (count, directory, report)
    }
  }

  private let installation: Installation
  private let libraries: LibraryStore
  private let path: String
  private let reach: HostReach
  private let keyAgent: String?
  private let ahead: Ahead?
  private let warm = Mutex<WarmEngines?>(nil)

  /// Creates a factory.
  /// - Parameters:
  ///   - libraries: The code for the engines, shared by all sessions.
  ///   - path: The `PATH` of the processes, which follows the installation's own directories.
  ///   - reach: How to reach other hosts.
  ///   - keyAgent: The socket of the ssh agent with the user's keys (`SSH_AUTH_SOCK`).
  ///   - ahead: Settings for engines ahead of sessions; nil for none.
  public init(
    _ installation: Installation, libraries: LibraryStore, path: String, reach: HostReach = HostReach(),
    keyAgent: String? = nil, ahead: Ahead? = nil
  ) {
    self.installation = installation
    self.libraries = libraries
    self.path = path
    self.reach = reach
    self.keyAgent = keyAgent
    self.ahead = ahead
    SharedDirectories.removeThoseOfTheDead()
  }

  /// Returns false: the graphs of these engines are lost with their processes.
  public func isEmbedded(_ size: EngineSize) -> Bool { false }

  /// Starts engines ahead of sessions, if configured.
  public func begin(_ launcher: @escaping @Sendable (_ name: String) -> any ChildLauncher) {
    guard let ahead, ahead.count > 0 else { return }
    EngineDirectories.remove(ahead.directory)
    let pool = WarmEngines(
      size: ahead.count,
      start: { [self] name in
        let commands = commands(name, directory: "\(ahead.directory)/\(name)", hosts: WorkerHosts(here: 1))
        return try await SessionProcesses.start(commands, launcher(name))
      }, report: ahead.report)
    warm.withLock { $0 = pool }
    pool.begin()
  }

  /// Ends the engines that wait for sessions.
  public func end() async {
    let pool = warm.withLock { pool in
      defer { pool = nil }
      return pool
    }
    await pool?.end()
    if let ahead { EngineDirectories.remove(ahead.directory) }
  }

  /// Starts the engines of a session, or takes engines that were started ahead.
  /// - Throws: `EngineError` when something is not installed, or a process does not start.
  public func makeEngines(_ request: EngineRequest) async throws -> SessionEngines {
    let hosts = try WorkerHosts(request.size.hosts)
    let user = request.places.user
    if let user { try requireOwnHost(hosts, user) }
    // Waiting engines run as the coordinator's own user.
    if user == nil, hosts == WorkerHosts(here: 1), let pool = warm.withLock({ $0 }), let processes = await pool.take() {
      return engines(of: request, processes, "engines that were started ahead are used")
    }
    var commands = commands(request.session, directory: request.workspace + "/engines", hosts: hosts)
    commands.user = user
    if !hosts.others.isEmpty {
      commands.placement = Spread(
        network: try await .toward(hosts.others, reach), metadataPort: try freePort(), keyAgent: keyAgent,
        remoteShell: reach.remoteShell)
    }
    let processes = try await SessionProcesses.start(commands, request.children)
    let places = hosts.others.isEmpty ? "" : " on " + hosts.all.map(\.name).joined(separator: ", ")
    let whom = user.map { " as the user \($0.name)" } ?? ""
    return engines(of: request, processes, "engines were started" + places + whom)
  }

  /// - Throws: `EngineError.unimplemented` for workers on other hosts, because the remote shell logs in as the coordinator's user
  ///   only.
  private func requireOwnHost(_ hosts: WorkerHosts, _ user: EngineUser) throws(EngineError) {
    guard !hosts.others.isEmpty else { return }
    throw EngineError(
      .unimplemented,
      "engines that run as a user of their own (run_as: \(user.name)) must have their workers on the coordinator's "
        + "host, but "
        + "this session's are on \(hosts.all.map(\.name).joined(separator: ", "))",
      hint: "An operator can remove run_as for this tenant from the access file, or give its sessions the selector "
        + "{host: localhost}"
    )
  }

  private func engines(of request: EngineRequest, _ processes: SessionProcesses, _ reason: String) -> SessionEngines {
    let queries = NativeQueryEngine(processes.commands, request.children, processes.otherHosts)
    var engines = SessionEngines(
      analytical: NativeAnalyticalEngine(
        session: request.session, processes: processes, libraries: libraries, children: request.children,
        queries: queries, storage: request.storage, places: request.places),
      queries: queries,
      learning: NativeLearningEngine(processes.commands, request.children))
    engines.choice = .init(engine: "graphscope", reason: reason)
    return engines
  }

  private func commands(_ name: String, directory: String, hosts: WorkerHosts) -> EngineCommands {
    EngineCommands(
      installation: installation, directory: directory,
      shared: hosts.others.isEmpty ? SharedDirectories.path(of: name) : SharedDirectories.path(ofSpread: name),
      hosts: hosts, path: path)
  }
}
