import ControlPlane
import Objects
import Scheduling
import StateStore
import Synchronization

/// The parts of the control plane in this process: the scheduler behind a lock, and the sessions, each behind its own. The
/// scheduler's lock is taken first, never while a session's is held. See `docs/decisions/0017-one-control-plane.md`.
final class ResourceDesk: Sendable {
  fileprivate struct Waiting {
    let since: ContinuousClock.Instant
    var toldAt: ContinuousClock.Instant?
    var position: Int?
  }

  struct State {
    fileprivate var scheduler: Scheduler
    fileprivate var plan: ClusterPlan
    fileprivate var sessions: [String: Session] = [:]
    fileprivate var waiting: [ObjectReference: Waiting] = [:]
    /// The owners of waiting requests, in the order in which they receive reports.
    fileprivate var round: [ObjectReference] = []
    fileprivate let metrics: Metrics
  }

  /// The callbacks that perform decisions of the control plane.
  struct Executor: Sendable {
    /// Performs an effect of a session; called without locks, in the order of the decisions.
    var perform: @Sendable (SessionControl.Effect, Session) -> Void
    /// Reports to an owner, from time to time, how long it has to wait.
    var tell: @Sendable (ObjectReference, WaitingReport) -> Void
    /// Reports a contradiction, which is a bug in this program.
    var fault: @Sendable (SchedulingError) -> Void
  }

  /// The maximum number of reports made at once; more would hold the lock for too long.
  private static let reportsAtOnce = 200
  /// The interval of reports in which only the time has changed.
  private static let pause = Duration.seconds(15)

  private let state: Mutex<State>
  private let executor = Mutex<Executor?>(nil)
  private let clock = ContinuousClock()
  let recorder: HistoryRecorder?

  /// Creates a desk for the hosts and tenants of a plan.
  init(_ plan: ClusterPlan, metrics: Metrics) {
    recorder = HistoryRecorder.current ?? .ofEnvironment()
    state = Mutex(State(scheduler: Scheduler(plan), plan: plan, metrics: metrics))
    recorder.note(.resources(.adopt(plan, insteadOf: ClusterPlan(hosts: []))), at: clock.now) {}
  }

  /// Sets the callbacks that perform effects.
  func use(_ executor: Executor) { self.executor.withLock { $0 = executor } }

  /// The plan in force.
  var plan: ClusterPlan { state.withLock { $0.plan } }

  // MARK: Sessions

  /// Adds a session opened by a client.
  func add(_ session: Session, lease: Duration?, at now: ContinuousClock.Instant) {
    recorder.note(.open(session.id, lease: lease), at: now) {
      state.withLock { $0.sessions[session.id] = session }
    }
  }

  /// Adds a session of an earlier process, whose resources are booked, and requests them. `decide` follows when all sessions are
  /// added.
  func add(
    _ session: Session, recovered record: SessionControl.Record, _ effects: [SessionControl.Effect],
    at now: ContinuousClock.Instant
  ) {
    perform(
      recorder.note(.recover(session.id, record), at: now, effects: { $0 }) {
        state.withLock { state in
          state.sessions[session.id] = session
          return state.settle(recovered: effects, of: session.id, at: now)
        }
      })
  }

  /// All sessions under control, including those being opened.
  var sessions: [Session] { state.withLock { Array($0.sessions.values) } }

  /// Removes a session.
  func remove(_ session: Session) { state.withLock { $0.sessions[session.id] = nil } }

  /// Handles an event of a session that may concern its resources. Performs the effects for other sessions.
  /// - Returns: The effects for the session itself, for the caller to perform; and the scheduler's error if it rejected the
  ///   request.
  func handle(
    _ event: SessionControl.Event, of session: Session, at now: ContinuousClock.Instant = .now
  ) -> (effects: [SessionControl.Effect], refusal: SchedulingError?) {
    let all: [ControlPlane.Effect] = recorder.note(.session(session.id, event), at: now, effects: { $0 }) {
      state.withLock { $0.handle(session: session.id, event, at: now) }
    }
    var own: [SessionControl.Effect] = []
    var refusal: SchedulingError?
    var others: [ControlPlane.Effect] = []
    for effect in all {
      switch effect {
      case .session(session.id, let effect): own.append(effect)
      case .resourcesRefused(_, let error): refusal = error
      default: others.append(effect)
      }
    }
    perform(others)
    return (own, refusal)
  }

