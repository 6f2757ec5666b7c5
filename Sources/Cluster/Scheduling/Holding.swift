/// Booking and giving back.
extension Scheduler {
  /// What an owner holds: what is booked for its members, memory that it uses beyond what it asked for included.
  public func allocation(of owner: String) -> Allocation? { holders[owner].map { allocation($0) } }

  func allocation(_ holder: Holder) -> Allocation {
    Allocation(
      owner: holder.request.owner,
      placements: zip(holder.slots, holder.booked).map {
        Allocation.Placement(host: hosts[$0].name, resources: $1)
      })
  }

  /// Amounts by host, each host once, in the order of members.
  static func bySlot(_ slots: [Int], _ amounts: [Resources]) -> [(slot: Int, amount: Resources)] {
    if slots.count == 1 { return [(slots[0], amounts[0])] }
    var places: [Int: Int] = [:]
    var sums: [(slot: Int, amount: Resources)] = []
    for (slot, amount) in zip(slots, amounts) {
      if let place = places[slot] {
        sums[place].amount = sums[place].amount + amount
      } else {
        places[slot] = sums.count
        sums.append((slot, amount))
      }
    }
    return sums
  }

  /// Books what somebody holds from now on.
  mutating func add(_ holder: Holder) {
    let (owner, isPreemptible) = (holder.request.owner, holder.mayBePreempted)
    for (slot, amount) in Self.bySlot(holder.slots, holder.booked) {
      hosts.change(slot) { host in
        host.used = host.used + amount
        if isPreemptible { host.preemptible = host.preemptible + amount }
        host.holders.append(owner)
      }
    }
    if isPreemptible { preemptibleByRank[holder.rank, default: 0] += 1 }
    changeGroup(of: holder.request, slots: holder.slots, by: 1)
    let booked = Resources.sum(holder.booked)
    changeTenant(holder.request.tenant) { tenant in
      tenant.held = tenant.held + booked
      tenant.sessions += holder.request.sessions
      tenant.graphs += holder.usage.graphs
      tenant.diskBytes += holder.usage.diskBytes
      tenant.holders += 1
      if isPreemptible { tenant.preemptible += 1 }
    }
    holders[owner] = holder
  }

  /// Takes everything back that an owner holds.
  mutating func giveBack(_ owner: String) {
    guard let holder = holders.removeValue(forKey: owner) else { return }
    let isPreemptible = holder.mayBePreempted
    for (slot, amount) in Self.bySlot(holder.slots, holder.booked) {
      hosts.change(slot) { host in
        host.used = host.used - amount
        if isPreemptible { host.preemptible = host.preemptible - amount }
        if holder.isDraining { host.draining = host.draining - amount }
        if let index = host.holders.firstIndex(of: owner) { host.holders.remove(at: index) }
      }
      hosts.forgetIfIdle(slot)
    }
    if isPreemptible { countPreemptible(-1, rank: holder.rank) }
    changeGroup(of: holder.request, slots: holder.slots, by: -1)
    let booked = Resources.sum(holder.booked)
    changeTenant(holder.request.tenant) { tenant in
      tenant.held = tenant.held - booked
      tenant.sessions -= holder.request.sessions
      tenant.graphs -= holder.usage.graphs
      tenant.diskBytes -= holder.usage.diskBytes
      tenant.holders -= 1
      if isPreemptible { tenant.preemptible -= 1 }
      if holder.isDraining { tenant.draining = tenant.draining - booked }
    }
    if let claimant = holder.claimant, let index = claims.firstIndex(where: { $0.owner == claimant }) {
      claims[index].victims.remove(owner)
      claims[index].hasChanged = true
    }
    freed += 1
  }

  mutating func countPreemptible(_ change: Int, rank: Int) {
    preemptibleByRank[rank, default: 0] += change
    if preemptibleByRank[rank] == 0 { preemptibleByRank[rank] = nil }
  }

  mutating func changeGroup(of request: ResourceRequest, slots: [Int], by change: Int) {
    guard let group = request.apartFrom else { return }
    for slot in slots {
      groups[group, default: [:]][slot, default: 0] += change
      if groups[group]![slot] == 0 { groups[group]![slot] = nil }
    }
    if groups[group]?.isEmpty ?? false { groups[group] = nil }
  }

  // MARK: - Journals

  /// Books what a journal says was granted. First set the hosts of the journal, then restore, then remove lost hosts.
  /// Memory of the first member beyond what was asked for counts as used.
  /// - Throws: `SchedulingError` when the owner is known already, the hosts have no room, or the allocation is not one
  ///   of the request; nothing is booked then.
  public mutating func restore(
    _ allocation: Allocation, of request: ResourceRequest, at now: ContinuousClock.Instant
  ) throws(SchedulingError) {
    try validate(request)
    guard allocation.owner == request.owner, allocation.placements.count == request.members.count,
      allocation.placements.allSatisfy({ $0.resources.isPlausible })
    else { throw SchedulingError(.invalid, "The allocation of \(allocation.owner) is not one of its request.") }
    var slots: [Int] = []
    for placement in allocation.placements {
      guard let slot = hosts.slot(of: placement.host) else { throw noRoom(allocation.owner, placement.host) }
      slots.append(slot)
    }
    let booked = allocation.placements.map(\.resources)
    for (slot, amount) in Self.bySlot(slots, booked) where !amount.fits(in: hosts[slot].free) {
      throw noRoom(allocation.owner, hosts[slot].name)
    }
    let time = clock(now)
    nextSequence += 1
    var usage = Usage()
    if booked[0].memoryBytes > request.members[0].resources.memoryBytes { usage.memoryBytes = booked[0].memoryBytes }
    add(
      Holder(
        request: request, slots: slots, booked: booked, usage: usage, arrival: time, sequence: nextSequence,
        started: time, rank: priority(of: request)))
  }

  private func noRoom(_ owner: String, _ host: String) -> SchedulingError {
    SchedulingError(
      .noRoom,
      "Host \(host) has no room for what \(owner) is recorded to hold there; the journal and the hosts disagree.")
  }

  /// Puts a request that a journal says was waiting at the end of the queue again. It may be one that the hosts and
  /// quotas of now could never take, and bounds on how many wait are not asked.
  /// - Parameter now: when it came, as far as that is known.
  /// - Throws: `SchedulingError` when the owner is known already, or the request is not valid.
  public mutating func restore(
    waiting request: ResourceRequest, at now: ContinuousClock.Instant
  ) throws(SchedulingError) {
    try validate(request)
    let time = clock(now)
    nextSequence += 1
    enqueue(request, arrival: time, sequence: nextSequence)
  }
}
