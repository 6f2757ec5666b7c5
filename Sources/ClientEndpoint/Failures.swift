import Coordinator
import Engines
import GRPC
import Vocabulary
import Wire

// The Python client receives failures as the status of a call, or in the answer of a step as a code and a pickled exception,
// which it raises.

extension EngineError {
  /// The code for the answer, and the exception that the client raises.
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

  /// The status of a call, other than a step, that failed with this error.
  var status: GRPCStatus {
    let (status, reason): (GRPCStatus.Code, String) =
      switch code {
      case .invalidArgument: (.invalidArgument, "INVALID_ARGUMENT")
      case .invalidSyntax: (.invalidArgument, "INVALID_SYNTAX")
      case .invalidValue: (.invalidArgument, "INVALID_VALUE")
      case .unknownName: (.notFound, "UNKNOWN_NAME")
      case .illegalState: (.failedPrecondition, "ILLEGAL_STATE")
      case .notApplicable: (.failedPrecondition, "NOT_APPLICABLE")
      case .runtimeFailure: (.failedPrecondition, "RUNTIME_FAILURE")
      case .queryFailure: (.failedPrecondition, "QUERY_FAILURE")
      case .unimplemented: (.unimplemented, "UNIMPLEMENTED")
      case .resourceExhausted: (.resourceExhausted, "RESOURCE_EXHAUSTED")
      case .permissionDenied: (.permissionDenied, "PERMISSION_DENIED")
      case .cancelled: (.cancelled, "CANCELLED")
      case .engineFailure: (.aborted, "ENGINE_FAILURE")
      case .compilationFailure: (.aborted, "COMPILATION_FAILURE")
      case .internalFailure: (.aborted, "INTERNAL_FAILURE")
      }
    return GRPCStatus(status, description, reason: reason)
  }
}

extension CoordinatorError {
  /// The status of a call that failed with this error; the same as that of the Python coordinator if it has one.
  var status: GRPCStatus {
    let (status, reason, retryAfter): (GRPCStatus.Code, String, Duration?) =
      switch code {
      case .versionMismatch: (.failedPrecondition, "VERSION_MISMATCH", nil)
      case .stepNotRunning: (.failedPrecondition, "STEP_NOT_RUNNING", nil)
      case .unknownSession: (.invalidArgument, "UNKNOWN_SESSION", nil)
      case .protocolViolation: (.invalidArgument, "PROTOCOL_VIOLATION", nil)
      case .sessionClosing: (.cancelled, "SESSION_CLOSING", nil)
      // Resources of other sessions become free when these end.
      case .limitReached: (.resourceExhausted, "LIMIT_REACHED", .seconds(10))
      case .shuttingDown: (.unavailable, "SHUTTING_DOWN", .seconds(1))
      case .stateUnavailable: (.unavailable, "STATE_UNAVAILABLE", .seconds(1))
      case .invalidArgument: (.aborted, "INVALID_ARGUMENT", nil)
      case .inputOutput: (.aborted, "INPUT_OUTPUT", nil)
      }
    return GRPCStatus(status, message, reason: reason, retryAfter: retryAfter)
  }
}

/// Undoes what a call created if its client has disconnected in the meantime, because the client never receives the answer.
/// - Throws: `GRPCStatus` CANCELLED in that case.
func requireClient(_ context: ServerContext, orElse undo: @escaping @Sendable () async throws -> Void) async throws {
  guard context.isCancelled else { return }
  // In a new task, because the task of the call is cancelled.
  try? await Task { try await undo() }.value
  throw GRPCStatus(.cancelled, "The client has disconnected")
}

/// Runs the body of a call, and converts the errors that it throws to a status.
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
