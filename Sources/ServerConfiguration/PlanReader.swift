import Coordinator
import Foundation
import Scheduling

extension Settings {
  /// Returns the number of threads that load graphs and run algorithms.
  public func threadCount() throws -> Int {
    try optionalInteger(.threads) ?? ProcessInfo.processInfo.activeProcessorCount
  }

  /// Returns a function that reads hosts and tenants: those of the cluster file, or else this host, which all tenants share
  /// equally.
  public func planReader() throws -> @Sendable () throws -> ClusterPlan {
    var base = ClusterPlan.ownHostAlone(
      sessions: try integer(.sessions), cpuMillicores: Int64(try threadCount()) * 1000)
    base.demand.workers = try integer(.workers)
    guard let path = optionalText(.clusterFile) else {
      let plan = try HostList.plan(text(.hosts), base)
      return { plan }
    }
    // A client that starts this coordinator does not know about its cluster file.
    guard optionalText(.hosts) == nil || origin(.hosts) == .client else {
      throw ConfigurationError(
        "both hosts (\(origin(.hosts))) and cluster_file specify hosts. Remove one of them")
    }
    return { [base] in try ClusterFile(base: base).read(path) }
  }
}
