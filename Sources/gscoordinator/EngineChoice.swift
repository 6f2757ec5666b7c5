import Coordinator
import Engines
import Foundation
import GraphScopeEngines
import GraphStore
import Logging

/// Which engines sessions get, as the configuration says.
enum EngineChoice: String, CaseIterable {
  /// Those inside this process.
  case embedded
  /// GraphScope's own.
  case graphscope
  /// GraphScope's own where they are installed and either more than one worker is asked for or more memory than this
  /// process may use; else those inside this process.
  case auto

  init(_ settings: Settings) throws { self = try settings.choice(.engine) }

  /// The factory of the engines.
  /// - Throws: `ConfigurationError` when GraphScope's engines are wanted and not installed, or a key that concerns them
  ///   has no such value, be they wanted or not.
  func factory(_ settings: Settings, pool: WorkerPool, workspace: String, logger: Logger) throws -> any EngineFactory {
    let compilers = try settings.integer(.compilers, in: 1...1024)
    if self == .embedded, settings.optionalText(.hosts) != nil {
      throw ConfigurationError(
        "hosts is '\(settings.text(.hosts))' (\(settings.origin(.hosts))), but embedded engines run in this process "
          + "alone: --engine graphscope or auto takes GraphScope's, which run on several")
    }
    let ahead = GraphScopeEngineFactory.Ahead(
      count: try settings.integer(.warmEngines, in: 0...64), directory: workspace + "/warm"
    ) { words, isFailure in logger.log(level: isFailure ? .warning : .info, "\(words)") }
    let embedded = EmbeddedFactory(pool: pool)
    var native: (any EngineFactory)?
    var problem: InstallationProblem?
    if self != .embedded {
      do {
        native = try Self.native(settings, workspace: workspace, compilers: compilers, ahead: ahead)
      } catch let missing as InstallationProblem {
        guard self == .auto else { throw ConfigurationError("engine is 'graphscope', but \(missing)") }
        problem = missing
      }
    }
    return ChoosingFactory(
      policy: self, embedded: embedded, native: native, nativeProblem: problem, memoryBytes: hostMemory(),
      logger: logger)
  }

  private static func native(
    _ settings: Settings, workspace: String, compilers: Int, ahead: GraphScopeEngineFactory.Ahead
  ) throws -> GraphScopeEngineFactory {
    let installation = try search(settings).find()
    let cache = cache(settings, workspace: workspace)
    let libraries = LibraryStore(installation, directory: cache, compilers: compilers)
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    return GraphScopeEngineFactory(
      installation, libraries: libraries, path: path, reach: try reach(settings),
      keyAgent: ProcessInfo.processInfo.environment["SSH_AUTH_SOCK"], ahead: ahead)
  }

  /// How other hosts are reached.
  static func reach(_ settings: Settings) throws -> HostReach {
    let network = settings.optionalText(.graphscopeNetwork)
    if let network, !HostReach.isNetwork(network) {
      throw ConfigurationError(
        "graphscope.network is '\(network)' (\(settings.origin(.graphscopeNetwork))), but must be like 10.1.2.0/24")
    }
    let shell = settings.text(.graphscopeRemoteShell).split(separator: " ").map(String.init)
    guard !shell.isEmpty else { throw ConfigurationError("graphscope.remote_shell must name a program, such as ssh") }
    return HostReach(remoteShell: shell, network: network)
  }

  /// Looks for GraphScope's engines where the configuration and the environment say.
  static func search(_ settings: Settings) -> InstallationSearch {
    InstallationSearch(
      home: settings.optionalText(.graphscopeHome), python: settings.optionalText(.graphscopePython),
      environment: ProcessInfo.processInfo.environment)
  }

  /// Where compiled libraries are kept; unless configured, they serve all coordinators of a user.
  static func cache(_ settings: Settings, workspace: String) -> String {
    if let configured = settings.optionalText(.graphscopeCache) { return configured }
    let environment = ProcessInfo.processInfo.environment
    if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return cache + "/gscoordinator/libraries" }
    if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.cache/gscoordinator/libraries" }
    return workspace + "/libraries"
  }
}

/// Chooses the engines of each session by what it asks for.
struct ChoosingFactory: EngineFactory {
  let policy: EngineChoice
  let embedded: any EngineFactory
  /// GraphScope's own, where they are installed and may be taken.
  let native: (any EngineFactory)?
  /// Why they are not installed.
  let nativeProblem: InstallationProblem?
  /// Memory that this process may use.
  let memoryBytes: Int64
  let logger: Logger

  func makeEngines(_ request: EngineRequest) async throws -> SessionEngines {
    let (isNative, reason) = choice(request.size)
    let factory = isNative ? native ?? embedded : embedded
    var engines = try await factory.makeEngines(request)
    let words = [reason, engines.choice?.reason].compactMap { $0 }.joined(separator: "; ")
    engines.choice = .init(engine: isNative ? "graphscope" : "embedded", reason: words)
    logger.info(
      "engines chosen",
      metadata: [
        "session": "\(request.session)", "engine": "\(isNative ? "graphscope" : "embedded")", "reason": "\(words)",
      ])
    return engines
  }

  func isEmbedded(_ size: EngineSize) -> Bool { !choice(size).isNative }

  func begin(_ launcher: @escaping @Sendable (_ name: String) -> any ChildLauncher) { native?.begin(launcher) }

  func end() async { await native?.end() }

  /// Whether GraphScope's engines are taken, and why.
  func choice(_ size: EngineSize) -> (isNative: Bool, reason: String) {
    guard policy == .auto else { return (policy == .graphscope, "the configuration says so") }
    let need: String
    if size.hosts.count > 1 {
      need = "\(size.hosts.count) workers are asked for"
    } else if size.memoryBytes > memoryBytes {
      need = "\(size.memoryBytes >> 20) MiB of memory are asked for, and this process may use \(memoryBytes >> 20) MiB"
    } else {
      return (false, "one worker is asked for, and no more memory than this process may use")
    }
    guard native != nil else {
      return (false, "\(need), but \(nativeProblem?.description ?? "they are not installed")")
    }
    return (true, need)
  }
}
