import Objects

/// Hosts reserved for a request for which other holders are drained.
struct Claim: Sendable {
  let owner: ObjectReference
  let tenant: String
  /// The hosts of the members, and the amounts claimed there.
  let slots: [Int]
  let amounts: [Resources]
  /// The holders being drained that have not released yet.
  var victims: Set<ObjectReference>
  /// Whether a victim has released since the last attempt.
  var hasChanged = false
}

extension Scheduler {
  /// The maximum number of hosts to consider for a member.
  private static let maximumCandidates = 16
  /// Shares that differ by less than this are equal.
  static let tolerance = 1e-9

  private mutating func remove(_ claim: Claim) {
    claims.removeAll { $0.owner == claim.owner }
    changeTenant(claim.tenant) { $0.claimant = nil }
    for victim in claim.victims { holders[victim]?.claimant = nil }
  }

  /// Grants requests for which holders were drained, as soon as they fit.
  mutating func settleClaims(_ pass: inout Pass) {
    for claim in claims {
      let waiter = waiters[claim.owner]!
      let tenant = tenants[claim.tenant]!
      let total = shapes[waiter.shape].total
      let quota = tenant.policy.quota
      guard quota.exceeded(by: total, sessions: waiter.request.sessions, beyond: tenant).isEmpty else {
        drop(claim)
        continue
      }
      guard claim.hasChanged || claim.victims.isEmpty else { continue }
      unreserve(claim.slots, claim.amounts)
      if let slots = search(waiter) {
        remove(claim)
        freed += 1
        pass.decisions.append(.grant(grant(waiter, slots, at: pass.time)))
        continue
      }
      reserve(claim.slots, claim.amounts)
      if claim.victims.isEmpty, claim.slots.allSatisfy({ hosts[$0].draining == .zero }) {
        drop(claim)
      } else if let index = claims.firstIndex(where: { $0.owner == claim.owner }) {
        claims[index].hasChanged = false
      }
    }
  }

  /// Drops all reservations and claims of a request.
  mutating func forgetPlans(of owner: ObjectReference) {
    if reservation?.owner == owner { dropReservation() }
    if let claim = claims.first(where: { $0.owner == owner }) { drop(claim) }
  }

  /// Drops a claim. Its victims continue to drain, for no request in particular.
  mutating func drop(_ claim: Claim) {
    guard let known = claims.first(where: { $0.owner == claim.owner }) else { return }
    remove(known)
    unreserve(claim.slots, claim.amounts)
    freed += 1
  }

  // MARK: - Rights to preempt

  /// Preempts holders for a request that does not fit, if it has the right and that makes room.
  mutating func preempt(for waiter: Waiter, _ pass: inout Pass) -> Bool {
    guard pass.searches > 0, !preemptibleByRank.isEmpty else { return false }
    let name = waiter.request.tenant
    guard tenants[name]!.claimant == nil else { return false }
    let rights = rights(of: waiter, &pass)
    guard rights.displacesLower || rights.claimsShare else { return false }
    pass.searches -= 1
    // Its own reservation must not get in its way.
    let kept = reservation?.owner == waiter.request.owner ? reservation : nil
    if let kept { unreserve(kept.slots, kept.amounts) }
    guard let (slots, victims) = eviction(for: waiter, rights) else {
      if let kept { reserve(kept.slots, kept.amounts) }
      return false
    }
    if kept != nil { reservation = nil }
    let amounts = waiter.request.members.map(\.resources)
    let claim = Claim(
      owner: waiter.request.owner, tenant: name, slots: slots, amounts: amounts, victims: Set(victims))
    for victim in victims {
      pass.decisions.append(
        .preempt(owner: victim, for: claim.owner, reason: reason(holders[victim]!, waiter, rights)))
    }
    for victim in victims { drain(victim, for: claim.owner) }
    reserve(slots, amounts)
    claims.append(claim)
    tenants[name]!.claimant = claim.owner
    return true
  }

  /// The rights by which a request may preempt holders.
  struct Rights {
    /// The request may preempt holders of a rank below this.
    let priority: Int
    let displacesLower: Bool
    /// It may preempt holders of at most this priority whose tenants exceed their share.
    let level: Int
    let claimsShare: Bool
  }

