import CPlatform
import ServerConfiguration

/// The number of descriptors (files and connections) that the process may have open, and the parts of it that are for
/// connections.
struct Descriptors {
  /// The minimum; with fewer there are not enough for the state, the logs, the listeners and a graph.
  static let least = 64
  /// The number of descriptors that the idle process uses.
  private static let ownCount = 40

  /// The number that may be open.
  let count: Int

  /// The current limit.
  static var current: Descriptors { Descriptors(count: Int(platform_descriptor_limit())) }

  /// Raises the limit of the process to the maximum that it may set.
  /// - Throws: `ConfigurationError` when that is less than `least`.
  static func raise() throws -> Descriptors {
    let descriptors = Descriptors(count: Int(platform_raise_descriptor_limit()))
    guard descriptors.count >= least else {
      throw ConfigurationError(
        "this process may have \(descriptors.count) files open, but needs at least \(least). Raise the limit (ulimit -n, "
          + "LimitNOFILE= of a service)")
    }
    return descriptors
  }

  /// The maximum number of client connections; the remaining descriptors are for files.
  var clientConnections: Int { max(4, (count - Self.ownCount) * 3 / 5) }

  /// The maximum number of operators' connections.
  var operatorConnections: Int { max(2, count / 16) }

  /// Returns a remark if fewer connections can be accepted than are configured; otherwise nil.
  func remark(connections: Int) -> String? {
    guard clientConnections < connections else { return nil }
    return
      "this process may have \(count) files open, so it accepts \(clientConnections) client connections at a time; others "
      + "wait. Raise the limit (ulimit -n, LimitNOFILE= of a service) for more"
  }
}
