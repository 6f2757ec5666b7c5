import Cluster
import Synchronization

/// Where resources are asked for and given back: the scheduler behind a lock, and those who wait for its decisions.
/// Decisions are told outside of the lock, in the order in which they were made.
final class ResourceDesk: Sendable {
  /// Somebody who waits.
  struct Waiter: Sendable {
    /// Called once, when the request was granted.
    var granted: @Sendable (Allocation) -> Void
    /// Called now and then, when it is known better how long it takes.
    var told: @Sendable (WaitingReport) -> Void = { _ in }
  }

  fileprivate struct Waiting {
    let waiter: Waiter
    let since: ContinuousClock.Instant
    var toldAt: ContinuousClock.Instant?
    var position: Int?
  }

  fileprivate struct State {
    var scheduler: Scheduler
    var plan: ClusterPlan
    var waiting: [String: Waiting] = [:]
    /// Owners that wait, in the order in which they are told how they stand.
    var round: [String] = []
    var preempt: (@Sendable (_ owner: String, _ beneficiary: String, _ reason: String) -> Void)?
  }

  /// Reports that are made in one go; more would hold the lock for too long.
  private static let reportsAtOnce = 200
  /// How often a waiter is told that nothing but time has changed.
  private static let pause = Duration.seconds(15)

  private let state: Mutex<State>
  private let clock = ContinuousClock()
  private let metrics: Metrics

  /// A desk for the hosts and tenants of a plan.
  init(_ plan: ClusterPlan, metrics: Metrics) {
    state = Mutex(State(scheduler: Scheduler(plan), plan: plan))
    self.metrics = metrics
  }

  /// Calls `body` when a holder is to be drained for somebody else; the holder is then to `requeue` or `leave`.
  func onPreempt(_ body: @escaping @Sendable (_ owner: String, _ beneficiary: String, _ reason: String) -> Void) {
    state.withLock { $0.preempt = body }
  }

  /// The plan in force.
  var plan: ClusterPlan { state.withLock { $0.plan } }

  // MARK: Asking

  /// Asks for resources.
  /// - Returns: what was granted at once; nil when the waiter is told later.
  /// - Throws: `SchedulingError` when the request can never be granted or too many wait.
  func submit(_ request: ResourceRequest, _ waiter: Waiter) throws(SchedulingError) -> Allocation? {
    try changing(for: request.owner) { state, now throws(SchedulingError) in
      try state.scheduler.submit(request, at: now)
      state.enqueue(request.owner, waiter, at: now)
    }.granted
  }

  /// A holder that was to be drained has been: it waits again, or goes on with what it is granted at once.
  /// - Throws: `SchedulingError` when it holds nothing.
  func requeue(_ owner: String, _ waiter: Waiter) throws(SchedulingError) -> Allocation? {
    try changing(for: owner) { state, now throws(SchedulingError) in
      try state.scheduler.requeue(owner, at: now)
      state.enqueue(owner, waiter, at: now)
    }.granted
  }

  /// Gives back all that an owner holds, or takes back what it asked for; nothing happens when it does neither.
  func leave(_ owner: String) {
    _ = try? changing { state, now throws(SchedulingError) in
      if state.dequeue(owner) != nil {
        state.scheduler.withdraw(owner)
      } else {
        try state.scheduler.release(owner, at: now)
      }
    }
  }

  /// Says what an owner uses now.
  /// - Throws: `SchedulingError` when that is more than its tenant or its host has; nothing has changed then.
  func setUsage(_ owner: String, _ usage: Usage) throws(SchedulingError) {
    try state.withLock { state throws(SchedulingError) in try state.scheduler.setUsage(owner, usage) }
  }

  /// Has what waits looked at again, after usage has shrunk.
  func look() { _ = try? changing { _, _ throws(SchedulingError) in } }

  /// Gives a holder more or fewer members.
  /// - Throws: `SchedulingError`; nothing has changed then.
  func resize(_ owner: String, members: [ResourceRequest.Member]) throws(SchedulingError) -> Allocation {
    try changing { state, now throws(SchedulingError) in
      try state.scheduler.resize(owner, members: members, at: now)
    }.result
  }

  /// Books what an earlier process had granted.
  func restore(_ allocation: Allocation, of request: ResourceRequest) throws(SchedulingError) {
    try state.withLock { state throws(SchedulingError) in
      try state.scheduler.restore(allocation, of: request, at: clock.now)
    }
  }

  /// Lets a request of an earlier process wait again, behind those that were restored before.
  func restore(waiting request: ResourceRequest, _ waiter: Waiter) throws(SchedulingError) {
    try state.withLock { state throws(SchedulingError) in
      try state.scheduler.restore(waiting: request, at: clock.now)
      state.enqueue(request.owner, waiter, at: clock.now)
    }
  }

  // MARK: Plans

