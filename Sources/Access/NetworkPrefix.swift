import Glibc
import Support

/// An IPv4 or IPv6 address, as bytes in network order. An IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2), as reported by
/// dual-stack sockets, is converted to the IPv4 address.
struct NetworkAddress: Hashable, Sendable {
  /// The 4 or 16 bytes.
  let bytes: [UInt8]

  /// Parses a numeric address; returns nil when the text is not one. A zone (`%eth0`) is ignored.
  init?(_ text: some StringProtocol) {
    let text = String(text.prefix { $0 != "%" })
    var four = [UInt8](repeating: 0, count: 4)
    if inet_pton(AF_INET, text, &four) == 1 {
      bytes = four
      return
    }
    var sixteen = [UInt8](repeating: 0, count: 16)
    guard inet_pton(AF_INET6, text, &sixteen) == 1 else { return nil }
    let isMapped = sixteen[..<10].allSatisfy { $0 == 0 } && sixteen[10] == 0xff && sixteen[11] == 0xff
    bytes = isMapped ? Array(sixteen[12...]) : sixteen
  }
}

/// A network: the addresses that begin with the same bits (CIDR, RFC 4632).
public struct NetworkPrefix: Hashable, Sendable, CustomStringConvertible {
  private let bytes: [UInt8]
  /// The number of bits that the addresses have in common.
  let length: Int
  /// The network as it was written.
  public let description: String

  /// Parses `10.0.0.0/8`, `fd00::/8` or a single address.
  /// - Throws: `AccessPolicyError`, also when bits after the prefix are set, because the intended network is then unclear.
  public init(_ text: String) throws(AccessPolicyError) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let address = NetworkAddress(parts[0]), parts.count <= 2, !parts[0].contains("%") else {
      throw AccessPolicyError("'\(text.quotable())' is not a network. Write 10.0.0.0/8, fd00::/8 or an address")
    }
    let bits = address.bytes.count * 8
    guard let length = parts.count == 2 ? Self.number(parts[1]) : bits, length <= bits else {
      throw AccessPolicyError("the prefix of the network '\(text.quotable())' must be a number from 0 to \(bits)")
    }
    let masked = Self.masked(address.bytes, length)
    guard masked == address.bytes else {
      throw AccessPolicyError(
        "the network '\(text)' has bits set after its prefix. Clear them, or write a single address")
    }
    (bytes, self.length, description) = (masked, length, text)
  }

  /// Returns whether both contain the same addresses, regardless of their spelling.
  public static func == (a: NetworkPrefix, b: NetworkPrefix) -> Bool { a.bytes == b.bytes && a.length == b.length }

  /// Hashes what `==` compares.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(bytes)
    hasher.combine(length)
  }

  func contains(_ address: NetworkAddress) -> Bool {
    address.bytes.count == bytes.count && Self.masked(address.bytes, length) == bytes
  }

  private static func number(_ text: Substring) -> Int? {
    text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
  }

  private static func masked(_ bytes: [UInt8], _ length: Int) -> [UInt8] {
    bytes.enumerated().map { index, byte in
      let kept = min(max(length - index * 8, 0), 8)
      return kept == 0 ? 0 : byte & (0xff << UInt8(8 - kept))
    }
  }
}
