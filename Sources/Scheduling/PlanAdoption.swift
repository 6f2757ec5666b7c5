import Objects

extension Scheduler {
  /// Creates a scheduler with the hosts and tenants of a plan.
  public init(_ plan: ClusterPlan) {
    self.init()
    // A scheduler without holders has no reason to reject a valid plan.
    try? adopt(plan, insteadOf: ClusterPlan(hosts: []))
  }

  /// Replaces the old plan by a new one. Hosts that are not in the new plan receive no further placements; existing allocations
  /// stay.
  /// - Throws: `SchedulingError` if the capacity of a host is less than what is held there; discard the value then.
  public mutating func adopt(_ plan: ClusterPlan, insteadOf old: ClusterPlan) throws(SchedulingError) {
    setTenants(plan.tenants, fallback: plan.fallback)
    for host in plan.hosts {
      var labels = host.labels
      labels[ClusterPlan.hostLabel] = host.name
      try setHost(host.name, capacity: host.capacity, labels: labels)
    }
    for host in old.hosts where !plan.hosts.contains(where: { $0.name == host.name }) { _ = removeHost(host.name) }
  }
}

extension ClusterPlan {
  /// Returns sentences that describe how the hosts and the demand of sessions differ in `new`.
  public static func differences(of old: ClusterPlan, _ new: ClusterPlan) -> [String] {
    var lines: [String] = []
    for host in new.hosts {
      guard let before = old.hosts.first(where: { $0.name == host.name }) else {
        lines.append("host \(host.name) is added: \(host.capacity)")
        continue
      }
      if before.capacity != host.capacity {
        lines.append("host \(host.name) has \(host.capacity) instead of \(before.capacity)")
      }
      if before.labels != host.labels {
        lines.append("host \(host.name) has the labels \(text(host.labels)) instead of \(text(before.labels))")
      }
    }
    for host in old.hosts where !new.hosts.contains(where: { $0.name == host.name }) {
      lines.append("host \(host.name) is removed: nothing new is placed on it, and what runs on it continues")
    }
    if old.demand != new.demand { lines.append("new sessions request \(new.demand) instead of \(old.demand)") }
    for name in Set(old.demands.keys).union(new.demands.keys).sorted() where old.demands[name] != new.demands[name] {
      lines.append("new sessions of tenant \(name) request \(new.demands[name] ?? new.demand)")
    }
    return lines
  }

  private static func text(_ labels: [String: String]) -> String {
    labels.isEmpty ? "none" : labels.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: ",")
  }
}

extension ClusterPlan.SessionDemand: CustomStringConvertible {
  /// The demand as text for people, for example `2 workers, each 1 core and 512 MiB`.
  public var description: String {
    let amounts = Resources(cpuMillicores: cpuMillicores, memoryBytes: memoryBytes)
    let each = amounts == .zero ? "nothing reserved" : "\(amounts)"
    return "\(workers) worker\(workers == 1 ? "" : "s"), each \(each)\(isPreemptible ? "" : ", not preemptible")"
  }
}
