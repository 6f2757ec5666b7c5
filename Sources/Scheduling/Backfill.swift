import Objects

/// Hosts reserved for the first request that does not fit, so that no later request delays it.
struct Reservation: Sendable {
  let owner: ObjectReference
  /// The hosts of the members, and the amounts reserved there.
  let slots: [Int]
  let amounts: [Resources]
  /// Distinguishes this reservation from others of the same owner.
  let number: UInt64
  /// The earliest time at which these hosts have room, estimated from run times, in nanoseconds (see `Scheduler.clock`).
  let earliest: Int64
}

extension Scheduler {
  /// The maximum number of hosts to consider for a reservation.
  private static let maximumCandidates = 16

  mutating func reserve(_ slots: [Int], _ amounts: [Resources]) {
    for (slot, amount) in Self.bySlot(slots, amounts) { hosts.change(slot) { $0.reserved = $0.reserved + amount } }
  }

  /// Cancels a reservation; amounts on hosts that are gone have disappeared with them.
  mutating func unreserve(_ slots: [Int], _ amounts: [Resources]) {
    for (slot, amount) in Self.bySlot(slots, amounts) { hosts.change(slot) { $0.reserved = $0.reserved - amount } }
  }

  mutating func dropReservation() {
    guard let held = reservation else { return }
    reservation = nil
    unreserve(held.slots, held.amounts)
    freed += 1
  }

  /// Reserves hosts for a request that does not fit: those expected to have room first, according to run times, or those that
  /// lack the least.
  mutating func reserveHosts(for waiter: Waiter, at time: Int64) {
    dropReservation()
    let entry = shapes[waiter.shape]
    let forbidden = entry.shape.apartFrom.flatMap { groups[$0] } ?? [:]
    guard
      let plan = plan(entry, at: time, avoiding: forbidden)
        ?? (forbidden.isEmpty ? nil : plan(entry, at: time, avoiding: [:]))
    else { return }
    let amounts = entry.shape.members.map(\.resources)
    reservation = Reservation(
      owner: waiter.request.owner, slots: plan.slots, amounts: amounts, number: freed, earliest: plan.earliest)
    reserve(plan.slots, amounts)
  }

  private mutating func plan(
    _ entry: ShapeTable.Entry, at time: Int64, avoiding forbidden: [Int: Int]
  ) -> (slots: [Int], earliest: Int64)? {
    let shape = entry.shape
    var taken: [Int: Resources] = [:]
    var slots = [Int](repeating: -1, count: shape.members.count)
    var earliest = time
    let reserved = reservedByClaims
    for number in entry.order {
      let member = shape.members[number]
      var candidates: [(slot: Int, needed: Resources)] = []
      _ = hosts.first(
        selector: member.selector, fromEmptiest: true, with: member.resources, of: .capacity
      ) { slot, measures in
        guard forbidden[slot] == nil, !(shape.membersApart && taken[slot] != nil) else { return false }
        let needed = member.resources + (taken[slot] ?? .zero)
        guard (needed + (reserved[slot] ?? .zero)).fits(in: measures.capacity) else { return false }
        candidates.append((slot, needed))
        return candidates.count >= Self.maximumCandidates
      }
      var best: (slot: Int, opening: Opening)?
      for (slot, needed) in candidates {
        let opening = opening(of: slot, for: needed, at: time)
        if best.map({ opening < $0.opening }) ?? true { best = (slot, opening) }
      }
      guard let best else { return nil }
      slots[number] = best.slot
      taken[best.slot] = (taken[best.slot] ?? .zero) + member.resources
      earliest = max(earliest, best.opening.earliest)
    }
    return (slots, earliest)
  }

  private var reservedByClaims: [Int: Resources] {
    var sums: [Int: Resources] = [:]
    for claim in claims {
      for (slot, amount) in zip(claim.slots, claim.amounts) { sums[slot] = (sums[slot] ?? .zero) + amount }
    }
    return sums
  }

  /// The time at which a host has room for an amount, if nothing else is placed there.
  struct Opening: Comparable {
    /// The earliest and the latest time, in nanoseconds.
    let earliest: Int64
    let latest: Int64
    /// The missing part of the amount now, relative to the host's capacity.
    let missing: Double

    static func < (a: Opening, b: Opening) -> Bool {
      a.latest != b.latest ? a.latest < b.latest : a.missing < b.missing
    }
  }

  func opening(of slot: Int, for needed: Resources, at time: Int64) -> Opening {
    let host = hosts[slot]
    let room = host.free - host.reserved
    let missing = (needed - room).nonnegative
    guard missing != .zero else { return Opening(earliest: time, latest: time, missing: 0) }
    var ends: [(earliest: Int64, latest: Int64, amount: Resources)] = []
    for owner in host.holders {
      let holder = holders[owner]!
      let end = end(of: holder, at: time)
      for (held, amount) in zip(holder.slots, holder.booked) where held == slot {
        ends.append((end.earliest, end.latest, amount))
      }
    }
    func when(_ moments: [(Int64, Resources)]) -> Int64 {
      var open = room
      for (moment, amount) in moments.sorted(by: { $0.0 < $1.0 }) {
        open = open + amount
        if needed.fits(in: open) { return moment }
      }
      return .max
    }
    return Opening(
      earliest: when(ends.map { ($0.earliest, $0.amount) }), latest: when(ends.map { ($0.latest, $0.amount) }),
      missing: missing.dominantPart(of: host.capacity))
  }

  /// Returns when a holder releases everything; if nothing is known, the bounds are now and never.
  func end(of holder: Holder, at time: Int64) -> (earliest: Int64, latest: Int64) {
    guard !holder.isDraining, let bounds = history.bounds(of: holder.request) else { return (time, .max) }
    let latest = holder.started + bounds.most
    return (max(time, holder.started + bounds.least), latest >= time ? latest : .max)
  }

  /// Finds hosts for a request that will have ended before the first request could start on its reserved hosts.
  mutating func findEarlyHosts(for waiter: Waiter, _ pass: inout Pass) -> [Int]? {
    guard pass.headIsKnown, pass.early > 0, let held = reservation, held.owner != waiter.request.owner,
      let most = history.bounds(of: waiter.request)?.most, pass.time + most <= held.earliest
    else { return nil }
    pass.early -= 1
    unreserve(held.slots, held.amounts)
    let slots = search(waiter)
    reserve(held.slots, held.amounts)
    return slots
  }
}
