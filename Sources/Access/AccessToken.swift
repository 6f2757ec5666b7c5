import Digests
import FoundationEssentials
import Support

/// A stored token: a call that presents its secret acts for its principal.
///
/// Only the SHA-256 of the secret is stored. This is sufficient because a secret consists of 32 random bytes and, unlike a
/// password, cannot be found by trying. A slow or salted hash would only make every call more expensive.
public struct AccessToken: Sendable, Equatable, Codable {
  /// Its public name: 12 hexadecimal digits.
  public var id: String
  /// The SHA-256 of the secret's text, in hexadecimal digits.
  public var sha256: String
  /// The principal of calls that present it.
  public var principal: String
  /// The tenant of the principal.
  public var tenant: String
  /// The role of the principal.
  public var role: Role
  /// When it was created.
  public var created: Date
  /// When it expires; nil for never.
  public var expires: Date?
  /// When it was revoked; nil if it was not.
  public var revoked: Date?

  /// Returns whether calls with this token are accepted at a time.
  public func isValid(at now: Date) -> Bool { revoked == nil && expires.map { now < $0 } ?? true }

  var identity: Identity { Identity(principal: Principal(principal), tenant: tenant, role: role) }

  /// Creates a token for an identity. Returns it with its secret in the form in which it is sent, `gsc_<id>_<secret>`. The
  /// secret is stored nowhere else.
  /// - Throws: `AccessPolicyError` for a name that is not allowed.
  public static func make(
    _ identity: Identity, created: Date, expires: Date?
  ) throws(AccessPolicyError) -> (token: AccessToken, secret: String) {
    try AccessNames.check(identity)
    let (id, secret) = (randomBytes(idDigits / 2).hexadecimal, randomBytes(secretDigits / 2).hexadecimal)
    let token = AccessToken(
      id: id, sha256: Digests.sha256(Array(secret.utf8)).hexadecimal, principal: identity.principal.description,
      tenant: identity.tenant, role: identity.role, created: created, expires: expires, revoked: nil)
    return (token, "\(mark)\(id)_\(secret)")
  }

  /// The prefix of every token's text, by which secret scanners recognize published tokens.
  static let mark = "gsc_"
  static let idDigits = 12
  static let secretDigits = 64

  /// Splits the text that a caller sent; returns nil when it does not have the form of a token.
  static func parts(of text: String) -> (id: Substring, secret: Substring)? {
    guard text.utf8.count == mark.utf8.count + idDigits + 1 + secretDigits, text.hasPrefix(mark) else { return nil }
    let parts = text.dropFirst(mark.count).split(separator: "_", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].utf8.count == idDigits else { return nil }
    return (parts[0], parts[1])
  }

  /// Returns random bytes. The system's generator is the kernel's.
  private static func randomBytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }
}

/// The tokens that a coordinator accepts or has accepted.
public struct TokenSet: Sendable {
  private var byID: [String: (token: AccessToken, hash: [UInt8])] = [:]

  /// The maximum number of tokens, including expired and revoked ones.
  public static let maximumCount = 10_000

  /// Makes a set of the tokens of a file.
  /// - Throws: `AccessPolicyError` when a token is invalid or two tokens have the same id.
  public init(_ tokens: [AccessToken] = []) throws(AccessPolicyError) {
    guard tokens.count <= Self.maximumCount else {
      throw AccessPolicyError(
        "there are \(tokens.count) tokens, but at most \(Self.maximumCount) are allowed. Remove old ones")
    }
    for token in tokens {
      try AccessNames.check(token.identity)
      guard token.id.utf8.count == AccessToken.idDigits, [UInt8](hexadecimal: token.id) != nil else {
        throw AccessPolicyError(
          "'\(token.id.quotable())' is not the id of a token, which has \(AccessToken.idDigits) hexadecimal digits")
      }
      guard let hash = [UInt8](hexadecimal: token.sha256), hash.count == 32 else {
        throw AccessPolicyError("the sha256 of the token \(token.id) is not 64 hexadecimal digits")
      }
      guard byID.updateValue((token, hash), forKey: token.id) == nil else {
        throw AccessPolicyError("two tokens have the id \(token.id)")
      }
    }
  }

  /// All tokens, by id.
  var all: [AccessToken] { byID.values.map(\.token) }

  /// Returns the valid token for a text that a caller sent; nil if there is none. The secret is compared in constant time, even
  /// when no token has that id.
  func find(_ text: String, at now: Date) -> AccessToken? {
    guard let parts = AccessToken.parts(of: text) else { return nil }
    let known = byID[String(parts.id)]
    let isRight = equalInConstantTime(sha256(Array(parts.secret.utf8)), known?.hash ?? Self.nobodysHash)
    guard let known, isRight, known.token.isValid(at: now) else { return nil }
    return known.token
  }

  /// Compared with the secret when no token has the id; not the hash of any known secret.
  private static let nobodysHash = [UInt8](repeating: 0, count: 32)

  /// Returns whether the token with this id is valid at a time.
  func isValid(_ id: String, at now: Date) -> Bool { byID[id]?.token.isValid(at: now) ?? false }
}
