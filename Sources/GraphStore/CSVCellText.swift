/// The bytes of one cell. The byte after the last one is readable and never part of a number: a delimiter, a line end, a quote or
/// a zero.
typealias CellBytes = UnsafeBufferPointer<UInt8>

extension UnsafeBufferPointer<UInt8> {
  /// Returns whether the bytes equal an ASCII text.
  @inline(__always)
  func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count where self[index] != text.utf8Start[index] { return false }
    return true
  }

  /// Returns whether the bytes equal a lower-case ASCII text, ignoring case.
  func equalsIgnoringCase(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count where self[index] | 0x20 != text.utf8Start[index] { return false }
    return true
  }

  /// The bytes without surrounding spaces and tabs.
  @inline(__always)
  var trimmed: CellBytes {
    var range = startIndex..<endIndex
    while let first = range.first, self[first].isBlank { range = range.dropFirst() }
    while let last = range.last, self[last].isBlank { range = range.dropLast() }
    return CellBytes(rebasing: self[range])
  }
}

extension UInt8 {
  @inline(__always)
  var isBlank: Bool { self == 0x20 || self == 0x09 }
  /// The value of a decimal digit; 10 or more for any other byte.
  @inline(__always)
  var digit: UInt8 { self &- 0x30 }
}

/// Parses cells as values, in the spellings that Apache Arrow's CSV reader accepts.
enum CellText {
  /// Parses `true`, `True`, `TRUE`, `1` or their opposites, without surrounding space.
  static func boolean(_ cell: CellBytes) -> Bool? {
    if cell.equals("1") || cell.equals("true") || cell.equals("True") || cell.equals("TRUE") { return true }
    if cell.equals("0") || cell.equals("false") || cell.equals("False") || cell.equals("FALSE") { return false }
    return nil
  }

  /// Parses decimal digits with an optional minus sign (for signed types), or `0x` and at most as many hexadecimal digits as the
  /// type has, with optional surrounding blanks. As in Arrow, a plus sign is not accepted.
  static func integer<T: FixedWidthInteger>(_ cell: CellBytes, as type: T.Type) -> T? {
    var digits = cell.trimmed
    guard !digits.isEmpty else { return nil }
    if digits.count > 2, digits[0] == UInt8(ascii: "0"), digits[1] | 0x20 == UInt8(ascii: "x") {
      return hexadecimal(CellBytes(rebasing: digits.dropFirst(2)), as: type)
    }
    let isNegative = T.isSigned && digits[0] == UInt8(ascii: "-")
    if isNegative { digits = CellBytes(rebasing: digits.dropFirst()) }
    guard !digits.isEmpty else { return nil }
    var value: T = 0
    for byte in digits {
      guard byte.digit < 10 else { return nil }
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      // Negative values are accumulated downwards, because the smallest has no positive counterpart.
      let step = T(byte.digit)
      let (sum, carry) = isNegative ? tens.subtractingReportingOverflow(step) : tens.addingReportingOverflow(step)
      guard !overflow, !carry else { return nil }
      value = sum
    }
    return value
  }

  private static func hexadecimal<T: FixedWidthInteger>(_ digits: CellBytes, as type: T.Type) -> T? {
    guard digits.count <= T.bitWidth / 4 else { return nil }
    var value: T = 0
    for byte in digits {
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte.digit
      case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): digit = (byte | 0x20) - 87
      default: return nil
      }
      value = value << 4 | T(digit)
    }
    return value
  }

  /// Parses a decimal number, `inf`, `infinity` or `nan` in any case, with an optional sign and optional surrounding blanks.
  static func double(_ cell: CellBytes) -> Double? {
    let text = cell.trimmed
    guard let start = text.baseAddress, !text.isEmpty else { return nil }
    if let decimal = DecimalText(start), decimal.end == start + text.count { return decimal.double() }
    return special(text)
  }

  /// Parses the same spellings as `double`, rounded once to single precision.
  static func float(_ cell: CellBytes) -> Float? {
    let text = cell.trimmed
    guard let start = text.baseAddress, !text.isEmpty else { return nil }
    if let decimal = DecimalText(start), decimal.end == start + text.count { return decimal.float() }
    return special(text).map { Float($0) }
  }

  private static func special(_ text: CellBytes) -> Double? {
    let isNegative = text[0] == UInt8(ascii: "-")
    let hasSign = isNegative || text[0] == UInt8(ascii: "+")
    let word = hasSign ? CellBytes(rebasing: text.dropFirst()) : text
    if word.equalsIgnoringCase("inf") || word.equalsIgnoringCase("infinity") {
      return isNegative ? -.infinity : .infinity
    }
    return word.equalsIgnoringCase("nan") ? .nan : nil
  }
}
