/// The lifecycle of a child process: when it is started, considered ready, given up, signalled and restarted.
///
/// The owner performs each action and reports its outcome as an event. After every event it reads `deadline` and schedules a
/// `tick` for that time; ticks may come late, early or twice.
///
/// | state        | `start`  | `spawned`      | `becameReady`  | `probeSucceeded` | `probeFailed`      | `exited` | `stop`         | `tick`, deadline over | `adopt`   |
/// |--------------|----------|----------------|----------------|------------------|--------------------|----------|----------------|-----------------------|-----------|
/// | planned      | → spawning, spawn | –     | –              | –                | –                  | –        | → exited, done | –                     | → adopted, wait |
/// | spawning     | –        | → starting, wait | –            | –                | –                  | policy   | → aborting     | –                     | –         |
/// | aborting     | –        | → terminating, TERM | –         | –                | –                  | → exited, done | –        | –                     | –         |
/// | starting     | –        | –              | → ready, report | –               | –                  | policy   | → terminating, TERM | → terminating, TERM | – |
/// | adopted      | –        | –              | → ready, report | → ready, report | –                  | policy   | → terminating, TERM | → terminating, TERM | – |
/// | ready        | –        | –              | –              | –                | → unresponsive, report (or TERM) | policy | → terminating, TERM | – | – |
/// | unresponsive | –        | –              | → ready, report | → ready, report | count; too many → terminating, TERM | policy | → terminating, TERM | – | – |
/// | terminating  | –        | –              | –              | –                | –                  | policy *or* → exited, done | for good | → killing, KILL | – |
/// | killing      | –        | –              | –              | –                | –                  | policy *or* → exited, done | for good | –     | –         |
/// | waiting      | –        | –              | –              | –                | –                  | –        | → exited, done | → spawning, spawn     | –         |
/// | crashLooping | → spawning, spawn | –     | –              | –                | –                  | –        | → exited, done | –                     | –         |
/// | exited       | –        | –              | –              | –                | –                  | –        | –              | –                     | –         |
///
/// *policy*: an exit that the policy does not restart leads to exited (`done` after success, `reportFailed` after failure); any
/// other exit leads to waiting, or to crashLooping if there were too many exits within the window. A child terminated because it
/// did not answer counts as failed, whatever its exit status; a stopped child is done, whatever its exit status. Exits before a
/// restart of the coordinator do not count.
public struct ChildLifecycle: Sendable, Equatable {
  /// The state of the child.
  public enum Phase: String, Sendable, CaseIterable, Codable {
    /// Nothing has been done yet.
    case planned
    /// A spawn was requested; it is not yet known whether a process exists.
    case spawning
    /// Stopped before the spawn was confirmed: the process is terminated as soon as it exists.
    case aborting
    /// The process runs but is not ready yet.
    case starting
    /// The process was found alive after a restart of the coordinator and has not answered yet.
    case adopted
    /// The child serves.
    case ready
    /// The child missed probes.
    case unresponsive
    /// TERM was sent.
    case terminating
    /// KILL was sent.
    case killing
    /// There is no process; it is restarted after a pause.
    case waiting
    /// There is no process; it exited too often to be restarted automatically.
    case crashLooping
    /// There is no process, and none will be started.
    case exited
  }

  /// The outcome of an exit.
  public enum ExitCause: String, Sendable, CaseIterable, Codable {
    /// Exit code 0.
    case success
    /// A nonzero exit code, a signal, a failed spawn, or a process that disappeared.
    case failure
  }

  /// What the owner must do next.
  public enum Action: Sendable, Equatable {
    /// Do nothing.
    case none
    /// Start a process, then call `spawned`, or `exited` if the start failed.
    case spawn
    /// Call `tick` at this time.
    case waitUntil(ContinuousClock.Instant)
    /// Send TERM to the process group and call `tick` at `deadline`.
    case signalTerm
    /// Send KILL to the process group.
    case signalKill
    /// The child serves now.
    case reportReady
    /// The child missed a probe: send it nothing new.
    case reportUnresponsive
    /// The child exited too often; it is restarted only by `start`.
    case reportCrashLoop
    /// The child failed and is not restarted. No process is left.
    case reportFailed
    /// The child ended as requested. No process is left.
    case done
  }

  private enum State: Equatable {
    case planned, spawning, aborting, ready, crashLooping, exited
    case starting(deadline: ContinuousClock.Instant)
    case adopted(deadline: ContinuousClock.Instant)
    case unresponsive(failures: Int)
    case terminating(deadline: ContinuousClock.Instant, forGood: Bool)
    case killing(forGood: Bool)
    case waiting(until: ContinuousClock.Instant)
  }

  private var state = State.planned
  /// The times of the exits within the window; at most `crashLoopExits` of them.
  private var exits: [ContinuousClock.Instant] = []
  private let policy: Policy

  /// Creates the lifecycle of a child to start or adopt.
  public init(policy: Policy = Policy()) { self.policy = policy }

