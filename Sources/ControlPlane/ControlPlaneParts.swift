import Objects
import Scheduling

/// Access to the parts of a control plane, whether they are kept in one value or each behind a lock of its own. All routing of
/// events between the parts is implemented here.
public protocol ControlPlaneParts {
  /// Hands an event to a session.
  /// - Returns: The effects; none if there is no such session.
  mutating func tell(
    session name: String, _ event: SessionControl.Event, at now: ContinuousClock.Instant
  ) -> [SessionControl.Effect]

  /// Hands an event to the scheduler and returns its outcomes.
  mutating func tell(resources event: ResourceEvent, at now: ContinuousClock.Instant) -> [ResourceOutcome]
}

extension ControlPlaneParts {
  /// Handles an event of a session. Its consequences for the scheduler and for other sessions are settled before this returns.
  public mutating func handle(
    session name: String, _ event: SessionControl.Event, at now: ContinuousClock.Instant
  ) -> [ControlPlane.Effect] {
    var effects: [ControlPlane.Effect] = []
    if follow(tell(session: name, event, at: now), of: name, &effects, at: now) { decide(&effects, at: now) }
    return effects
  }

  /// Handles an event of the scheduler, which then makes its decisions.
  public mutating func handle(
    resources event: ResourceEvent, at now: ContinuousClock.Instant
  ) -> [ControlPlane.Effect] {
    var effects: [ControlPlane.Effect] = []
    let hasChanged = deliver(tell(resources: event, at: now), &effects, at: now)
    switch event {
    // A recovery consists of several events, followed by `decide`. Usage changes with every step of a load.
    case .restore, .restoreWaiting, .use, .resize, .adopt: break
    case .decide: if hasChanged { decide(&effects, at: now) }
    default: decide(&effects, at: now)
    }
    return effects
  }

  /// Passes the effects of a recovered session on to the scheduler. The scheduler makes no decisions until the next `decide`,
  /// when all sessions are recovered.
  public mutating func settle(
    recovered first: [SessionControl.Effect], of session: String, at now: ContinuousClock.Instant
  ) -> [ControlPlane.Effect] {
    var effects: [ControlPlane.Effect] = []
    follow(first, of: session, &effects, at: now)
    return effects
  }

  private mutating func decide(_ effects: inout [ControlPlane.Effect], at now: ContinuousClock.Instant) {
    while deliver(tell(resources: .decide, at: now), &effects, at: now) {}
  }

  /// - Returns: Whether an event was handed to the scheduler.
  @discardableResult
  private mutating func follow(
    _ new: [SessionControl.Effect], of session: String, _ effects: inout [ControlPlane.Effect],
    at now: ContinuousClock.Instant
  ) -> Bool {
    var hasChanged = false
    for effect in new {
      effects.append(.session(session, effect))
      guard case .resources(_, let event) = effect else { continue }
      hasChanged = true
      deliver(tell(resources: event, at: now), &effects, at: now)
    }
    return hasChanged
  }

  /// Delivers the outcomes of the scheduler to the sessions.
  /// - Returns: Whether that led to further events of the scheduler.
  @discardableResult
  private mutating func deliver(
    _ outcomes: [ResourceOutcome], _ effects: inout [ControlPlane.Effect], at now: ContinuousClock.Instant
  ) -> Bool {
    var hasChanged = false
    for outcome in outcomes {
      let (owner, event): (ObjectReference, SessionControl.Event)
      switch outcome {
      case .granted(let allocation): (owner, event) = (allocation.owner, .granted(owner: allocation.owner))
      case .preempt(let holder, let preemption): (owner, event) = (holder, .preempt(owner: holder, preemption))
      case .refused(let asking, let error):
        effects.append(.resourcesRefused(owner: asking, error))
        (owner, event) = (asking, .resourcesRefused(owner: asking))
      case .hostLost(let name, let holders):
        effects.append(.hostLost(name, holders: holders))
        continue
      case .fault(let error):
        effects.append(.fault(error))
        continue
      }
      guard let session = ControlPlane.session(ofOwner: owner) else { continue }
      if follow(tell(session: session, event, at: now), of: session, &effects, at: now) { hasChanged = true }
    }
    return hasChanged
  }
}
