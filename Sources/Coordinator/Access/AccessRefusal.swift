/// Why access control refuses a call. Both endpoints answer with the same words; none of them tells whether something
/// exists that the caller may not know of, and none holds anything of a token.
public struct AccessRefusal: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of refusal; endpoints map them to a status of their protocol.
  public enum Code: String, Sendable, CaseIterable {
    /// It is not known who calls.
    case unauthenticated
    /// It is known, and who calls may not do this.
    case permissionDenied
    /// Too many wrong tokens came from there.
    case tooManyAttempts
  }

  /// The kind.
  public let code: Code
  /// What is refused and why.
  public let message: String
  /// What to do about it.
  public let hint: String
  /// Seconds after which another attempt makes sense, for `tooManyAttempts`.
  public let retryAfterSeconds: Int?

  init(_ code: Code, _ message: String, hint: String, retryAfterSeconds: Int? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
    self.retryAfterSeconds = retryAfterSeconds
  }

  /// Message and hint.
  public var description: String { "\(message). \(hint)" }

  /// One answer for tokens that are malformed, unknown, expired or revoked: the difference is nobody's business.
  public static let wrongToken = AccessRefusal(
    .unauthenticated, "the token is not valid", hint: "It is unknown, expired or revoked: ask an operator for another")

  /// Nothing says who calls.
  static let unknownCaller = AccessRefusal(
    .unauthenticated, "it is not known who calls",
    hint: "Send a token as 'authorization: Bearer gsc_…', or use a certificate, socket, listener or network that the "
      + "coordinator's access file knows")

  /// The header is not what RFC 6750, section 2.1 wants.
  public static let malformedAuthorization = AccessRefusal(
    .unauthenticated, "the authorization is not one bearer token", hint: "Send 'authorization: Bearer gsc_…' once")

  static func tooManyAttempts(_ seconds: Int) -> AccessRefusal {
    AccessRefusal(
      .tooManyAttempts, "too many wrong tokens came from this address",
      hint: "Try again in \(seconds) s with a valid token", retryAfterSeconds: seconds)
  }

  /// The caller's role does not suffice.
  public static func needs(_ role: Role, for action: String, has: Role) -> AccessRefusal {
    AccessRefusal(
      .permissionDenied, "\(action) needs the role \(role.rawValue), and the caller is \(has.article) \(has.rawValue)",
      hint: "Ask an operator for a token of that role")
  }
}

extension Role {
  fileprivate var article: String { self == .operator ? "an" : "a" }
}
