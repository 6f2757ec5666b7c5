import Foundation
import GraphScopeEngines

/// The engines that sessions use, as configured.
public enum EngineChoice: String, CaseIterable, Sendable {
  /// The engines inside this process.
  case embedded
  /// GraphScope's own engines.
  case graphscope
  /// GraphScope's own engines if they are installed and a session requests more than one worker, or more memory than this
  /// process may use; otherwise the engines inside this process.
  case auto

  /// Reads the choice from the settings.
  /// - Throws: `ConfigurationError`.
  public init(_ settings: Settings) throws { self = try settings.choice(.engine) }

  /// Returns the configuration for access to other hosts.
  /// - Throws: `ConfigurationError`.
  public static func reach(_ settings: Settings) throws -> HostReach {
    let network = settings.optionalText(.graphscopeNetwork)
    if let network, !HostReach.isNetwork(network) {
      throw ConfigurationError(
        "graphscope.network is '\(network)' (\(settings.origin(.graphscopeNetwork))), but must be a network such as 10.1.2.0/24"
      )
    }
    let shell = settings.text(.graphscopeRemoteShell).split(separator: " ").map(String.init)
    guard !shell.isEmpty else {
      throw ConfigurationError("graphscope.remote_shell is empty, but must name a program such as ssh")
    }
    return HostReach(remoteShell: shell, network: network)
  }

  /// Returns a search for GraphScope's engines in the places that the configuration and the environment specify.
  public static func search(_ settings: Settings) -> InstallationSearch {
    InstallationSearch(
      home: settings.optionalText(.graphscopeHome), python: settings.optionalText(.graphscopePython),
      environment: ProcessInfo.processInfo.environment)
  }

  /// Returns the directory of compiled libraries. By default all coordinators of a user share it.
  public static func cache(_ settings: Settings, workspace: String) -> String {
    if let configured = settings.optionalText(.graphscopeCache) { return configured }
    let environment = ProcessInfo.processInfo.environment
    if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return cache + "/gscoordinator/libraries" }
    if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.cache/gscoordinator/libraries" }
    return workspace + "/libraries"
  }
}
