import Objects

@testable import Scheduling

/// The invariants of every scheduler, checked against books kept independently.
extension SchedulerWorld {
  /// The totals of a tenant, as counted by quotas.
  struct Sums: Equatable {
    var held = Resources.zero
    var sessions = 0
    var graphs = 0
    var diskBytes: Int64 = 0
  }

  func sums() -> [String: Sums] {
    var sums: [String: Sums] = [:]
    for hold in holds.values {
      var mine = sums[hold.request.tenant] ?? Sums()
      mine.held = mine.held + .sum(hold.allocation.placements.map(\.resources))
      mine.sessions += hold.request.sessions
      mine.graphs += hold.usage.graphs
      mine.diskBytes += hold.usage.diskBytes
      sums[hold.request.tenant] = mine
    }
    return sums
  }

  /// The order of turns before a pass.
  struct Order {
    let sums: [String: Sums]
    let reserved: ObjectReference?
    let claims: Set<ObjectReference>

    init(_ world: SchedulerWorld) {
      sums = world.sums()
      reserved = world.scheduler.reservation?.owner
      claims = Set(world.scheduler.claims.map(\.owner))
    }
  }

  mutating func check(_ made: [SchedulingDecision], _ order: Order) {
    let violations = scheduler.violations()
    expect(violations.isEmpty, "sums are right and no host is overcommitted", violations.joined(separator: ", "))
    for (owner, hold) in holds {
      expect(scheduler.allocation(of: owner) == hold.allocation, "what is granted is held", owner)
    }
    let waiting = requests.keys.filter { holds[$0] == nil }.sorted()
    expect(scheduler.waiting.sorted() == waiting, "who is not granted waits", "\(waiting)")
    checkTurns(made, order)
    checkNobodyWaitsInVain()
    checkHeadIsNotDelayed()
  }

  // MARK: - Gangs

  mutating func checkGang(_ allocation: Allocation, _ request: ResourceRequest, kept: Int) {
    let owner = request.owner
    expect(allocation.placements.count == request.members.count, "gangs are whole", owner)
    for (number, (placement, member)) in zip(allocation.placements, request.members).enumerated() {
      let more = number == 0 ? placement.resources.memoryBytes : member.resources.memoryBytes
      var booked = member.resources
      booked.memoryBytes = max(booked.memoryBytes, more)
      expect(placement.resources == booked, "members get what they asked for", owner)
      guard number >= kept, let slot = scheduler.hosts.slot(of: placement.host) else { continue }
      expect(
        scheduler.hosts.isEligible(slot, selector: member.selector), "members are where they want to be", owner)
    }
    let hosts = allocation.placements.map(\.host)
    let isNew = kept == 0
    expect(!request.membersApart || !isNew || Set(hosts).count == hosts.count, "members are apart", owner)
    guard let group = request.apartFrom, isNew else { return }
    for (other, hold) in holds where other != owner && hold.request.apartFrom == group {
      let shared = Set(hosts).intersection(hold.allocation.placements.map(\.host))
      expect(shared.isEmpty, "groups are apart", "\(owner) and \(other) on \(shared)")
    }
  }

  // MARK: - Quotas

  private func quota(of tenant: String) -> TenantPolicy.Quota { policies[tenant]?.quota ?? .init() }

  /// Checks that tenants that grew are within their quotas.
  mutating func expectNoGrowth(beyond before: [String: Sums]) {
    for (tenant, sums) in sums() {
      let (quota, old) = (quota(of: tenant), before[tenant] ?? Sums())
      func check(_ now: Int64, _ then: Int64, _ most: Int64?, _ what: String) {
        expect(now <= then || now <= most ?? .max, "quotas are not exceeded", "\(tenant) has \(now) of \(what)")
      }
      check(Int64(sums.sessions), Int64(old.sessions), quota.sessions.map(Int64.init), "sessions")
      check(sums.held.cpuMillicores, old.held.cpuMillicores, quota.cpuMillicores, "processors")
      check(sums.held.memoryBytes, old.held.memoryBytes, quota.memoryBytes, "memory")
      check(Int64(sums.graphs), Int64(old.graphs), quota.graphs.map(Int64.init), "graphs")
      check(sums.diskBytes, old.diskBytes, quota.diskBytes, "disk space")
    }
  }

  private func exceedsQuota(_ requests: [ResourceRequest], _ sums: [String: Sums]) -> Bool {
    let (quota, mine) = (quota(of: requests[0].tenant), sums[requests[0].tenant] ?? Sums())
    let more = Resources.sum(requests.flatMap(\.members).map(\.resources))
    let sessions = requests.reduce(0) { $0 + $1.sessions }
    return sessions > 0 && mine.sessions + sessions > quota.sessions ?? .max
      || more.cpuMillicores > 0 && mine.held.cpuMillicores + more.cpuMillicores > quota.cpuMillicores ?? .max
      || more.memoryBytes > 0 && mine.held.memoryBytes + more.memoryBytes > quota.memoryBytes ?? .max
  }

  // MARK: - Fairness

