/// Where a request that waits stands, and why it waits.
public struct WaitingReport: Sendable, Equatable, Codable {
  /// What it waits for.
  public enum Reason: String, Sendable, Codable, CaseIterable {
    /// For the next decision: it would be granted.
    case decision
    /// For those before it, for which hosts are kept.
    case turn
    /// For hosts to have room.
    case room
    /// For its tenant to give something back, or for a higher quota.
    case quota
    /// For those that are being drained for its sake.
    case draining
    /// For other hosts: those of now could not take it even when idle.
    case hosts
  }

  /// Who waits.
  public let owner: String
  /// Its tenant.
  public let tenant: String
  /// 1 for the next one, if everything had room, in the order in which tenants would take turns now.
  public let position: Int
  /// How many wait, of all tenants.
  public let waiting: Int
  /// What it waits for.
  public let reason: Reason
  /// The same for people, with numbers.
  public let sentence: String
  /// When it may start, from now, as far as earlier run times tell: for one in ten it was sooner, for one in ten later.
  /// Nil when too little is known.
  public let expectedStart: ClosedRange<Duration>?
}

extension Scheduler {
  /// Requests that an estimate of a start goes through.
  private static let maximumAhead = 10_000

  /// Where a request stands; nil when it does not wait.
  public func waiting(_ owner: String, at now: ContinuousClock.Instant) -> WaitingReport? {
    guard let waiter = waiters[owner] else { return nil }
    let time = time(now)
    let ahead = ahead(of: waiter, at: time)
    let (reason, sentence) = reason(waiter)
    let isPossible = reason != .hosts && ahead.isComplete
    return WaitingReport(
      owner: owner, tenant: waiter.request.tenant, position: ahead.waiters.count + 1, waiting: waiters.count,
      reason: reason, sentence: sentence,
      expectedStart: isPossible ? expectedStart(of: waiter, after: ahead.waiters, at: time) : nil)
  }

  private func reason(_ waiter: Waiter) -> (WaitingReport.Reason, String) {
    let (request, entry) = (waiter.request, shapes[waiter.shape])
    let tenant = tenants[request.tenant]!
    if let claim = claims.first(where: { $0.owner == request.owner }) {
      return (.draining, "\(claim.victims.count) that hold what it needs are being drained for it.")
    }
    let exceeded = tenant.policy.quota.exceeded(by: entry.total, sessions: request.sessions, beyond: tenant)
    guard exceeded.isEmpty else {
      return (
        .quota,
        quotaSentence(exceeded, request.owner, entry.total, request.sessions, tenant.policy, tenant: tenant)
          + " It starts when the tenant releases enough or its quota is raised."
      )
    }
    var supposed = self
    if supposed.search(waiter) != nil {
      return (.decision, "The hosts have room for it; it starts with the next decision.")
    }
    guard supposed.search(waiter, measure: .capacity) != nil else {
      return (.hosts, whyImpossible(request) + " It waits for other hosts.")
    }
    if let held = supposed.reservation, held.owner != request.owner {
      supposed.dropReservation()
      if supposed.search(waiter) != nil {
        return (.turn, "The hosts that have room for it are kept for \(held.owner), which is before it.")
      }
    }
    return (.room, "No host has room for it now: it asks for \(entry.total.sentence); \(freeSentence()).")
  }

  /// Those that go before a request, in the order in which tenants would take turns if everything had room.
  private func ahead(of waiter: Waiter, at time: Int64) -> (waiters: [Waiter], isComplete: Bool) {
    let ceiling = waitingByPriority.keys.max() ?? 0
    let mine = waiter.request.tenant
    var queues: [String: [Waiter]] = [:]
    var supposed: [String: Tenant] = [:]
    var turns = BinaryHeap<Turn>()
    func push(_ turn: Turn) {
      guard turn.cursor < queues[turn.tenant]!.count else { return }
      var turn = turn
      turn.key = queues[turn.tenant]![turn.cursor].key
      turn.level = min(Self.level(of: turn.key, at: time), ceiling)
      turn.share = weightedShare(of: supposed[turn.tenant]!)
      turns.insert(turn)
    }
    for (name, tenant) in tenants where tenant.queue.count > 0 {
      let most = name == mine ? tenant.queue.countBefore(waiter.key) + 1 : Self.maximumAhead
      queues[name] = tenant.queue.prefix(min(most, Self.maximumAhead)).map { waiters[$0.place.owner]! }
      supposed[name] = tenant
      push(Turn(tenant: name))
    }
    var found: [Waiter] = []
    while found.count < Self.maximumAhead, var turn = turns.popFirst() {
      let next = queues[turn.tenant]![turn.cursor]
      if next.request.owner == waiter.request.owner { return (found, true) }
      found.append(next)
      supposed[turn.tenant]!.held = supposed[turn.tenant]!.held + shapes[next.shape].total
      turn.cursor += 1
      push(turn)
    }
    return (found, false)
  }
}
