import ControlPlane
import FoundationEssentials
import Glibc
import Scheduling
import StateStore
import Synchronization

/// Records the events and effects of the control plane for replay, in memory or in a file of a directory. While it records,
/// events are handled one after the other.
final class HistoryRecorder: Sendable {
  fileprivate struct State {
    var entries: [History.Entry] = []
    var file: Int32?
  }

  /// The recorder of coordinators created in this task; if nil, the environment determines it.
  @TaskLocal static var current: HistoryRecorder?

  let header = History.Header(timeouts: controlTimeouts)
  private let start = ContinuousClock.now
  private let state: Mutex<State>

  /// Creates a recorder in memory.
  init() { state = Mutex(State()) }

  /// Creates a recorder with a new file in an existing directory.
  init?(directory: String) {
    let file = open("\(directory)/\(randomStateID()).jsonl", O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
    guard file >= 0 else { return nil }
    state = Mutex(State(file: file))
    state.withLock { $0.write(header) }
  }

  deinit { if let file = state.withLock({ $0.file }) { close(file) } }

  /// Returns the recorder requested by the environment: GSCOORDINATOR_HISTORY names a directory. Release builds have none.
  static func ofEnvironment() -> HistoryRecorder? {
    #if DEBUG
      return getenv("GSCOORDINATOR_HISTORY").flatMap { HistoryRecorder(directory: String(cString: $0)) }
    #else
      return nil
    #endif
  }

  /// The history recorded in memory so far.
  var history: [History.Entry] { state.withLock { $0.entries } }

  /// Records an event, which `body` performs, and its effects, unless `effects` returns nil. Call it without holding locks of the
  /// parts: this lock comes first.
  func note<Result: Sendable, Failure: Error>(
    _ event: ControlPlane.Event, at time: ContinuousClock.Instant,
    effects: (Result) -> [ControlPlane.Effect]? = { _ in [] }, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try state.withLock { state throws(Failure) in
      let since = start.duration(to: time)
      do throws(Failure) {
        let result = try body()
        if let effects = effects(result) { state.keep(History.Entry(event: event, time: since, effects: effects)) }
        return result
      } catch {
        // Nothing has changed, and the caller receives the error.
        state.keep(History.Entry(event: event, time: since, effects: []))
        throw error
      }
    }
  }
}

extension HistoryRecorder.State {
  fileprivate mutating func keep(_ entry: History.Entry) {
    if file == nil { entries.append(entry) } else { write(entry) }
  }

  fileprivate func write(_ value: some Encodable) {
    guard let file, let line = try? JSONEncoder().encode(value) else { return }
    let bytes = Array(line) + [UInt8(ascii: "\n")]
    // Use a single write: a line is complete or missing, however the process ends.
    _ = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
  }
}

extension HistoryRecorder? {
  /// Calls `HistoryRecorder.note`, or just `body` if there is no recorder.
  func note<Result: Sendable, Failure: Error>(
    _ event: @autoclosure () -> ControlPlane.Event, at time: ContinuousClock.Instant,
    effects: (Result) -> [ControlPlane.Effect]? = { _ in [] }, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard let self else { return try body() }
    return try self.note(event(), at: time, effects: effects, body)
  }
}
