/// Why an access file, a token file or an entry of them is not acceptable.
public struct AccessPolicyError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong and what to do.
  public let description: String

  /// An error.
  public init(_ description: String) { self.description = description }
}

/// What principals and tenants may be called.
public enum AccessNames {
  /// Longest name, in bytes.
  public static let maximumBytes = 128

  /// - Throws: `AccessPolicyError` when the principal or the tenant may not be called so.
  public static func check(_ identity: Identity) throws(AccessPolicyError) {
    try checkPrincipal(identity.principal.description)
    try checkTenant(identity.tenant)
  }

  /// A principal has a printable name. Those that begin like the names that we give ourselves are not free.
  public static func checkPrincipal(_ name: String) throws(AccessPolicyError) {
    let isPrintable = name.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value) }
    guard !name.isEmpty, name.utf8.count <= maximumBytes, isPrintable, !name.contains("/") else {
      throw AccessPolicyError(
        "'\(printable(name))' is not a name for a principal: up to \(maximumBytes) bytes, printable, without a slash")
    }
    guard !["host ", "uid ", "unix socket", "certificate "].contains(where: { name.hasPrefix($0) }) else {
      throw AccessPolicyError("'\(printable(name))' is a name of callers without another one. Give the principal one")
    }
  }

  /// A tenant has a name of letters, digits, points, dashes and underscores.
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
        "'\(printable(name))' is not a name for a tenant: letters, digits, '.', '_' and '-', up to \(maximumBytes)")
    }
  }
}
