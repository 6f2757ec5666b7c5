/// The digest of FIPS 180-4, section 6.2, for fingerprints of certificates: once per connection that shows one. NIOSSL
/// keeps BoringSSL's to itself, and swift-crypto would bring a second copy of BoringSSL.
enum SHA256 {
  /// The digest as 64 lower-case hexadecimal digits.
  static func hex(of bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    let words = digest(of: bytes)
    let text = words.indices.flatMap { index in
      stride(from: 28, through: 0, by: -4).map { digits[Int(words[index] >> $0 & 15)] }
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func digest(of bytes: [UInt8]) -> SIMD8<UInt32> {
    var message = bytes
    message.append(0x80)
    message.append(contentsOf: repeatElement(0, count: (119 - bytes.count % 64) % 64))
    for shift in stride(from: 56, through: 0, by: -8) {
      message.append(UInt8(truncatingIfNeeded: (UInt64(bytes.count) * 8) >> shift))
    }
    var hash = SIMD8<UInt32>(
      0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19)
    for block in stride(from: 0, to: message.count, by: 64) { compress(message[block..<block + 64], into: &hash) }
    return hash
  }

  private static func compress(_ block: ArraySlice<UInt8>, into hash: inout SIMD8<UInt32>) {
    var schedule = [UInt32](repeating: 0, count: 64)
    for (index, byte) in block.enumerated() { schedule[index / 4] = schedule[index / 4] << 8 | UInt32(byte) }
    for t in 16..<64 {
      let (w15, w2) = (schedule[t - 15], schedule[t - 2])
      let sigma0 = rotate(w15, 7) ^ rotate(w15, 18) ^ w15 >> 3
      let sigma1 = rotate(w2, 17) ^ rotate(w2, 19) ^ w2 >> 10
      schedule[t] = schedule[t - 16] &+ sigma0 &+ schedule[t - 7] &+ sigma1
    }
    var s = hash
    for t in 0..<64 {
      let sum1 = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)
      let choice = s[4] & s[5] ^ ~s[4] & s[6]
      let first = s[7] &+ sum1 &+ choice &+ constants[t] &+ schedule[t]
      let sum0 = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)
      let majority = s[0] & s[1] ^ s[0] & s[2] ^ s[1] & s[2]
      s = SIMD8(first &+ sum0 &+ majority, s[0], s[1], s[2], s[3] &+ first, s[4], s[5], s[6])
    }
    hash &+= s
  }

  private static func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 { word >> count | word << (32 - count) }

  /// FIPS 180-4, section 4.2.2: the fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = primes.map { prime in fraction(ofCubeRootOf: prime) }

  private static let primes: [UInt64] = (2...311).filter { number in (2..<number).allSatisfy { number % $0 != 0 } }

  /// The first 32 bits behind the point, exactly: the largest x with x³ ≤ prime · 2⁹⁶.
  private static func fraction(ofCubeRootOf prime: UInt64) -> UInt32 {
    let target = UInt128(prime) << 96
    var root: UInt128 = 0
    for bit in stride(from: 34, through: 0, by: -1) {
      let candidate = root | 1 << UInt128(bit)
      if candidate * candidate * candidate <= target { root = candidate }
    }
    return UInt32(truncatingIfNeeded: root)
  }
}
