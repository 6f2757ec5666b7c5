import Objects

/// The position of a waiting request and why it waits.
public struct WaitingReport: Sendable, Equatable, Codable {
  /// The reason for waiting.
  public enum Reason: String, Sendable, Codable, CaseIterable {
    /// The next call of `schedule` would grant it.
    case decision
    /// It waits for earlier requests, for which hosts are reserved.
    case turn
    /// It waits for room on the hosts.
    case room
    /// It waits for its tenant to release something, or for a higher quota.
    case quota
    /// It waits for holders that are being drained for it.
    case draining
    /// It waits for other hosts: the current ones could not satisfy it even when idle.
    case hosts
  }

  /// The owner of the request.
  public let owner: ObjectReference
  /// Its tenant.
  public let tenant: String
  /// The position if everything had room, in the order in which tenants take turns; 1 for the next request.
  public let position: Int
  /// The number of waiting requests of all tenants.
  public let waiting: Int
  /// The reason for waiting.
  public let reason: Reason
  /// The reason as a sentence for people, with numbers.
  public let sentence: String
  /// The expected start relative to now, from the first to the ninth decile of earlier run times; nil if too few are known.
  public let expectedStart: ClosedRange<Duration>?
}

extension Scheduler {
  /// The maximum number of earlier requests that an estimate considers.
  private static let maximumAhead = 10_000

  /// Returns the report of a waiting request; nil if it does not wait.
  public func waiting(_ owner: ObjectReference, at now: ContinuousClock.Instant) -> WaitingReport? {
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
      return (.draining, "\(claim.victims.count) holders of the resources that it needs are being drained for it.")
    }
    let exceeded = tenant.policy.quota.exceeded(by: entry.total, sessions: request.sessions, beyond: tenant)
    guard exceeded.isEmpty else {
      return (
        .quota,
        quotaSentence(exceeded, request.owner, entry.total, request.sessions, tenant.policy, tenant: tenant)
          + " It starts when the tenant has released enough or its quota is raised."
      )
    }
    var supposed = self
    if supposed.search(waiter) != nil {
      return (.decision, "The hosts have room for it; it starts at the next scheduling decision.")
    }
    guard supposed.search(waiter, measure: .capacity) != nil else {
      return (.hosts, whyImpossible(request) + " It waits for other hosts.")
    }
    if let held = supposed.reservation, held.owner != request.owner {
      supposed.dropReservation()
      if supposed.search(waiter) != nil {
        return (.turn, "The hosts that have room for it are reserved for \(held.owner), which is ahead of it.")
      }
    }
    return (.room, "The hosts have no room for it now: it requests \(entry.total.sentence), and \(freeSentence()).")
  }

  /// Returns the requests before this one, in the order in which tenants would take turns if everything had room.
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
