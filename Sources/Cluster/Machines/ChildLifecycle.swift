/// The life of a child process: when it is started, believed, given up, signalled and started again.
///
/// The owner performs each action and reports what came of it. After every event it looks at `deadline` and promises a
/// `tick` then; ticks may come late, early or twice.
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
/// *policy*: an exit that the policy does not answer with a restart leads to exited (`done` after success, `reportFailed`
/// after failure); otherwise to waiting, or to crashLooping when there were too many exits within the window. A child
/// that was terminated because it did not answer counts as failed, whatever it says when it exits; one that was told to
/// stop is done, however it exits. Exits before a coordinator's restart are forgotten.
public struct ChildLifecycle: Sendable, Equatable {
  /// Where the child stands.
  public enum Phase: String, Sendable, CaseIterable, Codable {
    /// Nothing was done yet.
    case planned
    /// Asked to be spawned; whether there is a process is not known yet.
    case spawning
    /// Told to stop before it was known to be spawned: it is terminated as soon as it is there.
    case aborting
    /// A process, not ready yet.
    case starting
    /// A process found alive after the coordinator's restart, not yet heard.
    case adopted
    /// Serving.
    case ready
    /// Missed probes.
    case unresponsive
    /// Sent TERM.
    case terminating
    /// Sent KILL.
    case killing
    /// No process; to be started again after a pause.
    case waiting
    /// No process; exited too often to be started again unasked.
    case crashLooping
    /// No process, and there will be none.
    case exited
  }

  /// How a child ended.
  public enum ExitCause: String, Sendable, CaseIterable, Codable {
    /// Exit code 0.
    case success
    /// Another exit code, a signal, a spawn that failed, or gone without a trace.
    case failure
  }

  /// What the owner must do.
  public enum Action: Sendable, Equatable {
    /// Nothing.
    case none
    /// Start a process, then call `spawned`, or `exited` if that failed.
    case spawn
    /// See to a `tick` at that time.
    case waitUntil(ContinuousClock.Instant)
    /// Send TERM to the process group; `tick` at `deadline`.
    case signalTerm
    /// Send KILL to the process group.
    case signalKill
    /// It serves now.
    case reportReady
    /// It missed a probe: send it nothing new.
    case reportUnresponsive
    /// It exited too often; it is started again when `start` is called.
    case reportCrashLoop
    /// It ended by failure and is not started again. No process is left.
    case reportFailed
    /// It ended as wanted. No process is left.
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
  /// The exits within the window; at most `crashLoopExits`.
  private var exits: [ContinuousClock.Instant] = []
  private let policy: Policy

  /// A child that is to be started or adopted.
  public init(policy: Policy = Policy()) { self.policy = policy }

  /// Where the child stands.
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

  /// When `tick` is due; nil when no time matters.
  public var deadline: ContinuousClock.Instant? {
    switch state {
    case .starting(let deadline), .adopted(let deadline), .waiting(let deadline), .terminating(let deadline, _):
      deadline
    case .planned, .spawning, .aborting, .ready, .unresponsive, .killing, .crashLooping, .exited: nil
    }
  }

  /// Start it; after a crash loop, try again with a clean record.
  public mutating func start() -> Action {
    guard state == .planned || state == .crashLooping else { return .none }
    exits = []
    state = .spawning
    return .spawn
  }

  /// There is a process that an earlier coordinator started.
  public mutating func adopt(at now: ContinuousClock.Instant) -> Action {
    guard state == .planned else { return .none }
    let deadline = now.advanced(by: policy.readinessDeadline)
    state = .adopted(deadline: deadline)
    return .waitUntil(deadline)
  }

  /// There is a process.
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

  /// It said that it is ready.
  public mutating func becameReady() -> Action {
    switch state {
    case .starting, .adopted, .unresponsive:
      state = .ready
      return .reportReady
    default: return .none
    }
  }

  /// It answered a probe.
  public mutating func probeSucceeded() -> Action {
    if case .starting = state { return .none }
    return becameReady()
  }

  /// It did not answer a probe.
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

  /// The process ended, or could not be spawned.
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

  /// It is not wanted any more.
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

  /// Time has passed.
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

  /// The process ended without having been told to stop.
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
