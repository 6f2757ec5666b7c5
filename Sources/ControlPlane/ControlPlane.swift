import Objects
import Scheduling
import StateStore

/// The state that the coordinator controls, as one pure value: sessions with their instances, the scheduler, graph services and
/// jobs. Takes events and the time, returns effects; see `docs/decisions/0017-one-control-plane.md`.
///
/// The coordinator keeps the same parts behind locks, and routes events between them by the same code: `ControlPlaneParts`.
public struct ControlPlane: Sendable {
  /// An event. Codable, so that histories can be recorded and replayed.
  public enum Event: Sendable, Equatable, Codable {
    /// A client opens a session; refused if the name is taken.
    case open(String, lease: Duration?)
    /// Recovers a session from a journal. The resources that its instances hold or wait for are recovered in the scheduler
    /// beforehand; `decide` follows when all sessions are recovered.
    case recover(String, SessionControl.Record)
    case session(String, SessionControl.Event)
    case resources(ResourceEvent)
    case service(String, GraphServiceLifecycle.Event)
    case job(String, JobLifecycle.Event)
    /// Recovers a graph service from a journal.
    case recoverService(String, GraphServiceLifecycle.Record)
    /// Recovers a job from a journal. A job that was running and is gone is reported as failed afterwards.
    case recoverJob(String, JobLifecycle.Record, timeLimit: Duration?)
    /// Time has passed, for all parts.
    case tick
  }

  /// An effect to perform. Effects are performed in order; Codable like `Event`.
  public enum Effect: Sendable, Equatable, Codable {
    case session(String, SessionControl.Effect)
    /// The scheduler refused a request; the owner's session has already handled it.
    case resourcesRefused(owner: ObjectReference, SchedulingError)
    /// These owners hold resources on a lost host.
    case hostLost(String, holders: [ObjectReference])
    case service(String, GraphServiceLifecycle.Action)
    case job(String, JobLifecycle.Action)
    /// The control plane is inconsistent.
    case fault(SchedulingError)
  }

  /// The sessions that are not closed, by name.
  public private(set) var sessions: [String: SessionControl] = [:]
  /// The scheduler, with all allocations and waiting requests.
  public private(set) var scheduler: Scheduler
  /// The graph services, by name.
  public private(set) var services: [String: GraphServiceLifecycle] = [:]
  /// The jobs that are not forgotten, by name.
  public private(set) var jobs: [String: JobLifecycle] = [:]
  private let timeouts: InstanceLifecycle.Timeouts

  /// Creates a control plane without sessions, services and jobs.
  public init(
    scheduler: Scheduler = Scheduler(), timeouts: InstanceLifecycle.Timeouts = InstanceLifecycle.Timeouts()
  ) {
    self.scheduler = scheduler
    self.timeouts = timeouts
  }

  /// Handles an event and returns its effects.
  public mutating func handle(_ event: Event, at now: ContinuousClock.Instant) -> [Effect] {
    switch event {
    case .open(let name, let lease):
      guard sessions[name] == nil else { return [.session(name, .refused(.nameTaken(name)))] }
      sessions[name] = SessionControl(lease: lease, timeouts: timeouts, at: now)
      return []
    case .recover(let name, let record):
      let (session, effects) = SessionControl.recovered(record, timeouts: timeouts, at: now)
      sessions[name] = session
      return settle(recovered: effects, of: name, at: now)
    case .session(let name, let event): return handle(session: name, event, at: now)
    case .resources(let event): return handle(resources: event, at: now)
    case .service(let name, let event): return tell(service: name, event, at: now)
    case .job(let name, let event): return tell(job: name, event, at: now)
    case .recoverService(let name, let record):
      let (service, actions) = GraphServiceLifecycle.recovered(from: record, at: now)
      keep(service, as: name)
      return actions.map { .service(name, $0) }
    case .recoverJob(let name, let record, let timeLimit):
      let (job, action) = JobLifecycle.recovered(from: record, timeLimit: timeLimit, at: now)
      jobs[name] = job
      return action == .none ? [] : [.job(name, action)]
    case .tick: return tick(at: now)
    }
  }

  /// When `tick` is due; nil if nothing depends on time.
  public var deadline: ContinuousClock.Instant? {
    let deadlines =
      sessions.values.map(\.composition.deadline) + services.values.map(\.deadline) + jobs.values.map(\.deadline)
    return deadlines.compactMap { $0 }.min()
  }

  /// Returns the session of an owner of resources, which is a session or an instance of one.
  public static func session(ofOwner owner: ObjectReference) -> String? {
    owner.kind == .session || owner.kind == .instance ? owner.session : nil
  }

  private mutating func tick(at now: ContinuousClock.Instant) -> [Effect] {
    let isDue = { (deadline: ContinuousClock.Instant?) in deadline.map { $0 <= now } ?? false }
    var effects: [Effect] = []
    for name in sessions.keys.sorted() where isDue(sessions[name]?.composition.deadline) {
      effects += handle(session: name, .tick, at: now)
    }
    for name in services.keys.sorted() where isDue(services[name]?.deadline) {
      effects += tell(service: name, .tick, at: now)
    }
    for name in jobs.keys.sorted() where isDue(jobs[name]?.deadline) { effects += tell(job: name, .tick, at: now) }
    return effects
  }

  private mutating func tell(
    service name: String, _ event: GraphServiceLifecycle.Event, at now: ContinuousClock.Instant
  ) -> [Effect] {
    var service = services[name] ?? GraphServiceLifecycle()
    let action = service.handle(event, at: now)
    keep(service, as: name)
    return action == .none ? [] : [.service(name, action)]
  }

  /// Stores a service, or removes it if nothing of it is left.
  private mutating func keep(_ service: GraphServiceLifecycle, as name: String) {
    services[name] = service.phase == .stopped && service.leaving.isEmpty ? nil : service
  }

  private mutating func tell(
    job name: String, _ event: JobLifecycle.Event, at now: ContinuousClock.Instant
  ) -> [Effect] {
    if case .submit(let limit) = event {
      if jobs[name] == nil { jobs[name] = JobLifecycle(timeLimit: limit) }
      return []
    }
    guard var job = jobs[name] else { return [] }
    let action = job.handle(event, at: now)
    jobs[name] = event == .forget && job.phase.isFinal ? nil : job
    return action == .none ? [] : [.job(name, action)]
  }
}

extension ControlPlane: ControlPlaneParts {
  /// Hands an event to a session, and removes the session if it is closed afterwards.
  public mutating func tell(
    session name: String, _ event: SessionControl.Event, at now: ContinuousClock.Instant
  ) -> [SessionControl.Effect] {
    guard let effects = sessions[name]?.handle(event, at: now) else { return [] }
    if effects.contains(.closed) { sessions[name] = nil }
    return effects
  }

  /// Hands an event to the scheduler.
  public mutating func tell(resources event: ResourceEvent, at now: ContinuousClock.Instant) -> [ResourceOutcome] {
    scheduler.handle(event, at: now)
  }
}
