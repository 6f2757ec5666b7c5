import Objects

/// Growing and shrinking of holders.
extension Scheduler {
  /// Books the current usage of a holder in place of its earlier usage. For memory, the larger of the requested and the used
  /// amount is booked, for the first member.
  /// - Throws: `SchedulingError` if the owner holds nothing, or if an amount grows beyond the tenant's quota or the host's free
  ///   memory; nothing changes then. Shrinking never fails.
  public mutating func setUsage(_ owner: ObjectReference, _ usage: Usage) throws(SchedulingError) {
    guard var holder = holders[owner] else { throw .nothingHeld(owner) }
    guard
      [usage.memoryBytes, usage.diskBytes, Int64(usage.graphs)].allSatisfy({
        (0...Resources.largestAmount).contains($0)
      })
    else {
      throw SchedulingError(
        .invalid, "The usage of \(owner) is out of range: amounts must be between 0 and \(Resources.largestAmount).")
    }
    let tenant = tenants[holder.request.tenant]!
    let old = holder
    holder.usage = usage
    holder.booked[0].memoryBytes = max(holder.request.members[0].resources.memoryBytes, usage.memoryBytes)
    let growth = holder.booked[0].memoryBytes - old.booked[0].memoryBytes
    try checkUsage(
      "graphs", of: owner, tenant, by: Int64(usage.graphs - old.usage.graphs), held: Int64(tenant.graphs),
      most: tenant.policy.quota.graphs.map(Int64.init), text: { "\($0)" })
    try checkUsage(
      "disk space", of: owner, tenant, by: usage.diskBytes - old.usage.diskBytes, held: tenant.diskBytes,
      most: tenant.policy.quota.diskBytes, text: Resources.bytes)
    try checkUsage(
      "memory", of: owner, tenant, by: growth, held: tenant.held.memoryBytes, most: tenant.policy.quota.memoryBytes,
      text: Resources.bytes)
    let host = hosts[holder.slots[0]]
    guard growth <= host.free.memoryBytes else {
      throw SchedulingError(
        .noRoom,
        "\(owner) needs \(Resources.bytes(growth)) more memory on host \(host.name), where "
          + "\(Resources.bytes(host.free.memoryBytes)) of \(Resources.bytes(host.capacity.memoryBytes)) are free; release "
          + "memory, or use a larger host."
      )
    }
    rebook(old, as: holder)
    changeTenant(holder.request.tenant) { tenant in
      tenant.graphs += usage.graphs - old.usage.graphs
      tenant.diskBytes += usage.diskBytes - old.usage.diskBytes
    }
  }

  private func checkUsage(
    _ what: String, of owner: ObjectReference, _ tenant: Tenant, by growth: Int64, held: Int64, most: Int64?,
    text: (Int64) -> String
  ) throws(SchedulingError) {
    guard growth > 0, held + growth > most ?? .max - Resources.largestAmount else { return }
    throw SchedulingError(
      .quota,
      "\(owner) exceeds the quota of \(what) of tenant \(tenant.policy.name): \(text(most ?? 0)) allowed, \(text(held)) in "
        + "use, \(text(growth)) more requested; release some, or ask an operator to raise the quota."
    )
  }

  /// Changes the members of a holder's gang, all or nothing. The first members stay on their hosts, possibly with other amounts;
  /// additional members are placed as a new request would be, ahead of all waiting requests; surplus members are released.
  /// - Returns: The new allocation.
  /// - Throws: `SchedulingError` if the owner holds nothing or is draining, the members are invalid, or the hosts or the quota do
  ///   not allow it now; nothing changes then.
  public mutating func resize(
    _ owner: ObjectReference, members: [ResourceRequest.Member], at now: ContinuousClock.Instant
  ) throws(SchedulingError) -> Allocation {
    _ = clock(now)
    guard let old = holders[owner] else { throw .nothingHeld(owner) }
    try validate(members, of: owner)
    guard !old.isDraining else {
      throw SchedulingError(
        .draining, "\(owner) is being drained and cannot be resized; wait until it holds resources again.")
    }
    var new = old
    new.request.members = members
    let kept = min(old.slots.count, members.count)
    new.slots = Array(old.slots.prefix(kept))
    new.booked = members.map(\.resources)
    new.booked[0].memoryBytes = max(new.booked[0].memoryBytes, old.usage.memoryBytes)
    for number in 0..<kept where members[number].selector != old.request.members[number].selector {
      guard hosts.isEligible(old.slots[number], selector: members[number].selector) else {
        throw SchedulingError(
          .invalid,
          "Member \(number) of \(owner) is on host \(hosts[old.slots[number]].name), which lacks the labels now requested; "
            + "members cannot move to another host."
        )
      }
    }
    try checkQuota(of: old, growingTo: new)
    try find(hostsFor: &new, from: old)
    rebook(old, as: new)
    return allocation(new)
  }

