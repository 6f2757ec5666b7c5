import Objects

/// Previews of policy changes.
extension Scheduler {
  /// Returns sentences that describe the effects of `setTenants` and the following `schedule`: tenants added, removed and
  /// changed, tenants over quota, requests that would start, and holders that would be drained. Changes nothing.
  public func preview(
    _ policies: [TenantPolicy], fallback: TenantPolicy, at now: ContinuousClock.Instant
  ) -> [String] {
    var supposed = self
    supposed.setTenants(policies, fallback: fallback)
    var sentences: [String] = []
    for name in Set(self.policies.keys).union(supposed.policies.keys).sorted() {
      switch (self.policies[name], supposed.policies[name]) {
      case (nil, let new?): sentences.append("Tenant \(name) is added: \(Self.words(new)).")
      case (let old?, nil):
        let active = tenants[name]
        sentences.append(
          "Tenant \(name) is removed (\(Self.words(old)))"
            + (active.map { "; its \($0.holders) holders and \($0.queue.count) requests use the fallback." } ?? "."))
      case (let old?, let new?):
        let changes = Self.changes(old, new)
        if !changes.isEmpty { sentences.append("Tenant \(name) changes: \(changes).") }
      case (nil, nil): break
      }
    }
    let changes = Self.changes(self.fallback, supposed.fallback)
    if !changes.isEmpty { sentences.append("The fallback changes: \(changes).") }
    sentences += supposed.tenants.keys.sorted().flatMap { supposed.excess(ofTenant: $0) }
    for decision in supposed.schedule(at: now) {
      switch decision {
      case .grant(let allocation):
        let hosts = Set(allocation.placements.map(\.host)).sorted()
        let names = hosts.prefix(3).joined(separator: ", ") + (hosts.count > 3 ? " and \(hosts.count - 3) more" : "")
        sentences.append("\(allocation.owner) would start on \(names).")
      case .preempt(let owner, let other, let reason):
        sentences.append("\(owner) would be preempted for \(other): \(reason)")
      }
    }
    return sentences
  }

  /// Returns by how much the holdings of a tenant exceed its quota.
  private func excess(ofTenant name: String) -> [String] {
    let tenant = tenants[name]!
    let quota = tenant.policy.quota
    func sentence(_ held: Int64, _ most: Int64?, _ what: String, _ text: (Int64) -> String) -> String? {
      guard let most, held > most else { return nil }
      return "Tenant \(name) would be over its quota of \(what): \(text(held)) in use, \(text(most)) allowed; "
        + "it keeps what it has, and gets no more."
    }
    return [
      sentence(Int64(tenant.sessions), quota.sessions.map(Int64.init), "sessions") { "\($0)" },
      sentence(tenant.held.cpuMillicores, quota.cpuMillicores, "processors", Resources.cores),
      sentence(tenant.held.memoryBytes, quota.memoryBytes, "memory", Resources.bytes),
      sentence(Int64(tenant.graphs), quota.graphs.map(Int64.init), "graphs") { "\($0)" },
      sentence(tenant.diskBytes, quota.diskBytes, "disk space", Resources.bytes),
    ].compactMap { $0 }
  }

  private static func values(_ policy: TenantPolicy) -> [(name: String, value: String)] {
    let quota = policy.quota
    return [
      ("weight", "\(policy.weight)"), ("priority", "\(policy.priority)"),
      ("waiting requests", "\(policy.maximumWaiting)"),
      ("sessions", quota.sessions.map { "\($0)" } ?? "unlimited"),
      ("processors", quota.cpuMillicores.map(Resources.cores) ?? "unlimited"),
      ("memory", quota.memoryBytes.map(Resources.bytes) ?? "unlimited"),
      ("graphs", quota.graphs.map { "\($0)" } ?? "unlimited"),
      ("disk space", quota.diskBytes.map(Resources.bytes) ?? "unlimited"),
    ]
  }

  private static func words(_ policy: TenantPolicy) -> String {
    values(policy).filter { $0.value != "unlimited" }.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
  }

  private static func changes(_ old: TenantPolicy, _ new: TenantPolicy) -> String {
    zip(values(old), values(new)).filter { $0.value != $1.value }
      .map { "\($0.name) \($0.value) -> \($1.value)" }.joined(separator: ", ")
  }
}
