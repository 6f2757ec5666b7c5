import Digests
import FoundationEssentials

/// A token as it is kept: who presents its secret is this principal.
///
/// Of the secret only the SHA-256 is kept. That is enough: a secret is 32 random bytes, so nobody can try out those that
/// there may be, as can be done with passwords, and a slow or salted hash would only make every call dearer.
public struct AccessToken: Sendable, Equatable, Codable {
  /// Its name, which is not secret: 12 hexadecimal digits.
  public var id: String
  /// The SHA-256 of the secret's text, in hexadecimal digits.
  public var sha256: String
  /// On whose behalf calls with it are made.
  public var principal: String
  /// Whose tenant.
  public var tenant: String
  /// What it may do.
  public var role: Role
  /// When it was made.
  public var created: Date
  /// When it ends; nil for never.
  public var expires: Date?
  /// When it was revoked; nil when it was not.
  public var revoked: Date?

  /// Whether calls may be made with it.
  public func isValid(at now: Date) -> Bool { revoked == nil && expires.map { now < $0 } ?? true }

  var identity: Identity { Identity(principal: Principal(principal), tenant: tenant, role: role) }

  /// Makes a token of this identity, and its secret as it is sent: `gsc_<id>_<secret>`. The secret is nowhere else.
  /// - Throws: `AccessPolicyError` for a name that may not be.
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

  /// What the text of every token begins with, so that scanners find those that were published by mistake.
  static let mark = "gsc_"
  static let idDigits = 12
  static let secretDigits = 64

  /// Parts the text that a caller sent; nil when it is not that of a token.
  static func parts(of text: String) -> (id: Substring, secret: Substring)? {
    guard text.utf8.count == mark.utf8.count + idDigits + 1 + secretDigits, text.hasPrefix(mark) else { return nil }
    let parts = text.dropFirst(mark.count).split(separator: "_", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].utf8.count == idDigits else { return nil }
    return (parts[0], parts[1])
  }

  /// The system's generator is the kernel's.
  private static func randomBytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }
}

/// The tokens that a coordinator knows.
public struct TokenSet: Sendable {
  private var byID: [String: (token: AccessToken, hash: [UInt8])] = [:]

  /// Most tokens, those that are over included.
  public static let maximumCount = 10_000

  /// Takes the tokens of a file.
  /// - Throws: `AccessPolicyError` when one is not acceptable or two have one id.
  public init(_ tokens: [AccessToken] = []) throws(AccessPolicyError) {
    guard tokens.count <= Self.maximumCount else {
      throw AccessPolicyError(
        "there are \(tokens.count) tokens, but \(Self.maximumCount) are the most. Remove old ones")
    }
    for token in tokens {
      try AccessNames.check(token.identity)
      guard token.id.utf8.count == AccessToken.idDigits, [UInt8](hexadecimal: token.id) != nil else {
        throw AccessPolicyError("'\(printable(token.id))' is not the id of a token: \(AccessToken.idDigits) digits")
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

  /// The valid token of a text that a caller sent. The secret is compared in constant time, also when there is no token
  /// of that id.
  func find(_ text: String, at now: Date) -> AccessToken? {
    guard let parts = AccessToken.parts(of: text) else { return nil }
    let known = byID[String(parts.id)]
    let isRight = equalInConstantTime(sha256(Array(parts.secret.utf8)), known?.hash ?? Self.nobodysHash)
    guard let known, isRight, known.token.isValid(at: now) else { return nil }
    return known.token
  }

  /// The hash of no secret.
  private static let nobodysHash = [UInt8](repeating: 0, count: 32)

  /// Whether the token of that id is valid.
  func isValid(_ id: String, at now: Date) -> Bool { byID[id]?.token.isValid(at: now) ?? false }
}
