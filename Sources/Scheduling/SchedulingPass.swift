import Objects

/// A decision of the scheduler, in force once returned.
public enum SchedulingDecision: Sendable, Equatable {
  /// The owner no longer waits: it holds this allocation.
  case grant(Allocation)
  /// The holder must be drained for the sake of another owner. It keeps its allocation until `requeue` or `release`; what it
  /// releases is reserved for the other owner.
  case preempt(owner: ObjectReference, for: ObjectReference, reason: String)
}

/// A tenant's turn in a pass: how far its queue was examined, and the rank of its next request.
struct Turn: Sendable, Comparable {
  let tenant: String
  /// The priority of the next request, including what it gained by waiting.
  var level = 0
  var share = 0.0
  /// The position of the next request, which decides between equal shares.
  var key = QueueKey(due: 0, sequence: 0)
  /// The number of lines found not to fit.
  var cursor = 0
  /// The limits of the quota that an earlier request waits for.
  var lacking: QuotaBounds = []
  /// The part of the quota that later requests must leave to an earlier request that waits for hosts.
  var promised: (resources: Resources, sessions: Int)?

  static func < (a: Turn, b: Turn) -> Bool {
    if a.level != b.level { return a.level > b.level }
    return a.share != b.share ? a.share < b.share : a.key < b.key
  }

  static func == (a: Turn, b: Turn) -> Bool { a.key == b.key }
}

/// The state of one call of `schedule`.
struct Pass {
  let time: Int64
  /// The highest priority of all waiting requests; ageing never exceeds it.
  let ceiling: Int
  var turns = BinaryHeap<Turn>()
  var decisions: [SchedulingDecision] = []
  /// Whether the first request that does not fit was found.
  var headIsKnown = false
  /// The remaining number of lines to examine behind the first of each tenant.
  var lines = Scheduler.maximumLines
  /// The remaining number of searches for requests that end before the reservation, and for holders to preempt.
  var early = 32
  var searches = 2
  /// Whether something changed in favour of requests that were already examined.
  var hasOpened = false
  /// Whether a tenant exceeds its share and has preemptible holders; nil if not determined yet.
  var someoneBorrows: Bool?
}

extension Scheduler {
  /// The maximum number of lines of requests, behind the first of each tenant, that a pass examines.
  static let maximumLines = 4_096

  /// Makes all decisions that are possible now.
  public mutating func schedule(at now: ContinuousClock.Instant) -> [SchedulingDecision] {
    var pass = Pass(time: clock(now), ceiling: waitingByPriority.keys.max() ?? 0)
    guard !waiters.isEmpty else { return [] }
    settleClaims(&pass)
    repeat {
      pass.hasOpened = false
      pass.headIsKnown = false
      for (name, tenant) in tenants where tenant.queue.count > 0 { push(Turn(tenant: name), &pass) }
      while !isOver(pass), let turn = pass.turns.popFirst() { take(turn, &pass) }
      pass.turns = BinaryHeap()
    } while pass.hasOpened
    return pass.decisions
  }

  /// Returns the effective priority at a time: one more for each ageing interval, up to the highest waiting priority.
  static func level(of key: QueueKey, at time: Int64) -> Int {
    let waited = time - key.due
    return Int(waited >= 0 ? waited / ageingNanoseconds : (waited - ageingNanoseconds + 1) / ageingNanoseconds)
  }

  private func push(_ turn: Turn, _ pass: inout Pass) {
    var turn = turn
    guard let tenant = tenants[turn.tenant] else { return }
    if turn.promised != nil, pass.headIsKnown, !mayEndBeforeTheHead(pass) {
      // Lines known not to fit need no turn.
      let fronts = tenant.queue.fronts
      while turn.cursor < fronts.count, shapes.blockedAt(fronts[turn.cursor].shape) == freed { turn.cursor += 1 }
    }
    guard turn.cursor < tenant.queue.fronts.count else { return }
    turn.key = tenant.queue.fronts[turn.cursor].key
    turn.level = min(Self.level(of: turn.key, at: pass.time), pass.ceiling)
    turn.share = weightedShare(of: tenant)
    pass.turns.insert(turn)
  }