  /// Performs effects of a session without the scheduler's lock; heartbeats use this, too.
  func perform(_ effects: [SessionControl.Effect], for session: Session) {
    guard !effects.isEmpty, let executor = executor.withLock({ $0 }) else { return }
    for effect in effects { executor.perform(effect, session) }
  }

  /// Performs effects.
  private func perform(_ effects: [ControlPlane.Effect]) {
    guard !effects.isEmpty, let executor = executor.withLock({ $0 }) else { return }
    for effect in effects {
      switch effect {
      case .session(let name, let effect):
        if let session = state.withLock({ $0.sessions[name] }) { executor.perform(effect, session) }
      case .fault(let error): executor.fault(error)
      // Requesters receive the error; hosts are lost only through plans, and services and jobs are not used yet.
      case .resourcesRefused, .hostLost, .service, .job: break
      }
    }
  }

  // MARK: Resources

  private func handle(_ event: ResourceEvent) -> [ControlPlane.Effect] {
    let now = clock.now
    return recorder.note(.resources(event), at: now, effects: { $0 }) {
      state.withLock { $0.handle(resources: event, at: now) }
    }
  }

  /// Changes the scheduler by an event whose error is thrown to the caller.
  private func change<Result: Sendable>(
    _ event: ResourceEvent, at now: ContinuousClock.Instant,
    _ body: (inout State) throws(SchedulingError) -> Result
  ) throws(SchedulingError) -> Result {
    try recorder.note(.resources(event), at: now) { () throws(SchedulingError) in
      try state.withLock { state throws(SchedulingError) in try body(&state) }
    }
  }

  /// Lets the scheduler decide about waiting requests, because time has passed or there is more room.
  func decide() { perform(handle(.decide)) }

  /// Sets the current usage of an owner.
  /// - Throws: `SchedulingError` if that exceeds its tenant's quota or its host; nothing has changed then.
  func setUsage(_ owner: ObjectReference, _ usage: Usage) throws(SchedulingError) {
    try change(.use(owner, usage), at: clock.now) { state throws(SchedulingError) in
      try state.scheduler.setUsage(owner, usage)
    }
  }

  /// Changes the members of a holder.
  /// - Throws: `SchedulingError`; nothing has changed then.
  func resize(
    _ owner: ObjectReference, members: [ResourceRequest.Member]
  ) throws(SchedulingError) -> Allocation {
    let now = clock.now
    let allocation = try change(.resize(owner, members: members), at: now) { state throws(SchedulingError) in
      try state.scheduler.resize(owner, members: members, at: now)
    }
    decide()
    return allocation
  }

  /// Books an allocation granted by an earlier process. `decide` follows when everything is booked.
  /// - Throws: `SchedulingError` if the resources are no longer available.
  func restore(_ allocation: Allocation, of request: ResourceRequest) throws(SchedulingError) {
    for case .resourcesRefused(_, let error) in handle(.restore(allocation, of: request)) { throw error }
  }

  /// Recovers a waiting request of an earlier process, behind those recovered before.
  func restore(waiting request: ResourceRequest) throws(SchedulingError) {
    for case .resourcesRefused(_, let error) in handle(.restoreWaiting(request)) { throw error }
  }

  /// Cancels the booking of an owner that is not recovered.
  func unbook(_ owner: ObjectReference) {
    perform(handle(state.withLock { $0.scheduler.allocation(of: owner) } == nil ? .withdraw(owner) : .release(owner)))
  }

  // MARK: Plans

  /// Replaces the plan as a whole.
  /// - Throws: `SchedulingError` if a host in it has less than what is held there; the old plan stays then.
  func apply(_ plan: ClusterPlan) throws(SchedulingError) {
    try change(.adopt(plan, insteadOf: self.plan), at: clock.now) { state throws(SchedulingError) in
      var scheduler = state.scheduler
      try scheduler.adopt(plan, insteadOf: state.plan)
      state.scheduler = scheduler
      state.plan = plan
    }
    decide()
  }

  /// Describes the effects of `apply` in sentences, without changing anything.
  /// - Throws: As `apply`.
  func preview(_ plan: ClusterPlan) throws(SchedulingError) -> [String] {
    try state.withLock { state throws(SchedulingError) in
      var scheduler = state.scheduler
      let hosts = ClusterPlan.differences(of: state.plan, plan)
      let tenants = scheduler.preview(plan.tenants, fallback: plan.fallback, at: clock.now)
      try scheduler.adopt(plan, insteadOf: state.plan)
      return hosts + tenants
    }
  }

