import Engines
import FoundationEssentials
import Synchronization

/// Gives every session GraphScope's own engines, in processes of the session's own.
public final class GraphScopeEngineFactory: EngineFactory {
  /// Engines that are started before a session asks for them.
  public struct Ahead: Sendable {
    /// Takes what happened to them in words, and whether it is a failure.
    public typealias Report = @Sendable (_ words: String, _ isFailure: Bool) -> Void

    /// How many sets wait; 0 for none.
    public var count: Int
    /// A directory for their files. What is in it is removed.
    public var directory: String
    /// Takes what happens to them.
    public var report: Report

    /// Engines ahead of sessions.
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

  /// A factory.
  /// - Parameters:
  ///   - libraries: code for the engine, shared by all sessions.
  ///   - path: `PATH` of the processes, behind the installation's own directories.
  ///   - reach: how other hosts are reached.
  ///   - keyAgent: where ssh finds the agent of the user's keys (`SSH_AUTH_SOCK`).
  ///   - ahead: engines that are started ahead; nil for none.
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

  /// Never: their graphs are gone when their processes are.
  public func isEmbedded(_ size: EngineSize) -> Bool { false }

  /// Begins to start engines ahead, if any are wanted.
  public func begin(_ launcher: @escaping @Sendable (_ name: String) -> any ChildLauncher) {
    guard let ahead, ahead.count > 0 else { return }
    try? FileManager.default.removeItem(atPath: ahead.directory)
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
    if let ahead { try? FileManager.default.removeItem(atPath: ahead.directory) }
  }

  /// Starts the engines of a session, or takes some that were started ahead.
  /// - Throws: `EngineError` when something is not installed, or a process does not start.
  public func makeEngines(_ request: EngineRequest) async throws -> SessionEngines {
    let hosts = try WorkerHosts(request.size.hosts)
    if hosts == WorkerHosts(here: 1), let pool = warm.withLock({ $0 }), let processes = await pool.take() {
      return engines(of: request, processes, "engines that had been started ahead were taken")
    }
    var commands = commands(request.session, directory: request.workspace + "/engines", hosts: hosts)
    if !hosts.others.isEmpty {
      commands.spread = Spread(
        network: try await .toward(hosts.others, reach), metadataPort: try freePort(), keyAgent: keyAgent)
    }
    let processes = try await SessionProcesses.start(commands, request.children)
    let places = hosts.others.isEmpty ? "" : " on " + hosts.all.map(\.name).joined(separator: ", ")
    return engines(of: request, processes, "engines were started" + places)
  }

  private func engines(of request: EngineRequest, _ processes: SessionProcesses, _ reason: String) -> SessionEngines {
    let queries = NativeQueryEngine(processes.commands, request.children, processes.otherHosts)
    var engines = SessionEngines(
      analytical: NativeAnalyticalEngine(
        session: request.session, processes: processes, libraries: libraries, children: request.children,
        queries: queries, storage: request.storage),
      queries: queries,
      learning: NativeLearningEngine(processes.commands, request.children))
    engines.choice = .init(engine: "graphscope", reason: reason)
    return engines
  }

  private func commands(_ name: String, directory: String, hosts: WorkerHosts) -> EngineCommands {
    EngineCommands(
      installation: installation, directory: directory,
      shared: hosts.others.isEmpty ? SharedDirectories.path(of: name) : SharedDirectories.path(ofSpread: name),
      hosts: hosts, remoteShell: reach.remoteShell, path: path)
  }
}