  private func rights(of waiter: Waiter, _ pass: inout Pass) -> Rights {
    let tenant = tenants[waiter.request.tenant]!
    let priority = priority(of: waiter.request)
    let after = (tenant.held + shapes[waiter.shape].total).dominantPart(of: hosts.total)
    var claimsShare = after <= fairShare(of: tenant) + Self.tolerance
    if claimsShare {
      let someone = pass.someoneBorrows ?? tenants.values.contains { $0.preemptible > 0 && isBorrowing($0) }
      pass.someoneBorrows = someone
      claimsShare = someone
    }
    return Rights(
      priority: priority, displacesLower: preemptibleByRank.keys.contains { $0 < priority },
      level: Self.level(of: waiter.key, at: pass.time), claimsShare: claimsShare)
  }

  /// Whether a tenant exceeds its share, not counting holders that are being drained.
  func isBorrowing(_ tenant: Tenant) -> Bool {
    (tenant.held - tenant.draining).dominantPart(of: hosts.total) > fairShare(of: tenant) + Self.tolerance
  }

  private func mayDisplace(
    _ holder: Holder, _ waiter: Waiter, _ rights: Rights, held: [String: Resources]
  ) -> Bool {
    guard holder.mayBePreempted else { return false }
    if holder.rank < rights.priority { return true }
    let name = holder.request.tenant
    guard rights.claimsShare, name != waiter.request.tenant, priority(of: holder.request) <= rights.level else {
      return false
    }
    let tenant = tenants[name]!
    let left = (held[name] ?? tenant.held) - tenant.draining - .sum(holder.booked)
    return left.dominantPart(of: hosts.total) >= fairShare(of: tenant) - Self.tolerance
  }

  private func reason(_ holder: Holder, _ waiter: Waiter, _ rights: Rights) -> String {
    if holder.rank < rights.priority {
      return
        "\(waiter.request.owner) has priority \(rights.priority), \(holder.request.owner) has priority \(holder.rank)."
    }
    let (mine, theirs) = (tenants[waiter.request.tenant]!, tenants[holder.request.tenant]!)
    return
      "Tenant \(waiter.request.tenant) holds \(percent(dominantShare(of: mine))) of the hosts, and its fair share is "
      + "\(percent(fairShare(of: mine))); tenant \(holder.request.tenant) holds \(percent(dominantShare(of: theirs))), "
      + "and its fair share is \(percent(fairShare(of: theirs)))."
  }

  private mutating func drain(_ victim: ObjectReference, for claimant: ObjectReference) {
    let holder = holders[victim]!
    for (slot, amount) in Self.bySlot(holder.slots, holder.booked) {
      hosts.change(slot) { host in
        host.preemptible = host.preemptible - amount
        host.draining = host.draining + amount
      }
    }
    countPreemptible(-1, rank: holder.rank)
    let booked = Resources.sum(holder.booked)
    changeTenant(holder.request.tenant) { tenant in
      tenant.preemptible -= 1
      tenant.draining = tenant.draining + booked
    }
    holders[victim]!.isDraining = true
    holders[victim]!.claimant = claimant
  }

  // MARK: - Selection of victims

  /// Hypothetical changes to the hosts.
  private struct Supposition {
    var victims: [ObjectReference] = []
    /// The resulting holdings of the tenants.
    var held: [String: Resources] = [:]
    var placed: [(slot: Int, amount: Resources)] = []
  }

  /// Returns hosts for all members, and the holders to drain: for each member, the host whose victims have the lowest priority,
  /// are fewest and youngest. Changes nothing.
  private mutating func eviction(for waiter: Waiter, _ rights: Rights) -> (slots: [Int], victims: [ObjectReference])? {
    let entry = shapes[waiter.shape]
    let shape = entry.shape
    let forbidden = shape.apartFrom.flatMap { groups[$0] } ?? [:]
    var supposed = Supposition()
    defer { undo(supposed) }
    var slots = [Int](repeating: -1, count: shape.members.count)
    for number in entry.order {
      let member = shape.members[number]
      let used = shape.membersApart ? Set(slots) : []
      let open = hosts.first(
        selector: member.selector, fromEmptiest: shape.placement == .spread, with: member.resources, of: .offer
      ) { slot, _ in forbidden[slot] == nil && !used.contains(slot) }
      guard
        let slot = open
          ?? evict(
            for: member, waiter, rights, &supposed,
            avoiding: { slot in
              forbidden[slot] != nil || used.contains(slot)
            })
      else { return nil }
      slots[number] = slot
      hosts.change(slot) { $0.used = $0.used + member.resources }
      supposed.placed.append((slot, member.resources))
    }
    return (slots, supposed.victims)
  }

