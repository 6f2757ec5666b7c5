import Glibc

/// A decimal number as written, `mantissa × 10^exponent`, with its exact conversion to floating point.
struct DecimalText {
  let start: UnsafePointer<UInt8>
  /// The position after the number.
  let end: UnsafePointer<UInt8>
  let isNegative: Bool
  /// The digits as an integer, or the leading ones if there are more significant digits than fit.
  let mantissa: UInt64
  let exponent: Int
  /// Whether `mantissa` holds all digits.
  let isComplete: Bool

  /// Parses `[+-] digits [. digits] [e [+-] digits]` with at least one digit before the exponent. Reads up to the first byte that
  /// cannot belong to the number; such a byte must follow. Returns nil if there is no number.
  @inline(__always)
  init?(_ start: UnsafePointer<UInt8>) {
    var next = start
    let isNegative = next.pointee == UInt8(ascii: "-")
    if isNegative || next.pointee == UInt8(ascii: "+") { next += 1 }

    let firstDigit = next
    var mantissa: UInt64 = 0
    while next.pointee.digit < 10 {
      mantissa = mantissa &* 10 &+ UInt64(next.pointee.digit)
      next += 1
    }
    var digits = next - firstDigit
    var exponent = 0
    if next.pointee == UInt8(ascii: ".") {
      next += 1
      let firstDecimal = next
      while next.pointee.digit < 10 {
        mantissa = mantissa &* 10 &+ UInt64(next.pointee.digit)
        next += 1
      }
      exponent = firstDecimal - next
      digits -= exponent
    }
    guard digits > 0 else { return nil }
    // More digits may still fit if the leading ones are zeros.
    var isComplete = digits <= 19
    if !isComplete { isComplete = Self.significantDigits(from: firstDigit, to: next) <= 19 }

    if next.pointee | 0x20 == UInt8(ascii: "e") {
      guard let (power, end) = Self.exponent(after: next + 1) else { return nil }
      exponent += power
      next = end
    }
    self.start = start
    self.end = next
    self.isNegative = isNegative
    self.mantissa = mantissa
    self.exponent = exponent
    self.isComplete = isComplete
  }

  /// Returns the value of the exponent, clamped to limits beyond which the number is zero or infinite in any case.
  private static func exponent(after start: UnsafePointer<UInt8>) -> (Int, UnsafePointer<UInt8>)? {
    var next = start
    let isNegative = next.pointee == UInt8(ascii: "-")
    if isNegative || next.pointee == UInt8(ascii: "+") { next += 1 }
    guard next.pointee.digit < 10 else { return nil }
    var value = 0
    while next.pointee.digit < 10 {
      value = min(value * 10 + Int(next.pointee.digit), 1_000_000)
      next += 1
    }
    return (isNegative ? -value : value, next)
  }

  private static func significantDigits(from start: UnsafePointer<UInt8>, to end: UnsafePointer<UInt8>) -> Int {
    var next = start
    while next < end, next.pointee == UInt8(ascii: "0") || next.pointee == UInt8(ascii: ".") { next += 1 }
    var count = end - next
    while next < end {
      if next.pointee == UInt8(ascii: ".") { count -= 1 }
      next += 1
    }
    return count
  }

  /// Returns the nearest double (ties to even). Numbers with up to 19 digits and small exponents are converted here: exactly
  /// representable factors by one multiplication or division (Clinger, "How to Read Floating Point Numbers Accurately", 1990),
  /// the others by a 128-bit quotient or product that is rounded once. All other numbers are converted by `strtod`.
  @inline(__always)
  func double() -> Double {
    if isComplete, exponent >= -22, exponent <= 22, mantissa <= 1 << 53 {
      let value = Double(mantissa)
      let magnitude = exponent < 0 ? value / Self.powers[-exponent] : value * Self.powers[exponent]
      return isNegative ? -magnitude : magnitude
    }
    return doubleOfManyDigits()
  }

  /// Returns the nearest float (ties to even).
  func float() -> Float {
    if isComplete, exponent >= -10, exponent <= 10, mantissa <= 1 << 24 {
      let value = Float(mantissa)
      let power = Float(Self.powers[abs(exponent)])
      let magnitude = exponent < 0 ? value / power : value * power
      return isNegative ? -magnitude : magnitude
    }
    return withText { strtof($0, nil) }
  }

  private func doubleOfManyDigits() -> Double {
    guard isComplete, mantissa != 0, exponent >= -19, exponent <= 19 else { return withText { strtod($0, nil) } }
    let power = Self.integerPowers[abs(exponent)]
    let magnitude =
      exponent < 0 ? Self.rounded(quotientOf: mantissa, by: power) : Self.rounded(productOf: mantissa, and: power)
    return isNegative ? -magnitude : magnitude
  }

  /// Returns `dividend / divisor`, rounded once. Neither may be zero.
  private static func rounded(quotientOf dividend: UInt64, by divisor: UInt64) -> Double {
    let shifts = (dividend: dividend.leadingZeroBitCount, divisor: divisor.leadingZeroBitCount)
    var high = dividend << UInt64(shifts.dividend)
    var low: UInt64 = 0
    let normalised = divisor << UInt64(shifts.divisor)
    var exponent = shifts.divisor - shifts.dividend - 64
    if high >= normalised {  // The quotient must fit 64 bits; half the dividend then still makes it fill them.
      low = high << 63
      high >>= 1
      exponent += 1
    }
    let (quotient, remainder) = normalised.dividingFullWidth((high, low))
    return rounded(quotient, isInexact: remainder != 0, exponent: exponent)
  }

  /// Returns `a × b`, rounded once. Neither may be zero.
  private static func rounded(productOf a: UInt64, and b: UInt64) -> Double {
    let (high, low) = a.multipliedFullWidth(by: b)
    if high == 0 { return Double(low) }
    let shift = UInt64(high.leadingZeroBitCount)
    let top = shift == 0 ? high : high << shift | low >> (64 - shift)
    return rounded(top, isInexact: low << shift != 0, exponent: 64 - Int(shift))
  }

  /// Returns `bits × 2^exponent`. The top bit of `bits` must be set; `isInexact` states that lower bits were cut off.
  private static func rounded(_ bits: UInt64, isInexact: Bool, exponent: Int) -> Double {
    let kept = bits >> 11
    let cut = bits & 0x7FF
    let isUp = cut > 0x400 || (cut == 0x400 && (isInexact || kept & 1 == 1))
    return Double(sign: .plus, exponent: exponent + 11, significand: Double(kept + (isUp ? 1 : 0)))
  }

  private func withText<R>(_ body: (UnsafePointer<CChar>) -> R) -> R {
    let count = end - start
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: count + 1) { copy in
      memcpy(copy.baseAddress!, start, count)
      copy[count] = 0
      return body(copy.baseAddress!)
    }
  }

  /// 10^0 … 10^22: all powers of ten that a double represents exactly.
  private static let powers: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
  ]

  /// 10^0 … 10^19: all powers of ten that fit into 64 bits.
  private static let integerPowers: [UInt64] = {
    var power: UInt64 = 1
    return [1]
      + (1...19).map { _ in
        power *= 10
        return power
      }
  }()
}
