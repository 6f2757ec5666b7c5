import Cluster
import Coordinator
import HTTPTypes
import Hummingbird
import Wire

/// Why the admin endpoint did not do what it was asked: the body of every answer that is not a success.
public struct AdminError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure; their raw values are those of the answer's body.
  public enum Code: String, Sendable, CaseIterable {
    /// The path, the query or a value in it is not acceptable.
    case invalidArgument = "INVALID_ARGUMENT"
    /// There is no such path, kind or object.
    case notFound = "NOT_FOUND"
    /// The path does not know the method.
    case methodNotAllowed = "METHOD_NOT_ALLOWED"
    /// The object is not in a state for it.
    case conflict = "CONFLICT"
    /// The history does not reach back to the revision.
    case compacted = "COMPACTED"
    /// A request came with a body.
    case tooLarge = "TOO_LARGE"
    /// A bound was reached.
    case tooMany = "TOO_MANY_REQUESTS"
    /// It is not known who calls.
    case unauthenticated = "UNAUTHENTICATED"
    /// The caller may not.
    case permissionDenied = "PERMISSION_DENIED"
    /// It cannot be done now.
    case unavailable = "UNAVAILABLE"
    /// This coordinator cannot do it.
    case unimplemented = "UNIMPLEMENTED"
    /// A defect, or something stored that is damaged.
    case `internal` = "INTERNAL"
  }

  /// The kind of failure.
  public let code: Code
  /// What failed and why.
  public let message: String
  /// What to do about it; may be empty.
  public let hint: String

  /// An error with its remedy.
  public init(_ code: Code, _ message: String, hint: String = "") {
    self.code = code
    self.message = message
    self.hint = hint
  }

  /// Message and hint in one line.
  public var description: String { hint.isEmpty ? message : "\(message). \(hint)" }

  /// Longest text of an error that is not ours.
  private static let maximumForeignText = 1000

  /// The error that an operator sees for any error.
  init(_ error: any Error) {
    switch error {
    case let error as AdminError: self = error
    case let error as StateStoreError: self.init(Self.code(error.code), error.message)
    case let error as CoordinatorError: self.init(Self.code(error.code), error.message)
    case let error as AccessRefusal: self.init(Self.code(error.code), error.message, hint: error.hint)
    case let error as any HTTPResponseError where error.status == .notFound:
      self.init(.notFound, "there is no such path", hint: "GET /api/v1/objects lists the kinds of objects")
    default: self.init(.internal, String("\(error)".prefix(Self.maximumForeignText)))
    }
  }

  private static func code(_ code: StateStoreError.Code) -> Code {
    switch code {
    case .conflict, .leaseExpired: .conflict
    case .compacted: .compacted
    case .invalidArgument: .invalidArgument
    case .full, .unavailable, .deposed, .inUse, .closed: .unavailable
    case .permissionDenied: .permissionDenied
    case .damaged, .tooNew: .internal
    }
  }

  private static func code(_ code: CoordinatorError.Code) -> Code {
    switch code {
    case .unknownSession: .notFound
    case .sessionClosing, .versionMismatch: .conflict
    case .limitReached: .tooMany
    case .shuttingDown, .stateUnavailable: .unavailable
    case .protocolViolation, .invalidArgument: .invalidArgument
    case .inputOutput: .internal
    }
  }

  private static func code(_ code: AccessRefusal.Code) -> Code {
    switch code {
    case .unauthenticated: .unauthenticated
    case .permissionDenied: .permissionDenied
    case .tooManyAttempts: .tooMany
    }
  }

  /// The status of HTTP that says the same.
  var status: HTTPResponse.Status {
    switch code {
    case .invalidArgument: .badRequest
    case .notFound: .notFound
    case .methodNotAllowed: .methodNotAllowed
    case .conflict: .conflict
    case .compacted: .gone
    case .tooLarge: .contentTooLarge
    case .tooMany: .tooManyRequests
    case .unauthenticated: .unauthorized
    case .permissionDenied: .forbidden
    case .unavailable: .serviceUnavailable
    case .unimplemented: .notImplemented
    case .internal: .internalServerError
    }
  }

  /// The body: code, message and hint.
  var json: JSONValue {
    .object([("code", .string(code.rawValue)), ("message", .string(message)), ("hint", .string(hint))])
  }

  /// The last line of a stream that fails.
  var line: JSONValue { .object([("type", .string("error"))] + (json.members ?? [])) }

  /// The answer.
  var response: Response { Response(status: status, json: json) }
}

extension Response {
  /// An answer of JSON and a line end.
  init(status: HTTPResponse.Status = .ok, json: JSONValue) {
    self.init(
      status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: json.encoded + "\n")))
  }
}
