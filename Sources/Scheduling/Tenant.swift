import Objects

/// The scheduler's state of a tenant that holds or waits.
struct Tenant: Sendable {
  var policy: TenantPolicy
  /// The resources booked for it.
  var held = Resources.zero
  /// The part of `held` that is being drained.
  var draining = Resources.zero
  var sessions = 0
  var graphs = 0
  var diskBytes: Int64 = 0
  var holders = 0
  /// The number of preemptible holders.
  var preemptible = 0
  /// The owner of its request for which holders are drained.
  var claimant: ObjectReference?
  var queue = TenantQueue()

  var isActive: Bool { holders > 0 || queue.count > 0 }
}

/// A set of limits of a quota.
struct QuotaBounds: OptionSet, Sendable {
  let rawValue: UInt8
  static let sessions = QuotaBounds(rawValue: 1)
  static let cpu = QuotaBounds(rawValue: 2)
  static let memory = QuotaBounds(rawValue: 4)

  /// Returns the limits that a request of this size counts towards.
  static func used(by resources: Resources, sessions: Int) -> QuotaBounds {
    var bounds: QuotaBounds = []
    if sessions > 0 { bounds.insert(.sessions) }
    if resources.cpuMillicores > 0 { bounds.insert(.cpu) }
    if resources.memoryBytes > 0 { bounds.insert(.memory) }
    return bounds
  }
}

extension TenantPolicy.Quota {
  /// Returns the limits that an additional amount would exceed.
  func exceeded(by more: Resources, sessions: Int, beyond tenant: Tenant?) -> QuotaBounds {
    let held = tenant?.held ?? .zero
    var bounds: QuotaBounds = []
    if let most = self.sessions, sessions > 0, (tenant?.sessions ?? 0) + sessions > most { bounds.insert(.sessions) }
    if let most = cpuMillicores, more.cpuMillicores > 0, held.cpuMillicores + more.cpuMillicores > most {
      bounds.insert(.cpu)
    }
    if let most = memoryBytes, more.memoryBytes > 0, held.memoryBytes + more.memoryBytes > most {
      bounds.insert(.memory)
    }
    return bounds
  }
}

extension Scheduler {
  /// Returns the policy in force for a tenant.
  func policy(of tenant: String) -> TenantPolicy {
    if let active = tenants[tenant] { return active.policy }
    return configuredPolicy(of: tenant)
  }

  func configuredPolicy(of tenant: String) -> TenantPolicy {
    if let policy = policies[tenant] { return policy }
    var policy = fallback
    policy.name = tenant
    return policy
  }

  /// The sum of the tenant's priority and the request's own.
  func priority(of request: ResourceRequest) -> Int { policy(of: request.tenant).priority + request.priority }

  /// Changes a tenant; it is known only while it holds or waits.
  mutating func changeTenant(_ name: String, _ body: (inout Tenant) -> Void) {
    if tenants[name] == nil {
      let tenant = Tenant(policy: configuredPolicy(of: name))
      activeWeight += tenant.policy.weight
      tenants[name] = tenant
    }
    body(&tenants[name]!)
    guard !tenants[name]!.isActive else { return }
    activeWeight -= tenants[name]!.policy.weight
    tenants[name] = nil
  }

  /// Replaces all policies. Tenants that hold or wait and are not in the table get the fallback; weights outside 1...1,000 and
  /// negative limits are replaced by the nearest allowed values. Holders beyond a new quota keep what they hold.
  public mutating func setTenants(_ policies: [TenantPolicy], fallback: TenantPolicy) {
    self.policies = Dictionary(policies.map { ($0.name, $0.clamped) }, uniquingKeysWith: { $1 })
    self.fallback = fallback.clamped
    activeWeight = 0
    for name in tenants.keys.sorted() {
      let (old, new) = (tenants[name]!.policy, configuredPolicy(of: name))
      tenants[name]!.policy = new
      activeWeight += new.weight
      if old.priority != new.priority { requeueAll(of: name, oldPriority: old.priority) }
    }
    freed += 1
  }

  /// Reorders a tenant's requests after its priority changed.
  private mutating func requeueAll(of name: String, oldPriority: Int) {
    tenants[name]!.queue = TenantQueue()
    let mine = waiters.values.filter { $0.request.tenant == name }.sorted { $0.key < $1.key }
    for var waiter in mine {
      countWaiting(-1, priority: oldPriority + waiter.request.priority)
      let priority = priority(of: waiter.request)
      countWaiting(1, priority: priority)
      waiter.key = Self.key(arrival: waiter.arrival, priority: priority, sequence: waiter.key.sequence)
      waiters[waiter.request.owner] = waiter
      tenants[name]!.queue.insert(waiter.request.owner, key: waiter.key, shape: waiter.shape)
    }
  }

  // MARK: - Shares

  /// Returns a tenant's dominant share: the largest fraction that it holds of any resource of all hosts.
  func dominantShare(of tenant: Tenant) -> Double { tenant.held.dominantPart(of: hosts.total) }

  /// Returns the dominant share divided by the weight; the tenant with the least goes first.
  func weightedShare(of tenant: Tenant) -> Double { dominantShare(of: tenant) / Double(tenant.policy.weight) }

  /// Returns a tenant's fair share among the tenants that hold or wait now.
  func fairShare(of tenant: Tenant) -> Double { Double(tenant.policy.weight) / Double(max(1, activeWeight)) }
}

extension TenantPolicy {
  /// The nearest allowed policy.
  var clamped: TenantPolicy {
    var policy = self
    policy.weight = min(max(weight, 1), 1_000)
    policy.maximumWaiting = max(maximumWaiting, 0)
    policy.priority = min(max(priority, -Scheduler.highestPriority), Scheduler.highestPriority)
    policy.quota.sessions = quota.sessions.map { max($0, 0) }
    policy.quota.cpuMillicores = quota.cpuMillicores.map { max($0, 0) }
    policy.quota.memoryBytes = quota.memoryBytes.map { max($0, 0) }
    policy.quota.graphs = quota.graphs.map { max($0, 0) }
    policy.quota.diskBytes = quota.diskBytes.map { max($0, 0) }
    return policy
  }
}
