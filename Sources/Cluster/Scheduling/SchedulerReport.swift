/// What the scheduler knows, for operators.
public struct SchedulerReport: Sendable, Equatable, Codable {
  /// A host.
  public struct Host: Sendable, Equatable, Codable {
    /// Its name.
    public let name: String
    /// What selectors look at.
    public let labels: [String: String]
    /// What it has.
    public let capacity: Resources
    /// What is booked there.
    public let used: Resources
    /// What of it is not given to anybody behind those for which it is kept.
    public let reserved: Resources
    /// How many hold something there.
    public let holders: Int
    /// Whether anything is placed there: false for a host that was lost while something was held on it.
    public let isPresent: Bool
  }

  /// A tenant that is configured, holds or waits.
  public struct Tenant: Sendable, Equatable, Codable {
    /// What holds for it.
    public let policy: TenantPolicy
    /// Whether it has a policy of its own, not the fallback.
    public let isConfigured: Bool
    /// What it holds on hosts.
    public let held: Resources
    /// Sessions that are open.
    public let sessions: Int
    /// Graphs that are loaded.
    public let graphs: Int
    /// Bytes on disk.
    public let diskBytes: Int64
    /// How many hold something.
    public let holders: Int
    /// How many wait.
    public let waiting: Int
    /// The largest part that it holds of any kind of resource, 0 to 1.
    public let dominantShare: Double
    /// The part that is due to it among those that hold or wait now, 0 to 1.
    public let fairShare: Double
    /// By how much its dominant share exceeds its fair one; others get it back when they need it.
    public let borrowed: Double
  }

  /// Hosts in the order of names.
  public let hosts: [Host]
  /// Tenants in the order of names.
  public let tenants: [Tenant]
  /// What all hosts have that are there.
  public let capacity: Resources
  /// What is booked on them.
  public let used: Resources
  /// How many hold something.
  public let holders: Int
  /// How many of those are being drained for others.
  public let draining: Int
  /// How many wait.
  public let waiting: Int
  /// For whom hosts are kept because it is next.
  public let next: String?
}

extension Scheduler {
  /// Everybody that holds something, in the order of names.
  public var holding: [String] { holders.keys.sorted() }

  /// Everybody that waits: by tenant, in each in its order.
  public var waiting: [String] {
    tenants.keys.sorted().flatMap { name in tenants[name]!.queue.prefix(.max).map(\.place.owner) }
  }

  /// What a host has and what is booked on it; nil when it is not known.
  public func usage(of host: String) -> (capacity: Resources, used: Resources)? {
    hosts.slot(of: host).map { (hosts[$0].capacity, hosts[$0].used) }
  }

  /// Hosts, tenants and totals.
  public func report(at now: ContinuousClock.Instant) -> SchedulerReport {
    let names = Set(policies.keys).union(tenants.keys).sorted()
    return SchedulerReport(
      hosts: hosts.sorted.map { host in
        SchedulerReport.Host(
          name: host.name, labels: host.labels, capacity: host.capacity, used: host.used, reserved: host.reserved,
          holders: host.holders.count, isPresent: host.isPresent)
      },
      tenants: names.map { report(ofTenant: $0) },
      capacity: hosts.total, used: hosts.used, holders: holders.count,
      draining: holders.values.count { $0.isDraining }, waiting: waiters.count, next: reservation?.owner)
  }

  private func report(ofTenant name: String) -> SchedulerReport.Tenant {
    let tenant = tenants[name] ?? Tenant(policy: configuredPolicy(of: name))
    let weight = activeWeight + (tenants[name] == nil ? tenant.policy.weight : 0)
    let (share, fair) = (dominantShare(of: tenant), Double(tenant.policy.weight) / Double(max(1, weight)))
    return SchedulerReport.Tenant(
      policy: tenant.policy, isConfigured: policies[name] != nil, held: tenant.held, sessions: tenant.sessions,
      graphs: tenant.graphs, diskBytes: tenant.diskBytes, holders: tenant.holders, waiting: tenant.queue.count,
      dominantShare: share, fairShare: fair, borrowed: max(0, share - fair))
  }
}
