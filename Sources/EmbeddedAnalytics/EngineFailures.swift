import Engines
import GraphStore

extension EngineError {
  /// What a user is told about a failure below the engine. Cancellation stays what it is.
  static func describing(_ error: any Error) -> any Error {
    switch error {
    case is CancellationError, is EngineError: error
    case let error as GraphStoreError:
      EngineError(
        error.code == .limitExceeded ? .resourceExhausted : .engineFailure, error.message, evidence: error.evidence,
        hint: error.hint)
    default: EngineError(.internalFailure, "the analytical engine failed", evidence: "\(error)")
    }
  }
}

/// Runs the body; what it throws reaches the user as an `EngineError`.
func describingFailures<R>(_ body: () async throws -> R) async throws -> R {
  do { return try await body() } catch { throw EngineError.describing(error) }
}
