import Objects
import Scheduling

/// An event of the scheduler.
public enum ResourceEvent: Sendable, Equatable, Codable {
  /// An owner submits a request. If it already holds, the outcome is its allocation; if it already waits, nothing changes.
  case ask(ResourceRequest)
  /// An owner withdraws its request.
  case withdraw(ObjectReference)
  /// An owner releases everything.
  case release(ObjectReference)
  /// A preempted owner releases everything and waits again, at its old position.
  case requeue(ObjectReference)
  /// An owner reports its usage.
  case use(ObjectReference, Usage)
  /// A holder changes its members; nothing changes if there is no room. `decide` follows.
  case resize(ObjectReference, members: [ResourceRequest.Member])
  /// A plan replaces another one; nothing changes if more is held than it provides. `decide` follows.
  case adopt(ClusterPlan, insteadOf: ClusterPlan)
  /// Recovers an allocation from a journal.
  case restore(Allocation, of: ResourceRequest)
  /// Recovers a waiting request from a journal.
  case restoreWaiting(ResourceRequest)
  /// A host appears, or its capacity changes.
  case host(String, Resources, labels: [String: String])
  /// A host is lost.
  case hostLost(String)
  /// All related changes are made: decide.
  case decide
}

/// An outcome of an event of the scheduler.
public enum ResourceOutcome: Sendable, Equatable {
  /// The owner holds this allocation.
  case granted(Allocation)
  /// The request was rejected; nothing has changed.
  case refused(owner: ObjectReference, SchedulingError)
  /// The owner must be drained for the sake of another one.
  case preempt(owner: ObjectReference, SessionControl.Preemption)
  /// These owners hold resources on a lost host.
  case hostLost(String, holders: [ObjectReference])
  /// The event contradicts the state of the scheduler, because of a bug in the coordinator.
  case fault(SchedulingError)
}

extension Scheduler {
  /// Handles an event. Only `decide` grants waiting requests.
  public mutating func handle(_ event: ResourceEvent, at now: ContinuousClock.Instant) -> [ResourceOutcome] {
    do throws(SchedulingError) { return try take(event, at: now) } catch {
      switch event {
      case .ask(let request), .restore(_, let request), .restoreWaiting(let request):
        return [.refused(owner: request.owner, error)]
      // The owner or the operator receives the error and keeps the earlier state.
      case .use, .resize, .adopt: return []
      default: return [.fault(error)]
      }
    }
  }

  private mutating func take(
    _ event: ResourceEvent, at now: ContinuousClock.Instant
  ) throws(SchedulingError) -> [ResourceOutcome] {
    switch event {
    case .ask(let request):
      if let allocation = allocation(of: request.owner) { return [.granted(allocation)] }
      if !isWaiting(request.owner) { try submit(request, at: now) }
    case .withdraw(let owner): withdraw(owner)
    case .release(let owner): try release(owner, at: now)
    case .requeue(let owner): try requeue(owner, at: now)
    case .use(let owner, let usage): try setUsage(owner, usage)
    case .resize(let owner, let members): _ = try resize(owner, members: members, at: now)
    case .adopt(let plan, let old):
      var changed = self
      try changed.adopt(plan, insteadOf: old)
      self = changed
    case .restore(let allocation, let request): try restore(allocation, of: request, at: now)
    case .restoreWaiting(let request): try restore(waiting: request, at: now)
    case .host(let name, let capacity, let labels): try setHost(name, capacity: capacity, labels: labels)
    case .hostLost(let name): return [.hostLost(name, holders: removeHost(name))]
    case .decide:
      return schedule(at: now).map { decision in
        switch decision {
        case .grant(let allocation): .granted(allocation)
        case .preempt(let owner, let beneficiary, let reason):
          .preempt(owner: owner, .init(beneficiary: beneficiary, reason: reason))
        }
      }
    }
    return []
  }
}
