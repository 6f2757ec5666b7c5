/// The lifecycle of an instance: an engine, a query service or a learning service of a session, with all its processes.
///
/// The owner performs each action and reports its outcome as an event. After every event it reads `deadline` and schedules a
/// `tick` for that time; ticks may come late, early or twice.
///
/// | state | `admit` | `granted` | `allocated` | `becameReady` | `impaired` | `broke` | `drained` | `ended` | `restarts` | `gaveWay` | `stop` | `tick`, deadline over |
/// |---|---|---|---|---|---|---|---|---|---|---|---|---|
/// | requested | → queued, ask | – | – | – | – | → failed, report | – | – | – | – | → stopped, report | – |
/// | queued | – | → allocating, allocate | – | – | – | → failed, withdraw | – | – | – | – | → stopped, withdraw | – |
/// | allocating | – | – | → starting, start | – | – | → stopping↯, stop | – | → failed, release | – | – | → stopping, stop | → stopping↯, stop |
/// | starting | – | – | – | → ready, report | – | → stopping↯, stop | – | → failed, release | → starting, start | – | → stopping, stop | → stopping↯, stop |
/// | recovering | – | – | – | → ready, report | – | → stopping↯, stop | – | → failed, release | – | – | → stopping, stop | → stopping↯, stop |
/// | ready | – | – | – | – | → degraded, report | → stopping↯, stop | – | → failed, release | → starting, start | → queued, requeue | → draining, drain | – |
/// | degraded | – | – | – | → ready, report | – | → stopping↯, stop | – | → failed, release | → starting, start | → queued, requeue | → draining, drain | – |
/// | draining | – | – | – | – | – | → stopping↯, stop | → stopping, stop | → stopped, release | – | – | – | → stopping, stop |
/// | stopping | – | – | – | – | – | – | – | → stopped, release | – | – | – | kill |
/// | stopping↯ | – | – | – | – | – | – | – | → failed, release | – | – | – | kill |
/// | stopped | – | – | – | – | – | – | – | – | – | – | – | – |
/// | failed | – | – | – | – | – | – | – | – | – | – | – | – |
///
/// stopping↯ is stopping after a failure. Resources are held from `granted` until the single transition with the action
/// `release`, which follows only `ended`, when nothing of the instance is left to use them, or with `requeue`, which releases
/// them as well. A request is withdrawn in the transaction of the transition with that action, before anything is granted, so no
/// grant follows.
public struct InstanceLifecycle: Sendable, Equatable {
  /// The state of the instance.
  public enum Phase: String, Sendable, CaseIterable, Codable {
    case requested, queued, allocating, starting, ready, degraded, draining, stopping, stopped, failed, recovering
  }

  /// What the owner must do next.
  public enum Action: Sendable, Equatable, CaseIterable, Codable {
    /// Do nothing.
    case none
    /// Request all resources at once from the scheduler, then call `granted`, or `broke` if it rejects the request.
    case askForResources
    /// Withdraw the request.
    case withdraw
    /// Prepare the granted resources (directories, pods), then call `allocated`.
    case allocate
    /// Start the processes.
    case start
    /// Look for processes started by an earlier coordinator, then call `becameReady`, `broke` or `ended`.
    case find
    /// Give it no new work, and call `drained` when nothing runs on it.
    case drain
    /// End all of it, whether completely started or not; call `ended` when nothing is left or its hosts are lost.
    case stop
    /// Do the same by force.
    case kill
    /// Release all resources. Returned once per grant, unless `requeue` is.
    case release
    /// Release all resources, request them again at the old position, then call `granted`.
    case requeue
    /// Report the new phase; nothing else is required.
    case report
  }

  private enum State: Equatable {
    case requested, queued, ready, degraded
    case allocating(deadline: ContinuousClock.Instant)
    case starting(deadline: ContinuousClock.Instant)
    case recovering(deadline: ContinuousClock.Instant)
    case draining(deadline: ContinuousClock.Instant)
    case stopping(deadline: ContinuousClock.Instant, isFailure: Bool)
    case ended(isFailure: Bool)
  }

  /// The kind of the instance.
  public let kind: InstanceKind
  private let timeouts: Timeouts
  private var state = State.requested

  /// Creates a requested instance.
  public init(kind: InstanceKind, timeouts: Timeouts = Timeouts()) {
    self.kind = kind
    self.timeouts = timeouts
  }

  /// Recovers an instance from a journal after a restart of the coordinator, and returns the action to take. An instance that may
  /// have processes is recovering until they are found; one that was stopping is stopped again.
  public static func recovered(
    kind: InstanceKind, from record: Record, timeouts: Timeouts = Timeouts(), at now: ContinuousClock.Instant
  ) -> (instance: InstanceLifecycle, action: Action) {
    var instance = InstanceLifecycle(kind: kind, timeouts: timeouts)
    switch record.phase {
    case .requested: return (instance, .none)
    case .queued:
      instance.state = .queued
      return (instance, .askForResources)
    case .allocating, .starting, .ready, .degraded, .recovering:
      instance.state = .recovering(deadline: now.advanced(by: timeouts.recovery))
      return (instance, .find)
    case .draining, .stopping:
      let action = instance.end(isFailure: record.isFailure, at: now)
      return (instance, action)
    case .stopped, .failed:
      instance.state = .ended(isFailure: record.phase == .failed)
      return (instance, .none)
    }
  }

