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
  /// GraphScope's own where they are installed and more than one worker is asked for; else those inside this process.
  case auto

  init(_ settings: Settings) throws {
    guard let choice = EngineChoice(rawValue: settings.text(.engine)) else {
      throw ConfigurationError(
        "engine is '\(settings.text(.engine))' (\(settings.origin(.engine))), but must be one of "
          + Self.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self = choice
  }

  /// The factory of the engines.
  /// - Throws: `ConfigurationError` when GraphScope's engines are wanted and not installed.
  func factory(_ settings: Settings, pool: WorkerPool, workspace: String, logger: Logger) throws -> any EngineFactory {
    let embedded = EmbeddedFactory(pool: pool)
    if self == .embedded { return embedded }
    do {
      let native = try Self.native(settings, workspace: workspace)
      if self == .graphscope { return native }
      return ChoosingFactory(embedded: embedded, native: native, nativeProblem: nil, logger: logger)
    } catch let problem as InstallationProblem {
      guard self == .auto else { throw ConfigurationError("engine is 'graphscope', but \(problem)") }
      return ChoosingFactory(
        embedded: embedded, native: nil, nativeProblem: problem, logger: logger)
    }
  }

  private static func native(_ settings: Settings, workspace: String) throws -> GraphScopeEngineFactory {
    let installation = try search(settings).find()
    let cache = cache(settings, workspace: workspace)
    let libraries = LibraryStore(
      installation, directory: cache, compilers: try settings.integer(.compilers, in: 1...1024))
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    return GraphScopeEngineFactory(installation, libraries: libraries, path: path)
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
  let embedded: any EngineFactory
  /// GraphScope's own, where they are installed.
  let native: (any EngineFactory)?
  /// Why they are not installed.
  let nativeProblem: InstallationProblem?
  let logger: Logger

  func makeEngines(_ request: EngineRequest) async throws -> SessionEngines {
    let (isNative, reason) = choice(workers: request.size.hosts.count)
    logger.info(
      "engines chosen",
      metadata: [
        "session": "\(request.session)", "engine": "\(isNative ? "graphscope" : "embedded")", "reason": "\(reason)",
      ])
    let factory = isNative ? native ?? embedded : embedded
    var engines = try await factory.makeEngines(request)
    engines.choice = .init(engine: isNative ? "graphscope" : "embedded", reason: reason)
    return engines
  }

  func isEmbedded(workers: Int) -> Bool { !choice(workers: workers).isNative }

  /// Whether GraphScope's engines are taken, and why.
  func choice(workers: Int) -> (isNative: Bool, reason: String) {
    guard workers > 1 else { return (false, "one worker is asked for") }
    guard native != nil else {
      return (
        false, "\(workers) workers are asked for, but \(nativeProblem.map { "\($0)" } ?? "they are not installed")"
      )
    }
    return (true, "\(workers) workers are asked for")
  }
}
