import Objects

/// A report of the scheduler's state, for operators.
public struct SchedulerReport: Sendable, Equatable, Codable {
  /// A host.
  public struct Host: Sendable, Equatable, Codable {
    /// Its name.
    public let name: String
    /// The labels that selectors match.
    public let labels: [String: String]
    /// The capacity.
    public let capacity: Resources
    /// The resources booked there.
    public let used: Resources
    /// The resources reserved there for the next requests.
    public let reserved: Resources
    /// The number of holders with allocations there.
    public let holders: Int
    /// Whether the host accepts placements: false for a host that was removed while something was held there.
    public let isPresent: Bool
  }

  /// A tenant that is configured, holds or waits.
  public struct Tenant: Sendable, Equatable, Codable {
    /// The policy in force.
    public let policy: TenantPolicy
    /// Whether it has a policy of its own rather than the fallback.
    public let isConfigured: Bool
    /// The resources that it holds.
    public let held: Resources
    /// The number of open sessions.
    public let sessions: Int
    /// The number of loaded graphs.
    public let graphs: Int
    /// Bytes on disk.
    public let diskBytes: Int64
    /// The number of holders.
    public let holders: Int
    /// The number of waiting requests.
    public let waiting: Int
    /// The largest fraction that it holds of any resource, 0 to 1.
    public let dominantShare: Double
    /// Its fair share among the tenants that hold or wait now, 0 to 1.
    public let fairShare: Double
    /// By how much its dominant share exceeds its fair share; other tenants may reclaim it.
    public let borrowed: Double
  }

  /// Hosts in the order of names.
  public let hosts: [Host]
  /// Tenants in the order of names.
  public let tenants: [Tenant]
  /// The total capacity of the hosts that are present.
  public let capacity: Resources
  /// The total bookings on these hosts.
  public let used: Resources
  /// The number of holders.
  public let holders: Int
  /// The number of holders being drained for others.
  public let draining: Int
  /// The number of waiting requests.
  public let waiting: Int
  /// The owner of the next request, if hosts are reserved for it.
  public let next: ObjectReference?
}

extension Scheduler {
  /// All owners that hold something, in the order of names.
  public var holding: [ObjectReference] { holders.keys.sorted() }

  /// All owners that wait, by tenant, in the order of each tenant's queue.
  public var waiting: [ObjectReference] {
    tenants.keys.sorted().flatMap { name in tenants[name]!.queue.prefix(.max).map(\.place.owner) }
  }

  /// Returns the capacity and the bookings of a host; nil if the host is unknown.
  public func usage(of host: String) -> (capacity: Resources, used: Resources)? {
    hosts.slot(of: host).map { (hosts[$0].capacity, hosts[$0].used) }
  }

  /// Returns a report of hosts, tenants and totals.
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
