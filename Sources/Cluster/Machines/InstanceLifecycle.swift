/// The life of an instance: an engine, a query service or a learning service of a session, with all its processes.
///
/// The owner performs each action and reports what came of it. After every event it looks at `deadline` and promises a
/// `tick` then; ticks may come late, early or twice.
///
/// | state      | `admit`       | `granted`   | `allocated` | `becameReady` | `impaired`  | `broke`       | `drained` | `ended`          | `stop`      | `tick`, deadline over |
/// |------------|---------------|-------------|-------------|---------------|-------------|---------------|-----------|------------------|-------------|-----------------------|
/// | requested  | → queued, ask | –           | –           | –             | –           | → failed, report | –      | –                | → stopped, report | –               |
/// | queued     | –             | → allocating, allocate | – | –            | –           | → failed, withdraw | –    | –                | → stopped, withdraw | –             |
/// | allocating | –             | –           | → starting, start | –       | –           | → stopping↯, stop | –     | → failed, release | → stopping, stop | → stopping↯, stop |
/// | starting   | –             | –           | –           | → ready, report | –         | → stopping↯, stop | –     | → failed, release | → stopping, stop | → stopping↯, stop |
/// | recovering | –             | –           | –           | → ready, report | –         | → stopping↯, stop | –     | → failed, release | → stopping, stop | → stopping↯, stop |
/// | ready      | –             | –           | –           | –             | → degraded, report | → stopping↯, stop | – | → failed, release | → draining, drain | –          |
/// | degraded   | –             | –           | –           | → ready, report | –         | → stopping↯, stop | –     | → failed, release | → draining, drain | –              |
/// | draining   | –             | –           | –           | –             | –           | → stopping↯, stop | → stopping, stop | → stopped, release | – | → stopping, stop |
/// | stopping   | –             | –           | –           | –             | –           | –             | –         | → stopped, release | –       | kill                  |
/// | stopping↯  | –             | –           | –           | –             | –           | –             | –         | → failed, release | –        | kill                  |
/// | stopped    | –             | –           | –           | –             | –           | –             | –         | –                | –           | –                     |
/// | failed     | –             | –           | –           | –             | –           | –             | –         | –                | –           | –                     |
///
/// stopping↯ is stopping after a failure. Resources are held from `granted` until the one transition that says `release`:
/// it comes only with `ended`, when nothing of the instance is left that could use them. Withdrawing happens in the
/// transaction of the transition that says so, before anything is granted, so that no grant comes afterwards.
public struct InstanceLifecycle: Sendable, Equatable {
  /// Where the instance stands.
  public enum Phase: String, Sendable, CaseIterable, Codable {
    case requested, queued, allocating, starting, ready, degraded, draining, stopping, stopped, failed, recovering
  }

  /// What the owner must do.
  public enum Action: Sendable, Equatable, CaseIterable {
    /// Nothing.
    case none
    /// Ask the scheduler for all resources at once, then call `granted`, or `broke` when it refuses.
    case askForResources
    /// Take the request back.
    case withdraw
    /// Prepare what was granted (directories, pods), then call `allocated`.
    case allocate
    /// Start the processes.
    case start
    /// Look for what an earlier coordinator started: `becameReady`, `broke` or `ended`.
    case find
    /// Give it no new work; when nothing runs any more, call `drained`.
    case drain
    /// End everything of it, started or half started; when nothing is left, or its hosts are lost, call `ended`.
    case stop
    /// The same by force.
    case kill
    /// Give all resources back. Said once in an instance's life, unless it never had any.
    case release
    /// Show the new phase; nothing else is to be done.
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

  /// What it does.
  public let kind: InstanceKind
  private let timeouts: Timeouts
  private var state = State.requested

  /// An instance that somebody asked for.
  public init(kind: InstanceKind, timeouts: Timeouts = Timeouts()) {
    self.kind = kind
    self.timeouts = timeouts
  }

  /// An instance as a journal tells of it, after a coordinator's restart, and what to do about it. What may have
  /// processes is recovering until it is found; what was to stop is stopped again.
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

  /// Where the instance stands.
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

  /// What a journal must keep of it.
  public var record: Record {
    switch state {
    case .stopping(_, let isFailure), .ended(let isFailure): Record(phase: phase, isFailure: isFailure)
    default: Record(phase: phase, isFailure: false)
    }
  }

  /// When `tick` is due; nil when no time matters.
  public var deadline: ContinuousClock.Instant? {
    switch state {
    case .allocating(let deadline), .starting(let deadline), .recovering(let deadline), .draining(let deadline),
      .stopping(let deadline, _):
      deadline
    case .requested, .queued, .ready, .degraded, .ended: nil
    }
  }

  /// The request may wait for resources.
  public mutating func admit() -> Action {
    guard state == .requested else { return .none }
    state = .queued
    return .askForResources
  }

  /// The scheduler gave it what it asked for.
  public mutating func granted(at now: ContinuousClock.Instant) -> Action {
    guard state == .queued else { return .none }
    state = .allocating(deadline: now.advanced(by: timeouts.allocation))
    return .allocate
  }

  /// What it was granted is prepared.
  public mutating func allocated(at now: ContinuousClock.Instant) -> Action {
    guard case .allocating = state else { return .none }
    state = .starting(deadline: now.advanced(by: timeouts.start))
    return .start
  }

  /// All its processes serve: started, found again, or well again.
  public mutating func becameReady() -> Action {
    switch state {
    case .starting, .recovering, .degraded:
      state = .ready
      return .report
    default: return .none
    }
  }

  /// A part of it does not answer; the rest serves.
  public mutating func impaired() -> Action {
    guard state == .ready else { return .none }
    state = .degraded
    return .report
  }

  /// It cannot go on: the request was refused, or a part of it is gone for good while others may still run.
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

  /// Nothing runs on it any more.
  public mutating func drained(at now: ContinuousClock.Instant) -> Action {
    guard case .draining = state else { return .none }
    return end(isFailure: false, at: now)
  }

  /// Nothing of it is left: no process, nothing prepared, or only on hosts that are lost.
  public mutating func ended() -> Action {
    switch state {
    case .allocating, .starting, .recovering, .ready, .degraded: state = .ended(isFailure: true)
    case .draining: state = .ended(isFailure: false)
    case .stopping(_, let isFailure): state = .ended(isFailure: isFailure)
    case .requested, .queued, .ended: return .none
    }
    return .release
  }

  /// It is not wanted any more.
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

  /// Time has passed.
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
