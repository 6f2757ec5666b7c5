import Access
import HTTPTypes
import Hummingbird
import JSON
import NIOCore

/// The reason for which a request failed: the body of every answer that is not a success.
public struct RequestError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure; the raw values are those in the body of the answer.
  public enum Code: String, Sendable, CaseIterable {
    /// The path, the query or a value in it is invalid.
    case invalidArgument = "INVALID_ARGUMENT"
    /// The path, kind or object does not exist.
    case notFound = "NOT_FOUND"
    /// The path does not support the method.
    case methodNotAllowed = "METHOD_NOT_ALLOWED"
    /// The state of the object does not permit the request.
    case conflict = "CONFLICT"
    /// The revision is no longer in the history.
    case compacted = "COMPACTED"
    /// The request has a body that is too large.
    case tooLarge = "TOO_LARGE"
    /// A limit was reached.
    case tooMany = "TOO_MANY_REQUESTS"
    /// The caller could not be identified.
    case unauthenticated = "UNAUTHENTICATED"
    /// The caller lacks the required role.
    case permissionDenied = "PERMISSION_DENIED"
    /// The request cannot be handled now.
    case unavailable = "UNAVAILABLE"
    /// This coordinator does not support the request.
    case unimplemented = "UNIMPLEMENTED"
    /// A defect of the program, or damaged stored data.
    case `internal` = "INTERNAL"
  }

  /// The kind of failure.
  public let code: Code
  /// What failed, and why.
  public let message: String
  /// What to do about it; may be empty.
  public let hint: String
  /// What to do about it in terms of the command line; empty if `hint` also applies there.
  public let commandHint: String
  /// The methods that the path supports, for `methodNotAllowed`.
  let allowed: String?
  /// Seconds after which the caller may try again, if known.
  private(set) var retryAfterSeconds: Int?

  /// Makes an error.
  /// - Parameters:
  ///   - commandHint: the hint for users of the command line, if it differs.
  ///   - allowed: the methods that the path supports, separated by commas, for `methodNotAllowed`.
  public init(_ code: Code, _ message: String, hint: String = "", commandHint: String = "", allowed: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
    self.commandHint = commandHint
    self.allowed = allowed
  }

  /// Message and hint in one line.
  public var description: String { hint.isEmpty ? message : "\(message). \(hint)" }

  /// Longest text of a foreign error that is quoted.
  private static let maximumForeignText = 1000

  /// Converts an error. An `AccessRefusal` keeps its code and texts; an error of another type is a defect, `internal`.
  public init(_ error: any Error) {
    switch error {
    case let error as RequestError: self = error
    case let error as AccessRefusal:
      self.init(Self.code(error.code), error.message, hint: error.hint, commandHint: Self.commandHint(error))
      retryAfterSeconds = error.retryAfterSeconds
    default: self.init(.internal, String("\(error)".prefix(Self.maximumForeignText)))
    }
  }

  private static func commandHint(_ refusal: AccessRefusal) -> String {
    switch refusal {
    case .wrongToken, .malformedAuthorization:
      "Pass another token with --token-file FILE or in GSCOORDINATOR_TOKEN; operators create tokens with `gscoordinator token "
        + "create`"
    case .unknownCaller:
      "Pass a token with --token-file FILE or in GSCOORDINATOR_TOKEN; operators create tokens with `gscoordinator token "
        + "create`"
    default: ""
    }
  }

  private static func code(_ code: AccessRefusal.Code) -> Code {
    switch code {
    case .unauthenticated: .unauthenticated
    case .permissionDenied: .permissionDenied
    case .tooManyAttempts: .tooMany
    }
  }

  /// The corresponding HTTP status.
  public var status: HTTPResponse.Status {
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

  /// The body of the answer: code, message and hint.
  public var json: JSONValue {
    .object(
      [("code", .string(code.rawValue)), ("message", .string(message)), ("hint", .string(hint))]
        + (commandHint.isEmpty ? [] : [("command_hint", .string(commandHint))]))
  }

  /// The last line of a stream that fails.
  var line: JSONValue { .object([("type", .string("error"))] + (json.members ?? [])) }

  /// The answer to the request.
  public var response: Response {
    var response = Response(status: status, json: json)
    if let allowed { response.headers[.allow] = allowed }
    // RFC 9110, 11.6.1 and 10.2.3.
    if code == .unauthenticated { response.headers[.wwwAuthenticate] = "Bearer" }
    if let retryAfterSeconds { response.headers[.retryAfter] = String(retryAfterSeconds) }
    return response
  }
}

extension Response {
  /// Makes an answer of JSON and a line end.
  public init(status: HTTPResponse.Status = .ok, json: JSONValue) {
    self.init(
      status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: json.encoded + "\n")))
  }
}