  /// The current state of the child.
  public var phase: Phase {
    switch state {
    case .planned: .planned
    case .spawning: .spawning
    case .aborting: .aborting
    case .starting: .starting
    case .adopted: .adopted
    case .ready: .ready
    case .unresponsive: .unresponsive
    case .terminating: .terminating
    case .killing: .killing
    case .waiting: .waiting
    case .crashLooping: .crashLooping
    case .exited: .exited
    }
  }

  /// The time at which `tick` is due; nil if no transition depends on time.
  public var deadline: ContinuousClock.Instant? {
    switch state {
    case .starting(let deadline), .adopted(let deadline), .waiting(let deadline), .terminating(let deadline, _):
      deadline
    case .planned, .spawning, .aborting, .ready, .unresponsive, .killing, .crashLooping, .exited: nil
    }
  }

  /// Starts the child; after a crash loop, starts it again with no exits remembered.
  public mutating func start() -> Action {
    guard state == .planned || state == .crashLooping else { return .none }
    exits = []
    state = .spawning
    return .spawn
  }

  /// Records that a process started by an earlier coordinator is alive.
  public mutating func adopt(at now: ContinuousClock.Instant) -> Action {
    guard state == .planned else { return .none }
    let deadline = now.advanced(by: policy.readinessDeadline)
    state = .adopted(deadline: deadline)
    return .waitUntil(deadline)
  }

  /// Records that the process was spawned.
  public mutating func spawned(at now: ContinuousClock.Instant) -> Action {
    switch state {
    case .spawning:
      let deadline = now.advanced(by: policy.readinessDeadline)
      state = .starting(deadline: deadline)
      return .waitUntil(deadline)
    case .aborting: return terminate(forGood: true, at: now)
    default: return .none
    }
  }

  /// Records that the child reported readiness.
  public mutating func becameReady() -> Action {
    switch state {
    case .starting, .adopted, .unresponsive:
      state = .ready
      return .reportReady
    default: return .none
    }
  }

  /// Records that the child answered a probe.
  public mutating func probeSucceeded() -> Action {
    if case .starting = state { return .none }
    return becameReady()
  }

  /// Records that the child did not answer a probe.
  public mutating func probeFailed(at now: ContinuousClock.Instant) -> Action {
    let failures: Int
    switch state {
    case .ready: failures = 1
    case .unresponsive(let before): failures = before + 1
    default: return .none
    }
    if failures > policy.probeFailuresTolerated { return terminate(forGood: false, at: now) }
    state = .unresponsive(failures: failures)
    return failures == 1 ? .reportUnresponsive : .none
  }

  /// Records that the process ended or could not be spawned.
  public mutating func exited(_ cause: ExitCause, at now: ContinuousClock.Instant) -> Action {
    switch state {
    case .spawning, .starting, .adopted, .ready, .unresponsive: return ended(cause, at: now)
    case .terminating(_, forGood: false), .killing(forGood: false): return ended(.failure, at: now)
    case .aborting, .terminating, .killing:
      state = .exited
      return .done
    case .planned, .waiting, .crashLooping, .exited: return .none
    }
  }

  /// Ends the child for good.
  public mutating func stop(at now: ContinuousClock.Instant) -> Action {
    switch state {
    case .planned, .waiting, .crashLooping:
      state = .exited
      return .done
    case .spawning:
      state = .aborting
      return .none
    case .starting, .adopted, .ready, .unresponsive: return terminate(forGood: true, at: now)
    case .terminating(let deadline, _): state = .terminating(deadline: deadline, forGood: true)
    case .killing: state = .killing(forGood: true)
    case .aborting, .exited: break
    }
    return .none
  }

  /// Performs the transition that is due at `now`, if any.
  public mutating func tick(at now: ContinuousClock.Instant) -> Action {
    guard let deadline, deadline <= now else { return .none }
    switch state {
    case .starting, .adopted: return terminate(forGood: false, at: now)
    case .terminating(_, let forGood):
      state = .killing(forGood: forGood)
      return .signalKill
    case .waiting:
      state = .spawning
      return .spawn
    default: return .none
    }
  }

  private mutating func terminate(forGood: Bool, at now: ContinuousClock.Instant) -> Action {
    state = .terminating(deadline: now.advanced(by: policy.termGrace), forGood: forGood)
    return .signalTerm
  }

  /// Applies the policy after a process ended without being stopped.
  private mutating func ended(_ cause: ExitCause, at now: ContinuousClock.Instant) -> Action {
    let restarts = policy.restart == .always || (policy.restart == .onFailure && cause == .failure)
    guard restarts else {
      state = .exited
      return cause == .success ? .done : .reportFailed
    }
    exits.removeAll { [policy] in $0.advanced(by: policy.crashLoopWindow) <= now }
    exits.append(now)
    guard exits.count < max(1, policy.crashLoopExits) else {
      state = .crashLooping
      return .reportCrashLoop
    }
    let pause = now.advanced(by: policy.backOff(exits: exits.count))
    state = .waiting(until: pause)
    return .waitUntil(pause)
  }
}