  private func weightedShare(_ tenant: String, _ sums: [String: Sums]) -> Double {
    let held = sums[tenant]?.held ?? .zero
    let total = Resources.sum(scheduler.hosts.sorted.filter(\.isPresent).map(\.capacity))
    let parts = [
      (held.cpuMillicores, total.cpuMillicores), (held.memoryBytes, total.memoryBytes),
      (held.analyticalSlots, total.analyticalSlots), (held.interactiveSlots, total.interactiveSlots),
      (held.learningSlots, total.learningSlots),
    ].map { $1 == 0 ? 0 : Double($0) / Double($1) }
    return parts.max()! / Double(policies[tenant]?.weight ?? 1)
  }

  private func level(_ owner: ObjectReference) -> Int {
    let request = requests[owner]!
    let priority = request.priority + (policies[request.tenant]?.priority ?? 0)
    return priority + (seconds - arrivals[owner]!) / 600
  }

  /// Checks that of two consecutive grants the first was due: its priority is higher, or its tenant has less.
  mutating func checkTurns(_ made: [SchedulingDecision], _ order: Order) {
    // A preemption makes room for requests that were examined earlier.
    guard !made.contains(where: { if case .preempt = $0 { true } else { false } }) else { return }
    var sums = order.sums
    var last: (owner: ObjectReference, tenant: String, level: Int, shares: [String: Double])?
    for case .grant(let allocation) in made {
      let (owner, tenant) = (allocation.owner, requests[allocation.owner]!.tenant)
      let request = requests[owner]!
      let shares = Dictionary(
        uniqueKeysWithValues: Set(requests.values.map(\.tenant)).map { ($0, weightedShare($0, sums)) })
      if order.claims.contains(owner) {
        last = nil
      } else {
        if let last, last.tenant != tenant, last.level == level(owner) {
          let (first, second) = (last.shares[last.tenant]!, last.shares[tenant]!)
          expect(
            first <= second + 1e-9, "the tenant with the lowest share is next",
            "\(last.owner) of \(last.tenant) with \(first) goes before \(owner) of \(tenant) with \(second)")
        }
        last = (owner, tenant, level(owner), shares)
      }
      sums[tenant, default: Sums()].held =
        (sums[tenant]?.held ?? .zero) + .sum(request.members.map(\.resources))
    }
  }

  // MARK: - No needless waits or delays

  /// Checks that a single member that fits, is within its quota and delays no other is granted.
  mutating func checkNobodyWaitsInVain() {
    let sums = sums()
    let claims = Set(scheduler.claims.map(\.owner))
    var earlier: [String: [ResourceRequest]] = [:]
    for owner in scheduler.waiting {
      let request = requests[owner]!
      defer { earlier[request.tenant, default: []].append(request) }
      guard request.members.count == 1, !claims.contains(owner), !exceedsQuota([request], sums),
        !(earlier[request.tenant] ?? []).contains(where: { exceedsQuota([request, $0], sums) })
      else { continue }
      for host in scheduler.hosts.sorted where host.isPresent {
        let member = request.members[0]
        let isTaken =
          request.apartFrom != nil
          && holds.values.contains { hold in
            hold.request.apartFrom == request.apartFrom
              && hold.allocation.placements.contains { $0.host == host.name }
          }
        let fits =
          member.resources.fits(in: open(host, for: owner))
          && member.selector.allSatisfy {
            host.labels[$0.key] == $0.value
          }
        expect(isTaken || !fits, "nobody waits for what is there", "\(owner) would fit on \(host.name)")
      }
    }
  }

  /// The free resources of a host that are not reserved for others.
  private func open(_ host: HostIndex.Host, for owner: ObjectReference) -> Resources {
    var used = Resources.zero
    var leaving = Resources.zero
    for (holder, hold) in holds {
      for placement in hold.allocation.placements where placement.host == host.name {
        used = used + placement.resources
        if draining.contains(holder) { leaving = leaving + placement.resources }
      }
    }
    let slot = scheduler.hosts.slot(of: host.name)!
    var kept = Resources.zero
    if let held = scheduler.reservation, held.owner != owner {
      kept = kept + .sum(zip(held.slots, held.amounts).filter { $0.0 == slot }.map(\.1))
    }
    for claim in scheduler.claims where claim.owner != owner {
      kept = kept + .sum(zip(claim.slots, claim.amounts).filter { $0.0 == slot }.map(\.1))
    }
    let free = host.capacity - used
    return free.lower((free + leaving - kept).nonnegative)
  }

  /// Checks that the first request fits once all holders from before its reservation are gone.
  mutating func checkHeadIsNotDelayed() {
    guard let held = scheduler.reservation else {
      kept = nil
      return
    }
    if kept?.number != held.number { kept = Kept(number: held.number, grants: grants) }
    let earliest = Double(held.earliest) / 1e9
    for slot in Set(held.slots) {
      let host = scheduler.hosts[slot]
      var later = Resources.zero
      for (owner, hold) in holds where hold.number > kept!.grants && !draining.contains(owner) {
        if let end = hold.expectedEnd, Double(end) <= earliest { continue }
        for (placement, member) in zip(hold.allocation.placements, hold.request.members)
        where placement.host == host.name {
          later = later + member.resources
        }
      }
      let needed = Resources.sum(zip(held.slots, held.amounts).filter { $0.0 == slot }.map(\.1))
      expect(
        (later + needed).fits(in: host.capacity), "nobody delays the first that waits",
        "\(held.owner) needs \(needed.sentence) of \(host.name), where later ones hold \(later.sentence)")
    }
  }
}
