import Engines
import LogStore
import Synchronization

/// A line of a session's log.
public struct LogLine: Sendable, Equatable {
  /// Whether the client shows it as information or as an error.
  public enum Level: Sendable, Equatable { case info, error }

  /// The level at which the client shows it.
  public var level: Level
  /// The text, without a line end.
  public var text: String

  /// Creates a line.
  public init(_ level: Level, _ text: String) {
    self.level = level
    self.text = text
  }
}

/// Displays the progress of a session's work outside of its log: the session, the work, and the completed part in percent.
public typealias ProgressDisplay = @Sendable (_ session: String, _ work: String, _ percent: Int) -> Void

/// The log of a session for its client: a stream of the log store. It costs nothing while it is neither written nor read.
public final class SessionLog: ProgressLog {
  /// The number of past lines that a new reader receives.
  public static let capacity = 1024

  private let store: LogStore
  private let session: String
  private let display: ProgressDisplay?
  private let isClosed = Mutex(false)

  /// Creates the log of a session, which continues that of an earlier process.
  public init(store: LogStore, session: String, display: ProgressDisplay? = nil) {
    self.store = store
    self.session = session
    self.display = display
  }

  /// Assigns the session's further records to a tenant; nil if there will be none.
  func belongs(to tenant: String?) { store.assign(session: session, to: tenant) }

  /// Appends an information line.
  public func info(_ line: String) { append(.info, line, step: nil) }

  /// Appends an error line.
  public func error(_ line: String) { append(.error, line, step: nil) }

  /// Returns the same log for lines about a step.
  public func about(step: String?) -> any ProgressLog { StepLog(log: self, step: step) }

  fileprivate func show(_ work: String, _ percent: Int) { display?(session, work, percent) }

  fileprivate func append(_ level: LogRecord.Level, _ line: String, step: String?) {
    var record = store.record(level, line)
    record.step = step
    isClosed.withLock { isClosed in
      if !isClosed { store.append(record, to: .session(session)) }
    }
  }

  /// Returns the newest lines and all that follow, until the log is closed or the reader stops. A slow reader receives them from
  /// disk.
  public func lines() -> AsyncStream<LogLine> {
    let lines = store.followSession(session, tail: Self.capacity) { record in
      LogLine(record.level == .error ? .error : .info, record.message)
    }
    if isClosed.withLock({ $0 }) { store.endSession(session) }
    return lines
  }

  /// Ends every reader's stream after the last line; later lines are dropped.
  public func close() {
    isClosed.withLock { $0 = true }
    store.endSession(session)
  }
}

/// A session's log that attaches a step to every line.
private struct StepLog: ProgressLog {
  let log: SessionLog
  let step: String?

  func info(_ line: String) { log.append(.info, line, step: step) }

  func progress(of work: String, percent: Int, note: String) {
    info("\(work): \(percent)%\(note)")
    log.show(work, percent)
  }
}
