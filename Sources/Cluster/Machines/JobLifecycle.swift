/// The life of a job: work that runs on its own until it is done, such as building a graph for a service.
///
/// | state       | `start`        | `succeeded` | `failed`    | `cancel`       | `tick`, deadline over |
/// |-------------|----------------|-------------|-------------|----------------|-----------------------|
/// | waiting     | → running, run | –           | → failed, report | → cancelled, report | –           |
/// | running     | –              | → succeeded, report | → failed, report | → cancelling, cancel | → cancelling↯, cancel |
/// | cancelling  | –              | → succeeded, report | → cancelled, report | –   | kill                  |
/// | cancelling↯ | –              | → succeeded, report | → failed, report | –      | kill                  |
/// | succeeded, failed, cancelled | – | –       | –           | –              | –                     |
///
/// cancelling↯ is cancelling because its time is over. A job that finishes before the cancellation reaches it has
/// succeeded: its result exists.
public struct JobLifecycle: Sendable, Equatable {
  /// Where the job stands.
  public enum Phase: String, Sendable, CaseIterable, Codable {
    case waiting, running, succeeded, failed, cancelling, cancelled

    /// Whether it is over.
    public var isFinal: Bool { self == .succeeded || self == .failed || self == .cancelled }
  }

  /// What a journal keeps of a job.
  public struct Record: Sendable, Equatable, Codable {
    /// Where it stood.
    public var phase: Phase
    /// Whether it is being cancelled because its time is over.
    public var timedOut: Bool

    /// A record.
    public init(phase: Phase, timedOut: Bool) {
      self.phase = phase
      self.timedOut = timedOut
    }
  }

  /// What the owner must do.
  public enum Action: Sendable, Equatable, CaseIterable {
    /// Nothing.
    case none
    /// Run it, then call `succeeded` or `failed`.
    case run
    /// Ask it to end, then call `succeeded` or `failed`.
    case cancel
    /// End it by force, then call `failed`.
    case kill
    /// It is over: show how.
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

  /// A job that waits for its turn.
  /// - Parameters:
  ///   - timeLimit: how long it may run; nil for as long as it takes.
  ///   - cancelGrace: from asking it to end until it is killed, and between kills.
  public init(timeLimit: Duration?, cancelGrace: Duration = .seconds(30)) {
    self.timeLimit = timeLimit
    self.cancelGrace = cancelGrace
  }

  /// A job as a journal tells of it, after a coordinator's restart. One that ran has its time anew; if nobody runs it
  /// any more, call `failed`. One that was being cancelled must be cancelled again.
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

  /// Where the job stands.
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

  /// What a journal must keep of it.
  public var record: Record {
    if case .cancelling(_, timedOut: true) = state { return Record(phase: .cancelling, timedOut: true) }
    return Record(phase: phase, timedOut: false)
  }

  /// When `tick` is due; nil when no time matters.
  public var deadline: ContinuousClock.Instant? {
    switch state {
    case .running(let deadline): deadline
    case .cancelling(let deadline, _): deadline
    case .waiting, .succeeded, .failed, .cancelled: nil
    }
  }

  /// It is its turn.
  public mutating func start(at now: ContinuousClock.Instant) -> Action {
    guard state == .waiting else { return .none }
    state = .running(deadline: timeLimit.map { now.advanced(by: $0) })
    return .run
  }

  /// It did what it was to do.
  public mutating func succeeded() -> Action {
    switch state {
    case .running, .cancelling:
      state = .succeeded
      return .report
    case .waiting, .succeeded, .failed, .cancelled: return .none
    }
  }

  /// It ended without a result, could not begin, or is gone since a restart.
  public mutating func failed() -> Action {
    switch state {
    case .waiting, .running, .cancelling(_, timedOut: true): state = .failed
    case .cancelling(_, timedOut: false): state = .cancelled
    case .succeeded, .failed, .cancelled: return .none
    }
    return .report
  }

  /// It is not wanted any more.
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

  /// Time has passed.
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