  private mutating func evict(
    for member: ResourceRequest.Member, _ waiter: Waiter, _ rights: Rights, _ supposed: inout Supposition,
    avoiding isAvoided: (Int) -> Bool
  ) -> Int? {
    var candidates: [Int] = []
    _ = hosts.first(selector: member.selector, fromEmptiest: true, with: member.resources, of: .reach) { slot, _ in
      if !isAvoided(slot) { candidates.append(slot) }
      return candidates.count >= Self.maximumCandidates
    }
    var best: (slot: Int, victims: [ObjectReference], cost: Cost)?
    for slot in candidates {
      guard let victims = victims(on: slot, for: member.resources, waiter, rights, supposed) else { continue }
      let cost = Cost(victims.map { holders[$0]! })
      if best.map({ cost < $0.cost }) ?? true { best = (slot, victims, cost) }
    }
    guard let best else { return nil }
    for victim in best.victims {
      let holder = holders[victim]!
      let name = holder.request.tenant
      supposed.victims.append(victim)
      supposed.held[name] = (supposed.held[name] ?? tenants[name]!.held) - .sum(holder.booked)
      change(holder, by: -1)
    }
    return best.slot
  }

  /// Returns the smallest set of a host's holders to drain for the required room, preferring low rank and young age; nil if
  /// draining them all is not enough.
  private func victims(
    on slot: Int, for wanted: Resources, _ waiter: Waiter, _ rights: Rights, _ supposed: Supposition
  ) -> [ObjectReference]? {
    let host = hosts[slot]
    var room = host.capacity - host.used + host.draining - host.reserved
    var held = supposed.held
    var chosen: [(owner: ObjectReference, amount: Resources)] = []
    let gone = Set(supposed.victims)
    var candidates: [Candidate] = []
    for owner in host.holders where !gone.contains(owner) {
      guard let index = holders.index(forKey: owner), mayDisplace(holders.values[index], waiter, rights, held: held)
      else { continue }
      candidates.append(Candidate(holders.values[index]))
    }
    candidates.sort()
    for candidate in candidates where !wanted.fits(in: room) {
      let holder = holders[candidate.owner]!
      guard mayDisplace(holder, waiter, rights, held: held) else { continue }
      let name = holder.request.tenant
      let amount = zip(holder.slots, holder.booked).reduce(Resources.zero) { $1.0 == slot ? $0 + $1.1 : $0 }
      held[name] = (held[name] ?? tenants[name]!.held) - .sum(holder.booked)
      room = room + amount
      chosen.append((holder.request.owner, amount))
    }
    guard wanted.fits(in: room) else { return nil }
    for victim in chosen.reversed() where wanted.fits(in: room - victim.amount) {
      room = room - victim.amount
      chosen.removeAll { $0.owner == victim.owner }
    }
    return chosen.map(\.owner)
  }

  /// A holder that may be drained, ordered by preference.
  private struct Candidate: Comparable {
    let owner: ObjectReference
    let rank: Int
    let started: Int64
    let sequence: UInt64

    init(_ holder: Holder) {
      owner = holder.request.owner
      rank = holder.rank
      started = holder.started
      sequence = holder.sequence
    }

    static func < (a: Candidate, b: Candidate) -> Bool {
      if a.rank != b.rank { return a.rank < b.rank }
      return a.started != b.started ? a.started > b.started : a.sequence > b.sequence
    }
  }

  /// The cost of draining a set of holders; less is better.
  private struct Cost: Comparable {
    let rank: Int
    let count: Int
    let oldest: Int64

    init(_ victims: [Holder]) {
      rank = victims.map(\.rank).max() ?? .min
      count = victims.count
      oldest = victims.map(\.started).min() ?? .max
    }

    static func < (a: Cost, b: Cost) -> Bool {
      if a.rank != b.rank { return a.rank < b.rank }
      return a.count != b.count ? a.count < b.count : a.oldest > b.oldest
    }
  }

  private mutating func undo(_ supposed: Supposition) {
    for (slot, amount) in supposed.placed { hosts.change(slot) { $0.used = $0.used - amount } }
    for victim in supposed.victims { change(holders[victim]!, by: 1) }
  }

  /// Removes a holder hypothetically, or puts it back.
  private mutating func change(_ holder: Holder, by sign: Int64) {
    for (slot, amount) in Self.bySlot(holder.slots, holder.booked) {
      hosts.change(slot) { host in
        host.used = host.used + amount.times(sign)
        host.preemptible = host.preemptible + amount.times(sign)
      }
    }
  }
}

/// A fraction as a percentage, for people.
func percent(_ part: Double) -> String {
  let tenths = Int((part * 1_000).rounded())
  return tenths % 10 == 0 ? "\(tenths / 10)%" : "\(tenths / 10).\(tenths % 10)%"
}
