import Coordinator
import EmbeddedLearning
import Engines
import Foundation
import GraphScopeEngines
import Logging
import ServerConfiguration
import Workers

extension EngineChoice {
  /// Returns the factory of the configured engines.
  /// - Throws: `ConfigurationError` when GraphScope's engines are configured but not installed, or when a setting for them is
  ///   invalid, even if they are not used.
  func factory(_ settings: Settings, pool: WorkerPool, workspace: String, logger: Logger) throws -> any EngineFactory {
    let compilers = try settings.integer(.compilers)
    if self == .embedded, settings.optionalText(.hosts) != nil {
      throw ConfigurationError(
        "hosts is '\(settings.text(.hosts))' (\(settings.origin(.hosts))), but embedded engines run only in this "
          + "process. Use --engine graphscope or auto for GraphScope's engines, which run on several hosts")
    }
    if self == .embedded, case let workers = try settings.integer(.workers), workers > 1 {
      logger.warning(
        """
        workers is \(workers) (\(settings.origin(.workers))), but an embedded engine is one worker. \
        Use --engine graphscope or auto for GraphScope's engines, which have several
        """)
    }
    let ahead = GraphScopeEngineFactory.Ahead(
      count: try settings.integer(.warmEngines), directory: workspace + "/warm"
    ) { words, isFailure in logger.log(level: isFailure ? .warning : .info, "\(words)") }
    let embedded = EmbeddedFactory(
      pool: pool, listening: try Self.learningListening(settings),
      learningSeed: try settings.optionalInteger(.learningSeed).map(UInt64.init))
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

  /// Sampling servers listen for other hosts only where the coordinator may without TLS: their clients cannot use it.
  private static func learningListening(_ settings: Settings) throws -> LearningListening {
    let host = settings.text(.host)
    let isAddress = host != "0.0.0.0" && host != "::"
    return LearningListening(remoteHost: try settings.flag(.accessAllowPlaintext) && isAddress ? host : nil)
  }

  private static func native(
    _ settings: Settings, workspace: String, compilers: Int, ahead: GraphScopeEngineFactory.Ahead
  ) throws -> GraphScopeEngineFactory {
    let installation = try search(settings).find()
    let cache = cache(settings, workspace: workspace)
    let libraries = LibraryStore(
      installation, directory: cache, userDirectory: "\(workspace)/\(Workspace.userLibraries)", compilers: compilers)
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    return GraphScopeEngineFactory(
      installation, libraries: libraries, path: path, reach: try reach(settings),
      keyAgent: ProcessInfo.processInfo.environment["SSH_AUTH_SOCK"], ahead: ahead)
  }
}

/// Chooses the engines of each session by the resources that it requests.
struct ChoosingFactory: EngineFactory {
  let policy: EngineChoice
  let embedded: any EngineFactory
  /// The factory of GraphScope's engines; nil if they are not installed or must not be used.
  let native: (any EngineFactory)?
  /// The reason for which they are not installed.
  let nativeProblem: InstallationProblem?
  /// The memory that this process may use, in bytes.
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

  /// Returns whether to use GraphScope's engines, and why.
  func choice(_ size: EngineSize) -> (isNative: Bool, reason: String) {
    guard policy == .auto else { return (policy == .graphscope, "chosen in the configuration") }
    let need: String
    if size.hosts.count > 1 {
      need = "\(size.hosts.count) workers are requested"
    } else if size.memoryBytes > memoryBytes {
      need = "\(size.memoryBytes >> 20) MiB of memory are requested, and this process may use \(memoryBytes >> 20) MiB"
    } else {
      return (false, "one worker is requested, and no more memory than this process may use")
    }
    guard native != nil else {
      return (false, "\(need), but \(nativeProblem?.description ?? "GraphScope's engines are not installed")")
    }
    return (true, need)
  }
}