  /// Puts another plan into force, whole.
  /// - Throws: `SchedulingError` when a host of it has less than what is held there; the old plan stays then.
  func apply(_ plan: ClusterPlan) throws(SchedulingError) {
    _ = try changing { state, now throws(SchedulingError) in
      var scheduler = state.scheduler
      try scheduler.adopt(plan, insteadOf: state.plan)
      state.scheduler = scheduler
      state.plan = plan
    }
  }

  /// What `apply` would do, in sentences; nothing changes.
  /// - Throws: as `apply`.
  func preview(_ plan: ClusterPlan) throws(SchedulingError) -> [String] {
    try state.withLock { state throws(SchedulingError) in
      var scheduler = state.scheduler
      let hosts = ClusterPlan.differences(of: state.plan, plan)
      let tenants = scheduler.preview(plan.tenants, fallback: plan.fallback, at: clock.now)
      try scheduler.adopt(plan, insteadOf: state.plan)
      return hosts + tenants
    }
  }

  // MARK: Looking

  /// Hosts, tenants and what is held.
  func report() -> SchedulerReport { state.withLock { $0.scheduler }.report(at: clock.now) }

  /// How somebody stands who waits; nil for all others.
  func waiting(_ owner: String) -> WaitingReport? { state.withLock { $0.scheduler }.waiting(owner, at: clock.now) }

  /// What an owner holds.
  func allocation(of owner: String) -> Allocation? { state.withLock { $0.scheduler.allocation(of: owner) } }

  /// Time has passed: looks at what waits, and tells those who wait how they stand.
  func tick() {
    look()
    let now = clock.now
    // A report goes through the queue: it is made of a copy, so that nobody waits for it.
    let (scheduler, turn) = state.withLock { ($0.scheduler, $0.turn(of: Self.reportsAtOnce)) }
    for owner in turn {
      guard let report = scheduler.waiting(owner, at: now) else { continue }
      let waiter = state.withLock { $0.waiterToTell(owner, report, at: now, pause: Self.pause) }
      waiter?.told(report)
    }
  }

  /// Tells somebody who has just begun to wait how it stands.
  func tell(_ owner: String) -> WaitingReport? {
    let now = clock.now
    guard let report = state.withLock({ $0.scheduler }).waiting(owner, at: now) else { return nil }
    _ = state.withLock { $0.waiterToTell(owner, report, at: now, pause: Self.pause) }
    return report
  }

  // MARK: Deciding

  /// Changes the scheduler, lets it decide, and tells its decisions to all but the one that asks and is answered anyway.
  private func changing<R: Sendable>(
    for asking: String? = nil, _ body: (inout State, ContinuousClock.Instant) throws(SchedulingError) -> R
  ) throws(SchedulingError) -> (result: R, granted: Allocation?) {
    let now = clock.now
    var tell: [@Sendable () -> Void] = []
    var granted: Allocation?
    let result = try state.withLock { state throws(SchedulingError) in
      let result = try body(&state, now)
      for decision in state.scheduler.schedule(at: now) {
        switch decision {
        case .grant(let allocation):
          guard let waiting = state.dequeue(allocation.owner) else { continue }
          metrics.observe(.schedulingWait, waiting.since.duration(to: now).inSeconds)
          if allocation.owner == asking {
            granted = allocation
          } else {
            tell.append { waiting.waiter.granted(allocation) }
          }
        case .preempt(let owner, let beneficiary, let reason):
          metrics.add(.preemptions)
          if let preempt = state.preempt { tell.append { preempt(owner, beneficiary, reason) } }
        }
      }
      return result
    }
    for tell in tell { tell() }
    return (result, granted)
  }
}

extension ResourceDesk.State {
  fileprivate mutating func enqueue(_ owner: String, _ waiter: ResourceDesk.Waiter, at now: ContinuousClock.Instant) {
    waiting[owner] = ResourceDesk.Waiting(waiter: waiter, since: now)
    round.append(owner)
  }

  fileprivate mutating func dequeue(_ owner: String) -> ResourceDesk.Waiting? { waiting.removeValue(forKey: owner) }

  /// Those who are to be told now how they stand; all come in turn.
  fileprivate mutating func turn(of count: Int) -> [String] {
    let turn = Array(round.prefix(count))
    round.removeFirst(turn.count)
    round += turn.filter { waiting[$0] != nil }
    return turn
  }

  /// Who is to be told of a report; nil when nothing in it is new.
  fileprivate mutating func waiterToTell(
    _ owner: String, _ report: WaitingReport, at now: ContinuousClock.Instant, pause: Duration
  ) -> ResourceDesk.Waiter? {
    guard var waiting = waiting[owner] else { return nil }
    let isSoon = waiting.toldAt.map { $0.duration(to: now) < pause } ?? false
    if isSoon && waiting.position == report.position { return nil }
    (waiting.toldAt, waiting.position) = (now, report.position)
    self.waiting[owner] = waiting
    return waiting.waiter
  }
}
