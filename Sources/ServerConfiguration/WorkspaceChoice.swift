import CPlatform
import Coordinator
import Foundation

/// The directory that a coordinator uses: the configured one; otherwise one for its port, so that a coordinator restarted on
/// that port finds its state; or a temporary one if it could not be found again.
public enum WorkspaceChoice: Equatable, Sendable {
  /// A directory that remains when the coordinator ends.
  case kept(String)
  /// A new directory below this one, removed when the coordinator ends.
  case temporary(below: String)

  /// Makes the choice for a configuration.
  public init(_ settings: Settings, environment: [String: String] = ProcessInfo.processInfo.environment) {
    if let path = settings.optionalText(.workspace) {
      self = .kept(path)
      return
    }
    // A client that starts a coordinator also stops it, and uses another port the next time.
    let isClients = settings.origin(.port) == .client
    if let port = UInt16(settings.text(.port)), port > 0, !isClients, let state = Self.stateDirectory(environment) {
      self = .kept("\(state)/\(Self.folder)/port-\(port)")
    } else {
      self = .temporary(below: Self.temporaryRoot(environment))
    }
  }

  private static let folder = "gscoordinator"

  /// Returns the directories below which coordinators of this user keep workspaces by default.
  public static func roots(_ environment: [String: String]) -> [String] {
    [temporaryRoot(environment)] + (stateDirectory(environment).map { ["\($0)/\(folder)"] } ?? [])
  }

  private static func temporaryRoot(_ environment: [String: String]) -> String {
    "\(environment["TMPDIR"] ?? "/tmp")/gscoordinator-\(getuid())"
  }

  /// Returns the directory for the state of programs, according to the XDG Base Directory Specification.
  private static func stateDirectory(_ environment: [String: String]) -> String? {
    if let path = environment["XDG_STATE_HOME"], path.hasPrefix("/") { return path }
    guard let home = environment["HOME"], home.hasPrefix("/"), home != "/" else { return nil }
    return home + "/.local/state"
  }

  /// The directory, if it is known before the coordinator runs.
  public var path: String? {
    if case .kept(let path) = self { path } else { nil }
  }
}
