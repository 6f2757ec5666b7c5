import Coordinator
import Engines
import GRPC
import Wire

// How failures reach the Python client: as the status of a call, or within the answer of a step as a code and a pickled
// exception, which the client raises.

extension EngineError {
  /// The code of the answer and the exception that the client raises.
  var clientForm: (code: ResultCode, exception: PythonExceptionClass) {
    switch code {
    case .invalidArgument: (.invalidArgument, .invalidArgument)
    case .unknownName: (.analyticalEngineInternalError, .key)
    case .invalidValue: (.analyticalEngineInternalError, .value)
    case .invalidSyntax: (.analyticalEngineInternalError, .syntax)
    case .notApplicable: (.analyticalEngineInternalError, .notImplemented)
    case .illegalState: (.illegalState, .illegalState)
    case .runtimeFailure: (.analyticalEngineInternalError, .runtime)
    case .queryFailure: (.interactiveEngineInternalError, .runtime)
    case .engineFailure: (.analyticalEngineInternalError, .analyticalEngineInternal)
    case .unimplemented: (.unimplemented, .unimplemented)
    case .compilationFailure: (.compilationFailure, .compilation)
    case .resourceExhausted: (.resourceExhausted, .resourceExhausted)
    case .permissionDenied: (.permissionDenied, .permissionDenied)
    case .cancelled: (.cancelled, .cancelled)
    case .internalFailure: (.coordinatorInternalError, .coordinatorInternal)
    }
  }

  /// The status of a call that failed with this error outside of a step.
  var status: GRPCStatus {
    let status: GRPCStatus.Code =
      switch code {
      case .invalidArgument, .invalidSyntax, .invalidValue: .invalidArgument
      case .unknownName: .notFound
      case .illegalState, .notApplicable, .runtimeFailure, .queryFailure: .failedPrecondition
      case .unimplemented: .unimplemented
      case .resourceExhausted: .resourceExhausted
      case .permissionDenied: .permissionDenied
      case .cancelled: .cancelled
      case .engineFailure, .compilationFailure, .internalFailure: .aborted
      }
    return GRPCStatus(status, description)
  }
}

extension CoordinatorError {
  /// The status of a call that failed with this error; those of the Python coordinator where it has one.
  var status: GRPCStatus {
    let status: GRPCStatus.Code =
      switch code {
      case .versionMismatch: .failedPrecondition
      case .unknownSession, .protocolViolation: .invalidArgument
      case .sessionClosing: .cancelled
      case .limitReached: .resourceExhausted
      case .shuttingDown, .stateUnavailable: .unavailable
      case .invalidArgument, .inputOutput: .aborted
      }
    return GRPCStatus(status, message)
  }
}

/// Runs the body of a call; what it throws becomes a status.
func answering<R>(_ body: () async throws -> R) async throws -> R {
  do { return try await body() } catch let error as CoordinatorError {
    throw error.status
  } catch let error as EngineError {
    throw error.status
  } catch let error as WireError {
    throw GRPCStatus(.invalidArgument, error.description)
  } catch let error as StepAssembly.Violation {
    throw GRPCStatus(.invalidArgument, error.message)
  }
}
