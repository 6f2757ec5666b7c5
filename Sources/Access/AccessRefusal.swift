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
    .unauthenticated, "it is not known who calls",
    hint: "Send a token as 'authorization: Bearer gsc_…', or use a certificate, socket, listener or network that the "
      + "coordinator's access file knows")

  /// The header does not have the form of RFC 6750, section 2.1.
  public static let malformedAuthorization = AccessRefusal(
    .unauthenticated, "the authorization is not one bearer token", hint: "Send 'authorization: Bearer gsc_…' once")

  static func tooManyAttempts(_ seconds: Int) -> AccessRefusal {
    AccessRefusal(
      .tooManyAttempts, "too many wrong tokens came from this address",
      hint: "Try again in \(seconds) s with a valid token", retryAfterSeconds: seconds)
  }

  /// The role of the caller is too low for the action.
  public static func needs(_ role: Role, for action: String, has: Role) -> AccessRefusal {
    AccessRefusal(
      .permissionDenied, "\(action) needs the role \(role.rawValue), and the caller is \(has.article) \(has.rawValue)",
      hint: "Ask an operator for a token of that role")
  }
}

extension Role {
  fileprivate var article: String { self == .operator ? "an" : "a" }
}
