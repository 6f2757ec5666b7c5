import QueryValues

/// Texts and numbers.
extension Lexer {
  /// A text in single or double quotes, with its escapes replaced.
  mutating func quotedText(_ quote: Unicode.Scalar) throws(QueryError) -> String {
    let start = index
    index += 1
    var text = String.UnicodeScalarView()
    while let scalar = peek() {
      index += 1
      if scalar == quote { return String(text) }
      text.append(scalar == "\\" ? try escape() : scalar)
    }
    throw unterminated("The text in quotes", start)
  }

  private mutating func escape() throws(QueryError) -> Unicode.Scalar {
    let start = index - 1
    guard let scalar = peek() else { throw unterminated("The text in quotes", start) }
    index += 1
    switch scalar {
    case "\\", "'", "\"", "`": return scalar
    case "b": return "\u{8}"
    case "f": return "\u{C}"
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "u": return try unicodeEscape(digits: 4, start)
    case "U": return try unicodeEscape(digits: 8, start)
    default:
      throw QueryError(
        .syntax, detail: "UnexpectedSyntax",
        "The escape '\\\(scalar)' is unknown. Use one of \\\\ \\' \\\" \\b \\f \\n \\r \\t \\uXXXX \\UXXXXXXXX.",
        offset: start)
    }
  }

  private mutating func unicodeEscape(digits: Int, _ start: Int) throws(QueryError) -> Unicode.Scalar {
    var code = try hexadecimal(digits, start)
    if (0xD800..<0xDC00).contains(code), peek() == "\\", peek(1) == "u" {
      index += 2
      let low = try hexadecimal(4, start)
      guard (0xDC00..<0xE000).contains(low) else { throw malformedEscape(start) }
      code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw malformedEscape(start) }
    return scalar
  }

  private mutating func hexadecimal(_ digits: Int, _ start: Int) throws(QueryError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<digits {
      guard let scalar = peek(), let digit = scalar.digit, digit < 16 else { throw malformedEscape(start) }
      code = code << 4 | UInt32(digit)
      index += 1
    }
    return code
  }

  private func malformedEscape(_ start: Int) -> QueryError {
    QueryError(
      .syntax, detail: "InvalidUnicodeLiteral",
      "The escape names no Unicode character. Write \\u and four, or \\U and eight, hexadecimal digits.", offset: start)
  }

  /// A number: decimal, hexadecimal (`0x`), octal (`0o`), or floating-point. Underscores may stand between digits.
  mutating func number() -> Token.Kind {
    if peek() == "0", let mark = peek(1) {
      if mark == "x" || mark == "X" { return based(16) }
      if mark == "o" || mark == "O" { return based(8) }
    }
    let start = index
    skipDigits()
    var isFloat = false
    if peek() == ".", let next = peek(1), ("0"..."9").contains(next) {
      isFloat = true
      index += 1
      skipDigits()
    }
    if peek() == "e" || peek() == "E" {
      let sign = peek(1) == "-" || peek(1) == "+" ? 1 : 0
      guard let digit = peek(1 + sign), ("0"..."9").contains(digit) else { return malformed() }
      isFloat = true
      index += 1 + sign
      skipDigits()
    }
    if isFloat, peek() == "f" || peek() == "d" || peek() == "F" || peek() == "D" { index += 1 }
    guard !continuesWord else { return malformed() }
    var digits = String(String.UnicodeScalarView(scalars[start..<index].filter { $0 != "_" }))
    guard isFloat else { return .integer(UInt64(digits)) }
    if let last = digits.last, "fFdD".contains(last) { digits.removeLast() }
    return Double(digits).map { .float($0) } ?? .malformedNumber
  }

  private mutating func based(_ radix: UInt64) -> Token.Kind {
    index += 2
    var value: UInt64? = 0
    let start = index
    while let scalar = peek(), scalar == "_" || (scalar.digit.map { $0 < Int(radix) } ?? false) {
      index += 1
      guard let digit = scalar.digit else { continue }
      value = value.flatMap {
        let (high, overflow) = $0.multipliedReportingOverflow(by: radix)
        return overflow ? nil : high + UInt64(digit)
      }
    }
    return index == start || continuesWord ? malformed() : .integer(value)
  }

  private var continuesWord: Bool {
    guard let scalar = peek() else { return false }
    return scalar.isASCII ? scalar == "_" || scalar.digit != nil : scalar.properties.isIDContinue
  }

  private mutating func malformed() -> Token.Kind {
    while continuesWord { index += 1 }
    return .malformedNumber
  }

  private mutating func skipDigits() {
    while let scalar = peek(), ("0"..."9").contains(scalar) || scalar == "_" && isDigit(1) { index += 1 }
  }

  private func isDigit(_ ahead: Int) -> Bool {
    guard let scalar = peek(ahead) else { return false }
    return ("0"..."9").contains(scalar)
  }
}

extension Unicode.Scalar {
  /// The value of a digit of base 36.
  fileprivate var digit: Int? {
    switch self {
    case "0"..."9": Int(value - 48)
    case "a"..."z": Int(value - 87)
    case "A"..."Z": Int(value - 55)
    default: nil
    }
  }
}
