import CLibcrypto

/// Returns the SHA-256 digest (FIPS 180-4) of the concatenation of the parts: 32 bytes.
public func sha256(_ parts: [UInt8]...) -> [UInt8] {
  let bytes = parts.count == 1 ? parts[0] : Array(parts.joined())
  return [UInt8](unsafeUninitializedCapacity: 32) { digest, count in
    let isComputed = bytes.withUnsafeBufferPointer {
      clibcrypto_sha256($0.baseAddress, Int64($0.count), digest.baseAddress!)
    }
    precondition(isComputed == 1, "libcrypto computes no SHA-256; see the settings of OpenSSL on this machine")
    count = 32
  }
}

/// Returns whether two byte strings are equal, in a time that depends only on their lengths. Use it to compare secrets or digests
/// of secrets.
public func equalInConstantTime(_ a: [UInt8], _ b: [UInt8]) -> Bool {
  guard a.count == b.count else { return false }
  var difference: UInt8 = 0
  for index in a.indices { difference |= a[index] ^ b[index] }
  return difference == 0
}

extension [UInt8] {
  /// The bytes in lowercase hexadecimal digits.
  public var hexadecimal: String {
    let digits = Array<UInt8>("0123456789abcdef".utf8)
    return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// Reads hexadecimal digits of either case. Returns nil for other characters or an odd number of digits.
  public init?(hexadecimal text: some StringProtocol) {
    let digits = Array(text.utf8)
    guard digits.count % 2 == 0 else { return nil }
    self = []
    reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = Self.value(digits[index]), let low = Self.value(digits[index + 1]) else { return nil }
      append(high << 4 | low)
    }
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
