/// The reason for which access control denies a call. Both endpoints use the same texts. No text reveals whether an object
/// exists that the caller may not see, and none contains a part of a token.
public struct AccessRefusal: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of refusal; each endpoint maps them to a status of its protocol.
  public enum Code: String, Sendable, CaseIterable {
    /// The caller could not be identified.
    case unauthenticated
    /// The caller was identified, but lacks the required role.
    case permissionDenied
    /// Too many invalid tokens came from the same source.
    case tooManyAttempts
  }

  /// The kind.
  public let code: Code
  /// What was denied, and why.
  public let message: String
  /// What to do about it.
  public let hint: String
  /// Seconds until another attempt makes sense, for `tooManyAttempts`.
  public let retryAfterSeconds: Int?

  init(_ code: Code, _ message: String, hint: String, retryAfterSeconds: Int? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
    self.retryAfterSeconds = retryAfterSeconds
  }

  /// Message and hint in one line.
  public var description: String { "\(message). \(hint)" }

  /// The same answer for malformed, unknown, expired and revoked tokens, so that it does not reveal which tokens exist.
  public static let wrongToken = AccessRefusal(
    .unauthenticated, "the token is not valid", hint: "It is unknown, expired or revoked: ask an operator for another")

  /// The call contains no evidence of the caller's identity.
  public static let unknownCaller = AccessRefusal(
    .unauthenticated, "the caller cannot be identified",
    hint: "Send a token as 'authorization: Bearer gsc_…', or use a certificate, socket, listener or network from the "
      + "coordinator's access file")

  /// The header does not have the form of RFC 6750, section 2.1.
  public static let malformedAuthorization = AccessRefusal(
    .unauthenticated, "the authorization header is not a single bearer token",
    hint: "Send 'authorization: Bearer gsc_…' once")

  static func tooManyAttempts(_ seconds: Int) -> AccessRefusal {
    AccessRefusal(
      .tooManyAttempts, "this address sent too many invalid tokens",
      hint: "Try again in \(seconds) s with a valid token", retryAfterSeconds: seconds)
  }

  /// The role of the caller is too low for the action.
  public static func needs(_ role: Role, for action: String, has: Role) -> AccessRefusal {
    AccessRefusal(
      .permissionDenied,
      "\(action) requires the role \(role.rawValue), but the caller is \(has.article) \(has.rawValue)",
      hint: "Ask an operator for a token with that role")
  }
}

extension Role {
  fileprivate var article: String { self == .operator ? "an" : "a" }
}
