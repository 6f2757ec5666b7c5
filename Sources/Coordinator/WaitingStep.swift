import Engines
import Workers

/// A step that waits for its turn, in its most compact form. Its operations are created when it is performed, and again if it is
/// repeated.
public protocol WaitingStep: Sendable {
  /// The bytes of memory that it takes while it waits, charged to its tenant.
  var waitingBytes: Int { get }
  /// The bytes of memory that its operations take, if there are many; charged to its tenant while it is performed.
  var operationBytes: Int { get }
  /// Returns the operations.
  /// - Throws: `EngineError` if they are invalid; `CoordinatorError`.
  func operations() async throws -> [StepOperation]
}

/// A step whose operations already exist.
struct PreparedStep: WaitingStep {
  let prepared: [StepOperation]

  var waitingBytes: Int { 0 }
  var operationBytes: Int { 0 }

  func operations() -> [StepOperation] { prepared }
}

extension Session {
  /// Charges the memory of a step while it waits; returns nil if it need not wait.
  /// - Throws: `EngineError` if the tenant may not use that much.
  func countWaiting(_ step: some WaitingStep) throws(EngineError) -> StorageReservation? {
    // A step of a held session does not wait: it fails with the reason.
    guard !isHeld else { return nil }
    // A session that waits for its resources has no share to charge yet; the number of waiting steps is limited.
    guard gate.current != nil else {
      return StorageReservation(unconditionally: step.waitingBytes, as: .memory, from: storage)
    }
    return turnstile.isTaken ? try count(step.waitingBytes) : nil
  }

  /// Charges the memory of a step's operations.
  /// - Throws: `EngineError` if the tenant may not use that much.
  func countOperations(_ step: some WaitingStep) throws(EngineError) -> StorageReservation? {
    step.operationBytes > 0 ? try count(step.operationBytes) : nil
  }

  private func count(_ bytes: Int) throws(EngineError) -> StorageReservation {
    do throws(StorageRefusal) { return try StorageReservation(bytes, as: .memory, from: storage) } catch {
      throw EngineError(.resourceExhausted, "the step was rejected: \(error)")
    }
  }

  /// The error of a step that exceeds the number of waiting steps.
  var isFullOfSteps: EngineError {
    EngineError(
      .resourceExhausted,
      "\(waitingSteps) steps of session '\(id)' are waiting, which is the limit (limits.waiting_steps). Wait until some "
        + "have finished")
  }
}
