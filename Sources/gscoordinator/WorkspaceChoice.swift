import CPlatform
import Coordinator
import Foundation

/// Which directory a coordinator uses: the one that is configured, or one for its port, so that a coordinator that is
/// started again on a port finds its state, or a temporary one, when nobody could find it again.
enum WorkspaceChoice: Equatable {
  /// Stays when the coordinator ends.
  case kept(String)
  /// A directory of its own below this one, which goes when the coordinator ends.
  case temporary(below: String)

  init(_ settings: Settings, environment: [String: String] = ProcessInfo.processInfo.environment) {
    if let path = settings.optionalText(.workspace) {
      self = .kept(path)
      return
    }
    // A client that starts a coordinator for itself ends it, too, and chooses another port the next time.
    let isClients = settings.origin(.port) == .client
    if let port = UInt16(settings.text(.port)), port > 0, !isClients, let state = Self.stateDirectory(environment) {
      self = .kept("\(state)/gscoordinator/port-\(port)")
    } else {
      self = .temporary(below: "\(environment["TMPDIR"] ?? "/tmp")/gscoordinator-\(getuid())")
    }
  }

  /// Where programs keep state, by the XDG base directory specification.
  private static func stateDirectory(_ environment: [String: String]) -> String? {
    if let path = environment["XDG_STATE_HOME"], path.hasPrefix("/") { return path }
    guard let home = environment["HOME"], home.hasPrefix("/"), home != "/" else { return nil }
    return home + "/.local/state"
  }

  /// The directory, if it can be known before the coordinator runs.
  var path: String? {
    if case .kept(let path) = self { path } else { nil }
  }
}
