import Objects
import Scheduling
import Supervision

/// The control of one session: its lifecycles (`SessionComposition`), the requests of its instances, its graphs, the restarts of
/// its engines, and a pending preemption. A pure value that takes events and the time and returns effects.
///
/// The engines of a session are its analytical instance, whose phase determines whether steps may use them:
///
/// | analytical instance                   | steps                                         |
/// |---------------------------------------|-----------------------------------------------|
/// | queued, allocating, starting, recovering | wait                                       |
/// | ready, degraded                       | run                                           |
/// | anything else, or none                | fail                                          |
///
/// Engines are started once they are granted *and* the session is set up (recorded, with a directory). A preemption that arrives
/// before the session can obey it is kept until then.
public struct SessionControl: Sendable, Equatable {
  /// Whether steps may use the session's engines.
  public enum EngineAccess: Sendable, Equatable {
    /// Steps wait for the engines.
    case coming
    /// Steps use the engines.
    case there
    /// Steps fail.
    case gone
  }

  /// Why a session must release its resources, and for which owner.
  public struct Preemption: Sendable, Equatable, Codable {
    /// The owner that receives the resources.
    public var beneficiary: ObjectReference
    /// The reason as a sentence.
    public var reason: String

    /// Creates a preemption.
    public init(beneficiary: ObjectReference, reason: String) {
      self.beneficiary = beneficiary
      self.reason = reason
    }
  }

  /// The lifecycles of the session and its instances.
  public private(set) var composition: SessionComposition
  /// The request of each instance, by name.
  public private(set) var requests: [String: ResourceRequest] = [:]
  /// The names of the existing graphs, by the engine's keys.
  public private(set) var graphs: [String: String] = [:]
  /// The most recently requested analytical instance, which has the session's engines. Earlier ones have ended.
  public private(set) var analytical: String?
  /// Whether a session of an earlier process cannot be recovered at present. Its lease is suspended.
  public private(set) var isHeld = false
  /// Whether its engines may be started as soon as they are granted.
  public private(set) var isSetUp: Bool
  /// Whether the session is visible to clients. Until then, its lease is suspended.
  public private(set) var isAdmitted: Bool
  /// The preemption to obey once that is possible.
  public private(set) var preemption: Preemption?
  private var restarts = RestartBudget()

  /// Creates a session requested by a client. Events set it up and admit it.
  public init(
    lease: Duration?, timeouts: InstanceLifecycle.Timeouts = InstanceLifecycle.Timeouts(),
    at now: ContinuousClock.Instant
  ) {
    composition = SessionComposition(lease: lease, timeouts: timeouts, at: now)
    (isSetUp, isAdmitted) = (false, false)
  }

  /// Recovers a session from a journal. It waits to be set up.
  /// - Returns: The session, and the effects to perform.
  public static func recovered(
    _ record: Record, timeouts: InstanceLifecycle.Timeouts = InstanceLifecycle.Timeouts(),
    at now: ContinuousClock.Instant
  ) -> (session: SessionControl, effects: [Effect]) {
    var control = SessionControl(lease: record.lease, timeouts: timeouts, at: now)
    for instance in record.instances { control.requests[instance.recorded.name] = instance.request }
    let analytical = record.instances.filter { $0.recorded.kind == .analytical }
    control.analytical =
      (analytical.first { !$0.recorded.record.phase.isFinal } ?? analytical.last)?.recorded.name
    control.graphs = record.graphs
    let effects: [SessionComposition.Effect]
    (control.composition, effects) = SessionComposition.recovered(
      lease: record.lease, isClosing: record.isClosing, graphs: Set(record.graphs.values),
      instances: record.instances.map(\.recorded), timeouts: timeouts, at: now)
    control.isAdmitted = true
    return (control, control.effects(of: effects))
  }

  // MARK: - State

  /// The phase of the session.
  public var phase: SessionLifecycle.Phase { composition.phase }

  /// Whether it is neither closing nor closed.
  public var isOpen: Bool { phase == .connected || phase == .detached }

  /// Whether steps may use the engines.
  public var engineAccess: EngineAccess {
    guard let phase = analytical.flatMap({ composition.instance($0)?.phase }) else { return .gone }
    switch phase {
    case .requested, .queued, .allocating, .starting, .recovering: return .coming
    case .ready, .degraded: return .there
    case .draining, .stopping, .stopped, .failed: return .gone
    }
  }

  /// Returns the instance that requests or holds resources under this owner's name.
  public func instance(ofOwner owner: ObjectReference) -> String? { requests.first { $0.value.owner == owner }?.key }

  /// Returns the state to journal.
  public func record(lease: Duration?) -> Record {
    Record(
      lease: lease, isClosing: phase == .closing, graphs: graphs,
      instances: composition.instances.compactMap { name in
        guard let recorded = composition.recorded(name), let request = requests[name] else { return nil }
        return .init(recorded: recorded, request: request)
      })
  }

  // MARK: - Events

  /// Handles an event of the session.
  public mutating func handle(_ event: Event, at now: ContinuousClock.Instant) -> [Effect] {
    do throws(SessionRefusal) { return try take(event, at: now) } catch { return [.refused(error)] }
  }