  // MARK: Reading

  /// Reads the scheduler while holding its lock.
  func look<Result>(_ body: (Scheduler) -> Result) -> Result { state.withLock { body($0.scheduler) } }

  /// Returns a report of hosts, tenants and holders.
  func report() -> SchedulerReport { look { $0 }.report(at: clock.now) }

  /// Returns the report of a waiting owner; nil for all others.
  func waiting(_ owner: ObjectReference) -> WaitingReport? {
    state.withLock { $0.scheduler }.waiting(owner, at: clock.now)
  }

  /// Returns the allocation of an owner.
  func allocation(of owner: ObjectReference) -> Allocation? {
    state.withLock { $0.scheduler.allocation(of: owner) }
  }

  /// Lets the scheduler decide after time has passed, and reports to owners of waiting requests.
  func tick() {
    decide()
    let now = clock.now
    // A report walks the queue; it is made from a copy, so that it does not hold the lock.
    let (scheduler, turn) = state.withLock { ($0.scheduler, $0.turn(of: Self.reportsAtOnce)) }
    let executor = executor.withLock { $0 }
    for owner in turn {
      guard let report = scheduler.waiting(owner, at: now) else { continue }
      if state.withLock({ $0.isToBeTold(owner, report, at: now, pause: Self.pause) }) {
        executor?.tell(owner, report)
      }
    }
  }

  /// Returns the report of an owner that has just begun to wait.
  func tell(_ owner: ObjectReference) -> WaitingReport? {
    let now = clock.now
    guard let report = state.withLock({ $0.scheduler }).waiting(owner, at: now) else { return nil }
    return state.withLock { state in
      // It is reported now, whether or not it was due.
      _ = state.isToBeTold(owner, report, at: now, pause: Self.pause)
      return report
    }
  }
}

extension ResourceDesk.State: ControlPlaneParts {
  mutating func tell(
    session name: String, _ event: SessionControl.Event, at now: ContinuousClock.Instant
  ) -> [SessionControl.Effect] {
    sessions[name]?.control.withLock { $0.handle(event, at: now) } ?? []
  }

  mutating func tell(resources event: ResourceEvent, at now: ContinuousClock.Instant) -> [ResourceOutcome] {
    let outcomes = scheduler.handle(event, at: now)
    switch event {
    case .ask(let request), .restoreWaiting(let request): if outcomes.isEmpty { enqueue(request.owner, at: now) }
    case .requeue(let owner): enqueue(owner, at: now)
    case .withdraw(let owner): waiting[owner] = nil
    case .release, .use, .resize, .adopt, .restore, .host, .hostLost, .decide: break
    }
    for outcome in outcomes {
      switch outcome {
      case .granted(let allocation):
        if let waiting = waiting.removeValue(forKey: allocation.owner) {
          metrics.observe(.schedulingWait, waiting.since.duration(to: now).inSeconds)
        }
      case .preempt: metrics.add(.preemptions)
      case .refused, .hostLost, .fault: break
      }
    }
    return outcomes
  }

  private mutating func enqueue(_ owner: ObjectReference, at now: ContinuousClock.Instant) {
    if waiting.updateValue(ResourceDesk.Waiting(since: now), forKey: owner) == nil { round.append(owner) }
  }

  /// Returns the owners that are due for a report; all have their turn.
  fileprivate mutating func turn(of count: Int) -> [ObjectReference] {
    let turn = Array(round.prefix(count))
    round.removeFirst(turn.count)
    round += turn.filter { waiting[$0] != nil }
    return turn
  }

  /// Whether to report to an owner: whether the report contains anything new.
  fileprivate mutating func isToBeTold(
    _ owner: ObjectReference, _ report: WaitingReport, at now: ContinuousClock.Instant, pause: Duration
  ) -> Bool {
    guard var waiting = waiting[owner] else { return false }
    let isSoon = waiting.toldAt.map { $0.duration(to: now) < pause } ?? false
    if isSoon && waiting.position == report.position { return false }
    (waiting.toldAt, waiting.position) = (now, report.position)
    self.waiting[owner] = waiting
    return true
  }
}
