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

/// What a session's user may read: the newest lines, and a stream for every reader until the session closes.
///
/// Nobody waits for a reader: one that does not keep up loses the oldest lines.
public final class SessionLog: ProgressLog {
  private struct State {
    var recent: [LogLine] = []
    var readers: [UInt64: AsyncStream<LogLine>.Continuation] = [:]
    var nextReader: UInt64 = 0
    var isClosed = false
  }

  /// Lines that are kept, for later readers and for slow ones.
  public static let capacity = 1024
  /// Longest line in UTF-8 bytes; the rest is cut off.
  public static let maximumLineBytes = 64 * 1024

  private let state = Mutex(State())

  /// An empty log.
  public init(store: LogStore = LogStore(), session: String = "") {}

  /// Appends an information line.
  public func info(_ line: String) { append(LogLine(.info, line)) }

  /// Appends an error line.
  public func error(_ line: String) { append(LogLine(.error, line)) }

  private func append(_ line: LogLine) {
    var line = line
    if line.text.utf8.count > Self.maximumLineBytes {
      line.text = String(decoding: line.text.utf8.prefix(Self.maximumLineBytes), as: UTF8.self)
    }
    state.withLock { state in
      guard !state.isClosed else { return }
      if state.recent.count == Self.capacity { state.recent.removeFirst(Self.capacity / 4) }
      state.recent.append(line)
      for reader in state.readers.values { reader.yield(line) }
    }
  }

  /// The recent lines and all that follow, until the log is closed or the reader stops.
  public func lines() -> AsyncStream<LogLine> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: LogLine.self, bufferingPolicy: .bufferingNewest(Self.capacity))
    let number: UInt64? = state.withLock { state in
      for line in state.recent { continuation.yield(line) }
      guard !state.isClosed else { return nil }
      state.nextReader += 1
      state.readers[state.nextReader] = continuation
      return state.nextReader
    }
    guard let number else {
      continuation.finish()
      return stream
    }
    continuation.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.readers.removeValue(forKey: number) }
    }
    return stream
  }

  /// Ends every reader's stream; later lines are dropped.
  public func close() {
    let readers = state.withLock { state in
      state.isClosed = true
      defer { state.readers = [:] }
      return Array(state.readers.values)
    }
    for reader in readers { reader.finish() }
  }
}
