import Engines
import GraphStore

extension EngineError {
  /// What a user is told about a failure below the engine. Cancellation stays what it is.
  static func describing(_ error: any Error) -> any Error {
    switch error {
    case is CancellationError, is EngineError: error
    case let error as GraphStoreError:
      switch error.code {
      case .limitExceeded, .storageRefused:
        EngineError(.resourceExhausted, error.message, evidence: error.evidence, hint: error.hint)
      case .notFound, .invalidData, .invalidArgument, .damaged, .inputOutput:
        EngineError(.engineFailure, error.message, evidence: error.evidence, hint: error.hint)
      }
    case let error as StorageRefusal: EngineError(error)
    default: EngineError(.internalFailure, "the analytical engine failed", evidence: "\(error)")
    }
  }
}

extension EngineError {
  /// The error of an operation for whose memory or files there is no room, in the account's words.
  init(_ refusal: StorageRefusal) { self.init(.resourceExhausted, refusal.description) }
}

/// Runs the body; what it throws reaches the user as an `EngineError`.
func describingFailures<R>(_ body: () async throws -> R) async throws -> R {
  do { return try await body() } catch { throw EngineError.describing(error) }
}
