/// The lifecycle of a job: work that runs outside of sessions until it is done, such as building a graph for a service.
///
/// | state       | `start`        | `succeeded` | `failed`    | `cancel`       | `tick`, deadline over |
/// |-------------|----------------|-------------|-------------|----------------|-----------------------|
/// | waiting     | → running, run | –           | → failed, report | → cancelled, report | –           |
/// | running     | –              | → succeeded, report | → failed, report | → cancelling, cancel | → cancelling↯, cancel |
/// | cancelling  | –              | → succeeded, report | → cancelled, report | –   | kill                  |
/// | cancelling↯ | –              | → succeeded, report | → failed, report | –      | kill                  |
/// | succeeded, failed, cancelled | – | –       | –           | –              | –                     |
///
/// cancelling↯ is cancelling because of the time limit. A job that finishes before the cancellation reaches it has succeeded: its
/// result exists.
public struct JobLifecycle: Sendable, Equatable {
  /// The state of the job.
  public enum Phase: String, Sendable, CaseIterable, Codable {
    case waiting, running, succeeded, failed, cancelling, cancelled

    /// Whether the job is over.
    public var isFinal: Bool { self == .succeeded || self == .failed || self == .cancelled }
  }

  /// The journaled state of a job.
  public struct Record: Sendable, Equatable, Codable {
    /// The phase.
    public var phase: Phase
    /// Whether it is being cancelled because it exceeded its time limit.
    public var timedOut: Bool

    /// Creates a record.
    public init(phase: Phase, timedOut: Bool) {
      self.phase = phase
      self.timedOut = timedOut
    }
  }

  /// What the owner must do next.
  public enum Action: Sendable, Equatable, CaseIterable, Codable {
    /// Do nothing.
    case none
    /// Run the job, then call `succeeded` or `failed`.
    case run
    /// Request it to end, then call `succeeded` or `failed`.
    case cancel
    /// End it by force, then call `failed`.
    case kill
    /// Report the outcome: the job is over.
    case report
  }

  private enum State: Equatable {
    case waiting
    case running(deadline: ContinuousClock.Instant?)
    case cancelling(deadline: ContinuousClock.Instant, timedOut: Bool)
    case succeeded, failed, cancelled
  }

  private var state = State.waiting
  private let timeLimit: Duration?
  private let cancelGrace: Duration

  /// Creates a job that waits for its turn.
  /// - Parameters:
  ///   - timeLimit: The time it may run; nil for no limit.
  ///   - cancelGrace: The time from the request to end until it is killed, and between kills.
  public init(timeLimit: Duration?, cancelGrace: Duration = .seconds(30)) {
    self.timeLimit = timeLimit
    self.cancelGrace = cancelGrace
  }

  /// Recovers a job from a journal after a restart of the coordinator. The time limit of a running job starts anew; if the job no
  /// longer runs, call `failed`. A job that was being cancelled must be cancelled again.
  public static func recovered(
    from record: Record, timeLimit: Duration?, cancelGrace: Duration = .seconds(30), at now: ContinuousClock.Instant
  ) -> (job: JobLifecycle, action: Action) {
    var job = JobLifecycle(timeLimit: timeLimit, cancelGrace: cancelGrace)
    switch record.phase {
    case .waiting: break
    case .running: job.state = .running(deadline: timeLimit.map { now.advanced(by: $0) })
    case .cancelling:
      job.state = .cancelling(deadline: now.advanced(by: cancelGrace), timedOut: record.timedOut)
      return (job, .cancel)
    case .succeeded: job.state = .succeeded
    case .failed: job.state = .failed
    case .cancelled: job.state = .cancelled
    }
    return (job, .none)
  }

  /// The current phase.
  public var phase: Phase {
    switch state {
    case .waiting: .waiting
    case .running: .running
    case .cancelling: .cancelling
    case .succeeded: .succeeded
    case .failed: .failed
    case .cancelled: .cancelled
    }
  }

  /// The state to journal.
  public var record: Record {
    if case .cancelling(_, timedOut: true) = state { return Record(phase: .cancelling, timedOut: true) }
    return Record(phase: phase, timedOut: false)
  }

  /// When `tick` is due; nil if nothing depends on time.
  public var deadline: ContinuousClock.Instant? {
    switch state {
    case .running(let deadline): deadline
    case .cancelling(let deadline, _): deadline
    case .waiting, .succeeded, .failed, .cancelled: nil
    }
  }

  /// Starts the job.
  public mutating func start(at now: ContinuousClock.Instant) -> Action {
    guard state == .waiting else { return .none }
    state = .running(deadline: timeLimit.map { now.advanced(by: $0) })
    return .run
  }

  /// Records that the job succeeded.
  public mutating func succeeded() -> Action {
    switch state {
    case .running, .cancelling:
      state = .succeeded
      return .report
    case .waiting, .succeeded, .failed, .cancelled: return .none
    }
  }

  /// Records that it ended without a result, could not start, or is gone since a restart.
  public mutating func failed() -> Action {
    switch state {
    case .waiting, .running, .cancelling(_, timedOut: true): state = .failed
    case .cancelling(_, timedOut: false): state = .cancelled
    case .succeeded, .failed, .cancelled: return .none
    }
    return .report
  }

  /// Cancels the job.
  public mutating func cancel(at now: ContinuousClock.Instant) -> Action {
    switch state {
    case .waiting:
      state = .cancelled
      return .report
    case .running:
      state = .cancelling(deadline: now.advanced(by: cancelGrace), timedOut: false)
      return .cancel
    case .cancelling, .succeeded, .failed, .cancelled: return .none
    }
  }

  /// Performs the transition that is due at `now`, if any.
  public mutating func tick(at now: ContinuousClock.Instant) -> Action {
    guard let deadline, deadline <= now else { return .none }
    let next = now.advanced(by: cancelGrace)
    switch state {
    case .running:
      state = .cancelling(deadline: next, timedOut: true)
      return .cancel
    case .cancelling(_, let timedOut):
      state = .cancelling(deadline: next, timedOut: timedOut)
      return .kill
    case .waiting, .succeeded, .failed, .cancelled: return .none
    }
  }
}
