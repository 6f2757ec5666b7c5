import Engines
import LogStore
import Logging
import Objects
import StateStore
import Support
import Synchronization

/// The progress of a running step.
public struct StepReport: Sendable, Equatable {
  /// The number of the running operation, from 1.
  public var operation: Int
  /// The number of operations.
  public var operations: Int
  /// The type of the running operation, for example `RUN_APP`.
  public var kind: String
  /// The latest progress message; nil if there was none.
  public var message: String?

  /// Creates a report.
  public init(operation: Int, operations: Int, kind: String, message: String? = nil) {
    self.operation = operation
    self.operations = operations
    self.kind = kind
    self.message = message
  }
}

/// The running step of a session, as far as it is visible to others.
struct RunningStep {
  let name: String
  let cancel: @Sendable () -> Void
  var report: StepReport
  /// The author of its cancellation.
  var canceller: String?
}

extension Coordinator {
  /// Cancels a running step, on behalf of an operator or of its principal.
  /// - Throws: `CoordinatorError` of code `stepNotRunning`.
  public func cancelStep(_ name: String, by author: String) async throws(CoordinatorError) {
    guard let session = session(ofStep: name), session.cancelStep(name, by: author) else {
      throw CoordinatorError(.stepNotRunning, "step '\(name.quotable())' is not running")
    }
    logs.audit(author: author, action: "cancel a step", object: ObjectReference(.step, name).description, revision: nil)
    logger.notice("step cancelled through the admin endpoint", metadata: ["step": "\(name)", "by": "\(author)"])
    journal.event(
      ObjectReference(.step, name), "Cancelled", "cancelled by \(author) through the admin endpoint", level: .warning)
  }

  /// Returns the progress of a step; nil if it is not running.
  public func progress(ofStep name: String) -> StepReport? {
    session(ofStep: name)?.current.withLock { $0?.name == name ? $0?.report : nil }
  }

  private func session(ofStep name: String) -> Session? {
    let id = String(name.prefix { $0 != "/" })
    return state.withLock { $0.sessions[id] }
  }
}

extension Session {
  /// Cancels the step if it is the running one.
  func cancelStep(_ name: String, by author: String) -> Bool {
    let cancel = current.withLock { current -> (@Sendable () -> Void)? in
      guard current?.name == name else { return nil }
      current?.canceller = author
      return current?.cancel
    }
    cancel?()
    return cancel != nil
  }

  /// Returns the error of a cancelled step.
  static func cancellation(by author: String) -> EngineError {
    EngineError(
      .cancelled, "the step was cancelled by \(author) through the admin endpoint",
      hint: "Its results are lost; run it again if it is still needed")
  }

  /// Returns a step's log that also remembers the last line, for progress reports.
  func noting(_ log: any ProgressLog, ofStep name: String?) -> any ProgressLog {
    name == nil
      ? log
      : NotingLog(log: log) { [weak self] line in
        self?.current.withLock { current in
          if current?.name == name { current?.report.message = line }
        }
      }
  }
}

/// A log that passes lines on and also calls a closure.
private struct NotingLog: ProgressLog {
  let log: any ProgressLog
  let note: @Sendable (String) -> Void

  func info(_ line: String) {
    note(line)
    log.info(line)
  }

  func progress(of work: String, percent: Int, note: String) {
    self.note("\(work): \(percent)%\(note)")
    log.progress(of: work, percent: percent, note: note)
  }
}
