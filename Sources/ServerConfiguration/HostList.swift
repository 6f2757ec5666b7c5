import Foundation
import GraphScopeEngines
import Scheduling

/// The hosts of GraphScope's engines if there is no cluster file: a list of names, as in the Python client's configuration.
/// Their capacities are not known; each is assumed to equal this host.
enum HostList {
  /// Returns a plan whose hosts are those of a list; the workers of a session are spread among them.
  /// - Parameters:
  ///   - text: names, separated by commas; empty for this host alone.
  ///   - base: the plan for this host.
  /// - Throws: `ConfigurationError` for an invalid name.
  static func plan(_ text: String, _ base: ClusterPlan) throws -> ClusterPlan {
    guard !text.isEmpty else { return base }
    var plan = base
    plan.hosts = try names(text).map { name in
      guard HostReach.isHost(name) else {
        throw ConfigurationError("hosts is '\(text)', but '\(name)' is not a host name")
      }
      var host = base.hosts[0]
      host.name = name
      return host
    }
    guard !plan.hosts.isEmpty else { throw ConfigurationError("hosts is '\(text)', but must name at least one host") }
    plan.demand.placement = .spread
    return plan
  }

  /// Returns the hosts of a list without duplicates; this host has the name that the scheduler uses for it. As in MPI, a name
  /// may be followed by a colon and a number, which is ignored because the scheduler decides how many workers a host runs.
  static func names(_ text: String) -> [String] {
    var seen: Set<String> = []
    return text.split(separator: ",").map { part in
      let name = String(part.trimmingCharacters(in: .whitespaces))
      let bare = name == "::1" ? name : String(name.prefix { $0 != ":" })
      return isOwn(bare) ? ClusterPlan.ownHost : bare
    }.filter { seen.insert($0).inserted }
  }

  /// Returns whether a name refers to this host.
  static func isOwn(_ name: String) -> Bool {
    [ClusterPlan.ownHost, "127.0.0.1", "::1", ProcessInfo.processInfo.hostName].contains(name)
  }
}