  private mutating func take(_ event: Event, at now: ContinuousClock.Instant) throws(SessionRefusal) -> [Effect] {
    switch event {
    case .signOfLife: try requireLife(composition.signOfLife(at: now))
    case .reconnect: try requireLife(composition.reconnect(at: now))
    case .connectionLost: composition.connectionLost()
    case .hold: composition.hold(at: now)
    case .endHold(let wasClient): composition.endHold(at: now, wasClient: wasClient)
    case .close:
      guard isOpen else { throw .closing }
      return [.closing] + effects(of: composition.close(at: now))
    case .tick:
      if !isAdmitted { _ = composition.signOfLife(at: now) }
      let wasOpen = isOpen
      let effects = effects(of: composition.tick(at: now))
      return wasOpen && !isOpen ? [.closing] + effects : effects
    case .recoveryFailed: (isHeld, isSetUp) = (true, false)
    case .cameBack: isHeld = false
    case .setUp:
      isSetUp = true
      return analytical.map { tell($0, .allocated, at: now) } ?? []
    case .admitted:
      isAdmitted = true
      _ = composition.signOfLife(at: now)
      return giveWayIfPossible()
    case .graphMade(let key, let name):
      try composition.addGraph(name)
      graphs[key] = name
    case .graphGone(let key): try forgetGraph(key)
    case .graphsLost(let keys): for key in keys { try? forgetGraph(key) }
    case .beginStep(let step): try composition.beginStep(step, on: analytical ?? "")
    case .endStep(let step): return effects(of: composition.endStep(step, at: now))
    case .request(let name, let kind, let graph, let request):
      let effects = try composition.request(name, kind: kind, graph: graph, at: now)
      requests[name] = request
      if kind == .analytical { analytical = name }
      return self.effects(of: effects)
    case .granted(let owner):
      guard let name = instance(ofOwner: owner) else { return [] }
      let effects = tell(name, .granted, at: now)
      return isSetUp && name == analytical ? effects + tell(name, .allocated, at: now) : effects
    case .resourcesRefused(let owner):
      guard let name = instance(ofOwner: owner) else { return [] }
      return tell(name, .broke, at: now)
    case .preempt(let owner, let preemption):
      guard let analytical, instance(ofOwner: owner) == analytical,
        composition.instance(analytical)?.phase.holdsResources == true
      else { return [] }
      self.preemption = preemption
      return giveWayIfPossible()
    case .instance(let name, let event):
      let effects = tell(name, event, at: now)
      return event == .becameReady ? effects + giveWayIfPossible() : effects
    case .died(let name): return died(name, at: now)
    case .startAgain(let name): return startAgain(name, at: now)
    case .forget(let name):
      try composition.forget(name)
      requests[name] = nil
      if analytical == name { analytical = nil }
    case .allEnded: return endAll(at: now)
    }
    return []
  }

  private func requireLife(_ action: SessionLifecycle.LifeAction) throws(SessionRefusal) {
    if action == .refused { throw .closing }
  }

  private mutating func forgetGraph(_ key: String) throws(SessionRefusal) {
    guard let name = graphs[key] else { return }
    try composition.removeGraph(name)
    graphs[key] = nil
  }

  private mutating func tell(
    _ name: String, _ event: InstanceLifecycle.Event, at now: ContinuousClock.Instant
  ) -> [Effect] {
    let effects = effects(of: composition.handle(name, at: now) { $0.handle(event, at: now) })
    if name == analytical, composition.instance(name)?.phase.holdsResources != true { preemption = nil }
    return effects
  }

  /// Handles the unexpected end of a serving instance: its remains must be ended.
  private mutating func died(_ name: String, at now: ContinuousClock.Instant) -> [Effect] {
    guard composition.instance(name)?.phase.serves == true else { return [] }
    return tell(name, .broke, at: now)
  }

  /// Restarts engines that died or failed to start, once nothing of them is left. They keep their resources for the new ones.
  private mutating func startAgain(_ name: String, at now: ContinuousClock.Instant) -> [Effect] {
    guard isOpen, let phase = composition.instance(name)?.phase, phase.holdsResources else { return [] }
    guard phase.serves || phase == .starting, let pause = restarts.next(at: now) else {
      return tell(name, .ended, at: now) + [.givenUp(name)]
    }
    return tell(name, .restarts, at: now).map { effect in
      effect == .instance(name, .start) ? .startAgain(name, after: pause) : effect
    }
  }

  private mutating func giveWayIfPossible() -> [Effect] {
    guard isAdmitted, isOpen, let preemption, let analytical,
      composition.instance(analytical)?.phase.serves == true
    else { return [] }
    self.preemption = nil
    return [.giveWay(analytical, preemption)]
  }

  /// Records that nothing of any instance or step is left.
  private mutating func endAll(at now: ContinuousClock.Instant) -> [Effect] {
    var effects: [Effect] = []
    for name in composition.instances {
      if let step = composition.step(on: name) { effects += self.effects(of: composition.endStep(step, at: now)) }
      for event in [InstanceLifecycle.Event.stop, .drained, .ended] { effects += tell(name, event, at: now) }
    }
    return effects
  }

  private func effects(of effects: [SessionComposition.Effect]) -> [Effect] {
    effects.map { effect in
      switch effect {
      case .instance(let name, let action): self.effect(action, of: name)
      case .cancelStep(let step): .cancelStep(step)
      case .closed: .closed
      }
    }
  }

  private func effect(_ action: InstanceLifecycle.Action, of name: String) -> Effect {
    guard let request = requests[name] else { return .instance(name, action) }
    return switch action {
    case .askForResources: .resources(name, .ask(request))
    case .withdraw: .resources(name, .withdraw(request.owner))
    case .requeue: .resources(name, .requeue(request.owner))
    case .release: .resources(name, .release(request.owner))
    case .none, .allocate, .start, .find, .drain, .stop, .kill, .report: .instance(name, action)
    }
  }
}
