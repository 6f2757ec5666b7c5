import Objects

extension Scheduler: Equatable {
  /// Returns whether a journal of one could be a journal of the other.
  public static func == (a: Scheduler, b: Scheduler) -> Bool {
    a.policies == b.policies && a.fallback == b.fallback && a.hostFacts == b.hostFacts
      && a.holders.mapValues { HolderFacts(request: $0.request, booked: a.allocation($0)) }
        == b.holders.mapValues { HolderFacts(request: $0.request, booked: b.allocation($0)) }
      && a.waiting == b.waiting && a.waiters.mapValues(\.request) == b.waiters.mapValues(\.request)
  }

  private struct HolderFacts: Equatable {
    let request: ResourceRequest
    let booked: Allocation
  }

  private struct HostFacts: Equatable {
    let name: String
    let capacity: Resources
    let labels: [String: String]
    let isPresent: Bool
  }

  private var hostFacts: [HostFacts] {
    hosts.sorted.map {
      HostFacts(name: $0.name, capacity: $0.capacity, labels: $0.labels, isPresent: $0.isPresent)
    }
  }

  /// Returns the violated invariants; empty if the scheduler is consistent. Checks the entire state.
  public func violations() -> [String] {
    var found = hostViolations() + tenantViolations()
    found += waiters.keys.filter { holders[$0] != nil }.sorted().map { "\($0) both waits and holds" }
    var preemptible: [Int: Int] = [:]
    for holder in holders.values where holder.mayBePreempted { preemptible[holder.rank, default: 0] += 1 }
    if preemptible != preemptibleByRank { found.append("the count of preemptible holders is wrong") }
    var priorities: [Int: Int] = [:]
    for waiter in waiters.values { priorities[priority(of: waiter.request), default: 0] += 1 }
    if priorities != waitingByPriority { found.append("the count of waiting requests is wrong") }
    if let reservation, waiters[reservation.owner] == nil {
      found.append("\(reservation.owner) has a reservation and does not wait")
    }
    found += claims.filter { waiters[$0.owner] == nil }.map { "\($0.owner) has a claim and does not wait" }
    for holder in holders.values where holder.booked.count != holder.request.members.count {
      found.append("\(holder.request.owner) holds only a part of its gang")
    }
    return found
  }

  private func hostViolations() -> [String] {
    var booked: [Int: Resources] = [:]
    var draining: [Int: Resources] = [:]
    var preemptible: [Int: Resources] = [:]
    var reserved: [Int: Resources] = [:]
    func add(_ slots: [Int], _ amounts: [Resources], _ sums: inout [Int: Resources]) {
      for (slot, amount) in zip(slots, amounts) { sums[slot] = (sums[slot] ?? .zero) + amount }
    }
    for holder in holders.values {
      add(holder.slots, holder.booked, &booked)
      if holder.isDraining { add(holder.slots, holder.booked, &draining) }
      if holder.mayBePreempted { add(holder.slots, holder.booked, &preemptible) }
    }
    if let reservation { add(reservation.slots, reservation.amounts, &reserved) }
    for claim in claims { add(claim.slots, claim.amounts, &reserved) }
    var found: [String] = []
    var (total, used) = (Resources.zero, Resources.zero)
    for host in hosts.sorted {
      let slot = hosts.slot(of: host.name)!
      let sum = booked.removeValue(forKey: slot) ?? .zero
      if sum != host.used {
        found.append("host \(host.name): allocations add up to \(sum), but \(host.used) is booked")
      }
      if !host.used.fits(in: host.capacity) { found.append("host \(host.name) is overcommitted") }
      if host.draining != draining[slot] ?? .zero { found.append("host \(host.name): draining is wrong") }
      if host.preemptible != preemptible[slot] ?? .zero { found.append("host \(host.name): preemptible is wrong") }
      if host.reserved != reserved[slot] ?? .zero { found.append("host \(host.name): reserved is wrong") }
      guard host.isPresent else { continue }
      total = total + host.capacity
      used = used + host.used
    }
    if total != hosts.total || used != hosts.used { found.append("the totals of all hosts are wrong") }
    return found + booked.keys.sorted().map { "slot \($0) has allocations but no host" }
  }

  private func tenantViolations() -> [String] {
    var found: [String] = []
    let byTenant = Dictionary(grouping: holders.values) { $0.request.tenant }
    for (name, tenant) in tenants.sorted(by: { $0.key < $1.key }) {
      let mine = byTenant[name] ?? []
      let isRight =
        tenant.held == .sum(mine.lazy.flatMap(\.booked)) && tenant.holders == mine.count
        && tenant.draining == .sum(mine.lazy.filter(\.isDraining).flatMap(\.booked))
        && tenant.sessions == mine.reduce(0) { $0 + $1.request.sessions }
        && tenant.graphs == mine.reduce(0) { $0 + $1.usage.graphs }
        && tenant.diskBytes == mine.reduce(0) { $0 + $1.usage.diskBytes }
        && tenant.preemptible == mine.count { $0.mayBePreempted }
        && tenant.queue.count == waiters.values.count { $0.request.tenant == name }
      if !isRight { found.append("the totals of tenant \(name) are wrong") }
      if !tenant.isActive { found.append("tenant \(name) neither holds nor waits") }
    }
    if activeWeight != tenants.values.reduce(0, { $0 + $1.policy.weight }) {
      found.append("the sum of weights is wrong")
    }
    found += byTenant.keys.filter { tenants[$0] == nil }.map { "unknown tenant \($0) holds resources" }
    return found
  }
}
