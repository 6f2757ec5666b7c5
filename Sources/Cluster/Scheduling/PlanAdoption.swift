extension Scheduler {
  /// A scheduler with the hosts and tenants of a plan.
  public init(_ plan: ClusterPlan) {
    self.init()
    // A scheduler that holds nothing has no reason to refuse a valid plan.
    try? adopt(plan, insteadOf: ClusterPlan(hosts: []))
  }

  /// Puts a plan into force instead of another one. Hosts that are gone get nothing new; what is held there stays held.
  /// - Throws: `SchedulingError` when a host has less than what is held there; the value must be dropped then.
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
  /// What is different about the hosts and the demand of sessions in `new`, in sentences.
  public static func differences(of old: ClusterPlan, _ new: ClusterPlan) -> [String] {
    var lines: [String] = []
    for host in new.hosts {
      guard let before = old.hosts.first(where: { $0.name == host.name }) else {
        lines.append("host \(host.name) is added with \(host.capacity)")
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
      lines.append("host \(host.name) is removed: nothing new is placed there, what runs there goes on")
    }
    if old.demand != new.demand { lines.append("new sessions ask for \(new.demand) instead of \(old.demand)") }
    for name in Set(old.demands.keys).union(new.demands.keys).sorted() where old.demands[name] != new.demands[name] {
      lines.append("new sessions of tenant \(name) ask for \(new.demands[name] ?? new.demand)")
    }
    return lines
  }

  private static func text(_ labels: [String: String]) -> String {
    labels.isEmpty ? "none" : labels.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: ",")
  }
}

extension ClusterPlan.SessionDemand: CustomStringConvertible {
  /// For example `2 workers, each 1 core and 512 MiB`.
  public var description: String {
    let amounts = Resources(cpuMillicores: cpuMillicores, memoryBytes: memoryBytes)
    let each = amounts == .zero ? "nothing kept free" : "\(amounts)"
    return "\(workers) worker\(workers == 1 ? "" : "s"), each \(each)\(isPreemptible ? "" : ", not preemptible")"
  }
}