  /// Whether nothing more can be granted or preempted.
  private func isOver(_ pass: Pass) -> Bool { cannotGrant(pass) && pass.searches == 0 }

  private func cannotGrant(_ pass: Pass) -> Bool {
    pass.headIsKnown && shapes.areAllBlocked(at: freed) && !mayEndBeforeTheHead(pass)
  }

  private func mayEndBeforeTheHead(_ pass: Pass) -> Bool { reservation.map { $0.earliest > pass.time } ?? false }

  private mutating func take(_ turn: Turn, _ pass: inout Pass) {
    var turn = turn
    if turn.cursor > 0 {
      guard pass.lines > 0, turn.promised == nil || !cannotGrant(pass) else { return }
      pass.lines -= 1
    }
    let tenant = tenants[turn.tenant]!
    let shape = tenant.queue.fronts[turn.cursor].shape
    let waiter = waiters[tenant.queue.first(of: shape).owner]!
    let (total, sessions) = (shapes[shape].total, waiter.request.sessions)
    let exceeded = tenant.policy.quota.exceeded(by: total, sessions: sessions, beyond: tenant)
    if !exceeded.isEmpty || !turn.lacking.isDisjoint(with: .used(by: total, sessions: sessions)) {
      turn.lacking.formUnion(exceeded)
    } else if let promised = turn.promised,
      !tenant.policy.quota.exceeded(
        by: total + promised.resources, sessions: sessions + promised.sessions, beyond: tenant
      ).isEmpty
    {
      // It would take what the first request is going to need.
    } else if tenant.claimant == waiter.request.owner {
      turn.promised = turn.promised ?? (total, sessions)
    } else if let slots = room(for: waiter, &pass) {
      pass.decisions.append(.grant(grant(waiter, slots, at: pass.time)))
      return push(turn, &pass)
    } else if turn.promised == nil {
      turn.promised = (total, sessions)
    }
    turn.cursor += 1
    push(turn, &pass)
  }

  /// Returns hosts for a request. If there are none, makes a reservation or preempts holders, and returns nil.
  private mutating func room(for waiter: Waiter, _ pass: inout Pass) -> [Int]? {
    let owner = waiter.request.owner
    if !pass.headIsKnown, let held = reservation {
      if held.owner != owner {
        dropReservation()
      } else if shapes[waiter.shape].blockedAt != freed {
        // Its own reservation must not get in its way.
        unreserve(held.slots, held.amounts)
        let slots = findHosts(for: waiter)
        if slots == nil {
          reserve(held.slots, held.amounts)
        } else {
          reservation = nil
          freed += 1
        }
        if let slots { return slots }
      }
    }
    if let slots = findHosts(for: waiter) ?? findEarlyHosts(for: waiter, &pass) { return slots }
    if preempt(for: waiter, &pass) {
      freed += 1
      pass.hasOpened = true
    } else if !pass.headIsKnown {
      if reservation?.owner != owner { reserveHosts(for: waiter, at: pass.time) }
      pass.headIsKnown = reservation != nil
    }
    return nil
  }

  /// Returns hosts with room for a request now, apart from reserved resources.
  mutating func findHosts(for waiter: Waiter) -> [Int]? {
    let entry = shapes[waiter.shape]
    guard entry.blockedAt != freed else { return nil }
    if entry.total.fits(in: hosts.total - hosts.used), let slots = search(waiter) { return slots }
    shapes.block(waiter.shape, at: freed)
    return nil
  }

  mutating func search(_ waiter: Waiter, measure: HostList.Measure = .offer) -> [Int]? {
    let entry = shapes[waiter.shape]
    var search = GangSearch(entry.shape)
    if let group = entry.shape.apartFrom { search.forbidden = groups[group] ?? [:] }
    return search.find(in: &hosts, order: entry.order, measure: measure)
  }

  /// Turns a waiting request into a holder.
  mutating func grant(_ waiter: Waiter, _ slots: [Int], at time: Int64) -> Allocation {
    let request = waiter.request
    let holder = Holder(
      request: request, slots: slots, booked: request.members.map(\.resources), arrival: waiter.arrival,
      sequence: waiter.key.sequence, started: time, rank: Self.level(of: waiter.key, at: time))
    add(holder)
    dequeue(request.owner)
    return allocation(holder)
  }
}
