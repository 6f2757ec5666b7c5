import AnalyticsKernels
import Engines
import GraphStore
import Workers

extension EngineError {
  /// Converts an error from below the engine into an `EngineError` for the user. `CancellationError` is returned unchanged.
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
    case let error as WorkersError: EngineError(.resourceExhausted, error.description)
    default: EngineError(.internalFailure, "the analytical engine failed", evidence: "\(error)")
    }
  }
}

/// Runs the body, converting its errors by `EngineError.describing`.
func describingFailures<R>(_ body: () async throws -> R) async throws -> R {
  do { return try await body() } catch { throw EngineError.describing(error) }
}
