import Objects

/// Booking and releasing of allocations.
extension Scheduler {
  /// Returns the allocation of an owner, including memory used beyond the requested amount; nil if it holds nothing.
  public func allocation(of owner: ObjectReference) -> Allocation? { holders[owner].map { allocation($0) } }

  func allocation(_ holder: Holder) -> Allocation {
    Allocation(
      owner: holder.request.owner,
      placements: zip(holder.slots, holder.booked).map {
        Allocation.Placement(host: hosts[$0].name, resources: $1)
      })
  }

  /// Returns the amounts summed by host, in the order of members.
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

  /// Books the allocation of a new holder.
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

  /// Releases everything that an owner holds.
  mutating func giveBack(_ owner: ObjectReference) {
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

  /// Books an allocation recorded in a journal. Set the hosts of the journal first, then restore, then remove the lost hosts.
  /// Memory of the first member beyond the requested amount counts as used.
  /// - Throws: `SchedulingError` if the owner is already known, the hosts have no room, or the allocation does not match the
  ///   request; nothing is booked then.
  public mutating func restore(
    _ allocation: Allocation, of request: ResourceRequest, at now: ContinuousClock.Instant
  ) throws(SchedulingError) {
    try validate(request)
    guard allocation.owner == request.owner, allocation.placements.count == request.members.count,
      allocation.placements.allSatisfy({ $0.resources.isPlausible })
    else {
      throw SchedulingError(.invalid, "The recorded allocation of \(allocation.owner) does not match its request.")
    }
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

  private func noRoom(_ owner: ObjectReference, _ host: String) -> SchedulingError {
    SchedulingError(
      .noRoom,
      "Host \(host) does not exist or has no room for the allocation recorded for \(owner); the hosts have changed since."
    )
  }

  /// Appends a request that was waiting according to a journal to the queue. Limits on waiting requests are not applied, and the
  /// request may exceed what the current hosts and quotas could ever grant.
  /// - Parameter now: The time at which it was submitted, as far as known.
  /// - Throws: `SchedulingError` if the owner is already known or the request is invalid.
  public mutating func restore(
    waiting request: ResourceRequest, at now: ContinuousClock.Instant
  ) throws(SchedulingError) {
    try validate(request)
    let time = clock(now)
    nextSequence += 1
    enqueue(request, arrival: time, sequence: nextSequence)
  }
}