  private func checkQuota(of old: Holder, growingTo new: Holder) throws(SchedulingError) {
    let more = (Resources.sum(new.booked) - .sum(old.booked)).nonnegative
    let tenant = tenants[old.request.tenant]!
    let exceeded = tenant.policy.quota.exceeded(by: more, sessions: 0, beyond: tenant)
    guard !exceeded.isEmpty else { return }
    throw SchedulingError(
      .quota,
      quotaSentence(exceeded, old.request.owner, more, 0, tenant.policy, tenant: tenant)
        + " Release resources, or ask an operator to raise the quota.")
  }

  /// Finds hosts for the new members.
  private mutating func find(hostsFor new: inout Holder, from old: Holder) throws(SchedulingError) {
    let kept = new.slots.count
    var growth: [Int: Resources] = [:]
    for (slot, amount) in Self.bySlot(old.slots, old.booked) { growth[slot] = .zero - amount }
    for (slot, amount) in zip(new.slots, new.booked) { growth[slot] = growth[slot]! + amount }
    for (slot, amount) in growth.sorted(by: { $0.key < $1.key }) where !amount.fits(in: hosts[slot].measures.offer) {
      throw SchedulingError(
        .noRoom,
        "\(old.request.owner) requests \(amount.nonnegative.sentence) more on host \(hosts[slot].name), where "
          + "\(hosts[slot].measures.offer.sentence) are free; try again later or request less."
      )
    }
    guard kept < new.request.members.count else { return }
    var search = GangSearch(members: new.request.members, like: new.request)
    if let group = new.request.apartFrom {
      search.forbidden = groups[group] ?? [:]
      for slot in old.slots { search.forbidden[slot]! -= 1 }
      search.forbidden = search.forbidden.filter { $0.value > 0 }
    }
    guard
      let slots = search.find(
        in: &hosts, order: GangSearch.order(of: new.request.members), kept: new.slots, growth: growth)
    else {
      let more = Resources.sum(new.booked[kept...])
      throw SchedulingError(
        .noRoom,
        "\(old.request.owner) requests \(new.request.members.count - kept) more members with \(more.sentence) in total, "
          + "but \(freeSentence()); try again later or request less."
      )
    }
    new.slots = slots
  }

  /// The free resources, as text for people.
  func freeSentence() -> String {
    "\(hosts.count) \(hosts.count == 1 ? "host has" : "hosts have") \((hosts.total - hosts.used).sentence) free of "
      + "\(hosts.total.sentence)"
  }

  /// Replaces the booking of a holder.
  private mutating func rebook(_ old: Holder, as new: Holder) {
    let owner = old.request.owner
    var changes = Dictionary(uniqueKeysWithValues: Self.bySlot(new.slots, new.booked).map { ($0.slot, $0.amount) })
    for (slot, amount) in Self.bySlot(old.slots, old.booked) { changes[slot] = (changes[slot] ?? .zero) - amount }
    let (before, after) = (Set(old.slots), Set(new.slots))
    for (slot, amount) in changes {
      hosts.change(slot) { host in
        host.used = host.used + amount
        if new.mayBePreempted { host.preemptible = host.preemptible + amount }
        if new.isDraining { host.draining = host.draining + amount }
        if !before.contains(slot) { host.holders.append(owner) }
        if !after.contains(slot) { host.holders.removeAll { $0 == owner } }
      }
      hosts.forgetIfIdle(slot)
    }
    changeGroup(of: old.request, slots: old.slots, by: -1)
    changeGroup(of: new.request, slots: new.slots, by: 1)
    holders[owner] = new
    let change = Resources.sum(new.booked) - .sum(old.booked)
    changeTenant(new.request.tenant) { tenant in
      tenant.held = tenant.held + change
      if new.isDraining { tenant.draining = tenant.draining + change }
    }
    freed += 1
  }
}
