import Support

/// The reason for which an access file, a token file or an entry of one is rejected.
public struct AccessPolicyError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong and what to do.
  public let description: String

  /// Makes an error with this description, from which secrets are redacted.
  public init(_ description: String) { self.description = Redaction.redacted(description) }
}

/// Rules for the names of principals and tenants.
public enum AccessNames {
  /// Longest name, in bytes.
  public static let maximumBytes = 128

  /// - Throws: `AccessPolicyError` when the name of the principal or of the tenant is not allowed.
  public static func check(_ identity: Identity) throws(AccessPolicyError) {
    try checkPrincipal(identity.principal.description)
    try checkTenant(identity.tenant)
  }

  /// Checks that the name of a principal is printable, and that it does not begin like the names that the coordinator
  /// generates.
  public static func checkPrincipal(_ name: String) throws(AccessPolicyError) {
    let isPrintable = name.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value) }
    guard !name.isEmpty, name.utf8.count <= maximumBytes, isPrintable, !name.contains("/") else {
      throw AccessPolicyError(
        "'\(name.quotable())' is not a valid name of a principal: 1 to \(maximumBytes) printable bytes without a slash")
    }
    guard !["host ", "uid ", "unix socket", "certificate "].contains(where: { name.hasPrefix($0) }) else {
      throw AccessPolicyError(
        "'\(name.quotable())' begins like the names that callers get automatically. Give the principal another name")
    }
  }

  /// Checks that the name of a tenant consists of letters, digits, points, dashes and underscores.
  public static func checkTenant(_ name: String) throws(AccessPolicyError) {
    let isPlain = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    guard !name.isEmpty, name.utf8.count <= maximumBytes, isPlain else {
      throw AccessPolicyError(
        "'\(name.quotable())' is not a valid name: 1 to \(maximumBytes) letters, digits, '.', '_' and '-'")
    }
  }
}