  /// The current phase.
  public var phase: Phase {
    switch state {
    case .requested: .requested
    case .queued: .queued
    case .allocating: .allocating
    case .starting: .starting
    case .recovering: .recovering
    case .ready: .ready
    case .degraded: .degraded
    case .draining: .draining
    case .stopping: .stopping
    case .ended(let isFailure): isFailure ? .failed : .stopped
    }
  }

  /// The state to journal.
  public var record: Record {
    switch state {
    case .stopping(_, let isFailure), .ended(let isFailure): Record(phase: phase, isFailure: isFailure)
    default: Record(phase: phase, isFailure: false)
    }
  }

  /// When `tick` is due; nil if nothing depends on time.
  public var deadline: ContinuousClock.Instant? {
    switch state {
    case .allocating(let deadline), .starting(let deadline), .recovering(let deadline), .draining(let deadline),
      .stopping(let deadline, _):
      deadline
    case .requested, .queued, .ready, .degraded, .ended: nil
    }
  }

  /// Lets the request wait for resources.
  public mutating func admit() -> Action {
    guard state == .requested else { return .none }
    state = .queued
    return .askForResources
  }

  /// Records that the scheduler granted the request.
  public mutating func granted(at now: ContinuousClock.Instant) -> Action {
    guard state == .queued else { return .none }
    state = .allocating(deadline: now.advanced(by: timeouts.allocation))
    return .allocate
  }

  /// Records that the granted resources are prepared.
  public mutating func allocated(at now: ContinuousClock.Instant) -> Action {
    guard case .allocating = state else { return .none }
    state = .starting(deadline: now.advanced(by: timeouts.start))
    return .start
  }

  /// Records that all its processes serve: after a start, when found again, or after an impairment.
  public mutating func becameReady() -> Action {
    switch state {
    case .starting, .recovering, .degraded:
      state = .ready
      return .report
    default: return .none
    }
  }

  /// Records that a part of it does not respond while the rest serves.
  public mutating func impaired() -> Action {
    guard state == .ready else { return .none }
    state = .degraded
    return .report
  }

  /// Records that it cannot continue: the request was rejected, or a part of it is lost permanently while other parts may still
  /// run.
  public mutating func broke(at now: ContinuousClock.Instant) -> Action {
    switch state {
    case .requested:
      state = .ended(isFailure: true)
      return .report
    case .queued:
      state = .ended(isFailure: true)
      return .withdraw
    case .allocating, .starting, .recovering, .ready, .degraded, .draining: return end(isFailure: true, at: now)
    case .stopping, .ended: return .none
    }
  }

  /// Records that nothing runs on it any more.
  public mutating func drained(at now: ContinuousClock.Instant) -> Action {
    guard case .draining = state else { return .none }
    return end(isFailure: false, at: now)
  }

  /// Records that nothing of it is left: no process, nothing prepared, or only on lost hosts.
  public mutating func ended() -> Action {
    switch state {
    case .allocating, .starting, .recovering, .ready, .degraded: state = .ended(isFailure: true)
    case .draining: state = .ended(isFailure: false)
    case .stopping(_, let isFailure): state = .ended(isFailure: isFailure)
    case .requested, .queued, .ended: return .none
    }
    return .release
  }

  /// Records that its processes have ended and are being replaced, using the same resources.
  public mutating func restarts(at now: ContinuousClock.Instant) -> Action {
    switch state {
    case .starting, .ready, .degraded:
      state = .starting(deadline: now.advanced(by: timeouts.start))
      return .start
    default: return .none
    }
  }

  /// Records that it was drained for the sake of others; it waits for resources again.
  public mutating func gaveWay() -> Action {
    guard phase.serves else { return .none }
    state = .queued
    return .requeue
  }

  /// Stops the instance.
  public mutating func stop(at now: ContinuousClock.Instant) -> Action {
    switch state {
    case .requested:
      state = .ended(isFailure: false)
      return .report
    case .queued:
      state = .ended(isFailure: false)
      return .withdraw
    case .allocating, .starting, .recovering: return end(isFailure: false, at: now)
    case .ready, .degraded:
      state = .draining(deadline: now.advanced(by: timeouts.drain))
      return .drain
    case .draining, .stopping, .ended: return .none
    }
  }

  /// Performs the transition that is due at `now`, if any.
  public mutating func tick(at now: ContinuousClock.Instant) -> Action {
    guard let deadline, deadline <= now else { return .none }
    switch state {
    case .allocating, .starting, .recovering: return end(isFailure: true, at: now)
    case .draining: return end(isFailure: false, at: now)
    case .stopping(_, let isFailure):
      _ = end(isFailure: isFailure, at: now)
      return .kill
    case .requested, .queued, .ready, .degraded, .ended: return .none
    }
  }

  private mutating func end(isFailure: Bool, at now: ContinuousClock.Instant) -> Action {
    state = .stopping(deadline: now.advanced(by: timeouts.stop), isFailure: isFailure)
    return .stop
  }
}
