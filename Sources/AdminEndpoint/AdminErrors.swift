import Coordinator
import HTTPServing
import LogStore
import Objects
import StateStore

extension RequestError {
  /// Converts any error of the layers below to the error of an answer.
  init(telling error: any Error) {
    switch error {
    case let error as StateStoreError: self.init(Self.code(error.code), error.message)
    case let error as CoordinatorError: self.init(Self.code(error.code), error.message)
    case let error as LogStoreError:
      self.init(error.code == .invalidArgument ? .invalidArgument : .internal, error.message)
    default: self.init(error)
    }
  }

  /// Returns the error for an object that does not exist, or that the caller may not see, with the same text for both.
  static func noObject(_ kind: ObjectKind, _ name: String, at revision: Revision? = nil) -> RequestError {
    RequestError(
      .notFound, "there is no \(kind.rawValue) '\(name.prefix(200))'" + (revision.map { " at revision \($0)" } ?? ""),
      hint: "GET /control/v1/\(kind.plural) lists those that exist",
      commandHint: "`gscoordinator get \(kind.plural)` lists those that exist")
  }

  private static func code(_ code: StateStoreError.Code) -> Code {
    switch code {
    case .conflict, .leaseExpired: .conflict
    case .compacted: .compacted
    case .invalidArgument: .invalidArgument
    case .full, .unavailable, .deposed, .inUse, .closed: .unavailable
    case .permissionDenied: .permissionDenied
    case .damaged, .replaced, .tooNew: .internal
    }
  }

  private static func code(_ code: CoordinatorError.Code) -> Code {
    switch code {
    case .unknownSession: .notFound
    case .sessionClosing, .versionMismatch, .stepNotRunning: .conflict
    case .limitReached: .tooMany
    case .shuttingDown, .stateUnavailable: .unavailable
    case .protocolViolation, .invalidArgument: .invalidArgument
    case .inputOutput: .internal
    }
  }
}
