import Engines
import Synchronization

/// A line for a session's user.
public struct LogLine: Sendable, Equatable {
  /// Whether the client shows it as information or as an error.
  public enum Level: Sendable, Equatable { case info, error }

  /// How the client shows it.
  public var level: Level
  /// The text, without a line end.
  public var text: String

  /// Makes a line.
  public init(_ level: Level, _ text: String) {
    self.level = level
    self.text = text
  }
}

/// What a session's user may read: a stream of the log store. It costs nothing while nobody writes or reads.
public final class SessionLog: ProgressLog {
  /// Lines of the past that a reader gets.
  public static let capacity = 1024

  private let store: LogStore
  private let session: String
  private let isClosed = Mutex(false)

  /// The log of a session; it goes on where an earlier process stopped.
  public init(store: LogStore, session: String) {
    self.store = store
    self.session = session
  }

  /// From now on records about the session are this tenant's; nil: there will be none.
  func belongs(to tenant: String?) {
    if let tenant { store.tenants.assign(session, to: tenant) } else { store.tenants.forget(session) }
  }

  /// Appends an information line.
  public func info(_ line: String) { append(.info, line, step: nil) }

  /// Appends an error line.
  public func error(_ line: String) { append(.error, line, step: nil) }

  /// The same log for what is said about a step.
  public func about(step: String?) -> any ProgressLog { StepLog(log: self, step: step) }

  fileprivate func append(_ level: LogRecord.Level, _ line: String, step: String?) {
    var record = store.record(level, line)
    record.step = step
    isClosed.withLock { isClosed in
      if !isClosed { store.append(record, to: .session(session)) }
    }
  }

  /// The newest lines and all that follow, until the log is closed or the reader stops. A slow reader gets them from the
  /// disk.
  public func lines() -> AsyncStream<LogLine> {
    let lines = store.followSession(session, tail: Self.capacity) { record in
      LogLine(record.level == .error ? .error : .info, record.message)
    }
    if isClosed.withLock({ $0 }) { store.endSession(session) }
    return lines
  }

  /// Ends every reader's stream behind the last line; later lines are dropped.
  public func close() {
    isClosed.withLock { $0 = true }
    store.endSession(session)
  }
}

/// A session's log, with a step on every line.
private struct StepLog: ProgressLog {
  let log: SessionLog
  let step: String?

  func info(_ line: String) { log.append(.info, line, step: step) }
}
