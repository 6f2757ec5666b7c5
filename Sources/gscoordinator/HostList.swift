import Cluster
import Foundation
import GraphScopeEngines

/// The hosts of GraphScope's engines where there is no cluster file: a list of names, as the Python client's
/// configuration has them. Nothing is known of them, so they are taken to be like this one.
enum HostList {
  /// The plan for hosts, among which sessions' workers are spread.
  /// - Parameters:
  ///   - text: names, separated by commas; empty for this host alone.
  ///   - base: the plan for this host.
  /// - Throws: `ConfigurationError` for what is no name.
  static func plan(_ text: String, _ base: ClusterPlan) throws -> ClusterPlan {
    guard !text.isEmpty else { return base }
    var plan = base
    plan.hosts = try names(text).map { name in
      guard HostReach.isHost(name) else {
        throw ConfigurationError("hosts is '\(text)', and '\(name)' is no name of a host")
      }
      var host = base.hosts[0]
      host.name = name
      return host
    }
    guard !plan.hosts.isEmpty else { throw ConfigurationError("hosts is '\(text)', and names no host") }
    plan.demand.placement = .spread
    return plan
  }

  /// The hosts of a list, each once, this one by the name that it has for the scheduler. As MPI has it, a number may stand
  /// behind a name; how many workers a host gets is for the scheduler to say.
  static func names(_ text: String) -> [String] {
    var seen: Set<String> = []
    return text.split(separator: ",").map { part in
      let name = String(part.trimmingCharacters(in: .whitespaces))
      let bare = name == "::1" ? name : String(name.prefix { $0 != ":" })
      return isOwn(bare) ? ClusterPlan.ownHost : bare
    }.filter { seen.insert($0).inserted }
  }

  /// Whether a name is one that this host has for itself.
  static func isOwn(_ name: String) -> Bool {
    [ClusterPlan.ownHost, "127.0.0.1", "::1", ProcessInfo.processInfo.hostName].contains(name)
  }
}
