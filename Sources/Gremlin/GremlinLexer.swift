import QueryValues

/// Splits a script into words, as Groovy does for the part of its language that scripts of Gremlin use.
struct GremlinLexer {
  /// The longest script, in Unicode scalars.
  static let limit = 1 << 20

  private let scalars: [Unicode.Scalar]
  private var position = 0
  /// Parentheses and brackets that are open: a line ends only outside of them.
  private var open = 0

  private init(_ text: String) { scalars = Array(text.unicodeScalars) }

  /// Returns the words of a script; the last one is `end`.
  static func tokens(of text: String) throws(QueryError) -> [GremlinToken] {
    guard text.utf8.count <= limit else {
      throw QueryError(.syntax, "The script has more than \(limit) bytes. Pass values as bindings.")
    }
    var lexer = GremlinLexer(text)
    var tokens: [GremlinToken] = []
    while true {
      let token = try lexer.next()
      tokens.append(token)
      if token.kind == .end { return tokens }
    }
  }

  private func peek(_ distance: Int = 0) -> Unicode.Scalar? {
    position + distance < scalars.count ? scalars[position + distance] : nil
  }

  private mutating func next() throws(QueryError) -> GremlinToken {
    if let lineEnd = try skipSpace() { return GremlinToken(kind: .lineEnd, offset: lineEnd) }
    let start = position
    guard let scalar = peek() else { return GremlinToken(kind: .end, offset: start) }
    if scalar.properties.isAlphabetic || scalar == "_" || scalar == "$" {
      return GremlinToken(kind: .name(readName()), offset: start)
    }
    if Self.isDigit(scalar) || scalar == "." && peek(1).map(Self.isDigit) == true {
      return GremlinToken(kind: try readNumber(), offset: start)
    }
    if scalar == "'" || scalar == "\"" { return GremlinToken(kind: .text(try readText(scalar)), offset: start) }
    if scalar == ".", peek(1) == "." {
      position += 2
      return GremlinToken(kind: .range, offset: start)
    }
    position += 1
    if "([{".unicodeScalars.contains(scalar) { open += 1 }
    if ")]}".unicodeScalars.contains(scalar) { open -= 1 }
    return GremlinToken(kind: .symbol(Character(scalar)), offset: start)
  }

  /// Skips space and comments. Returns the offset of a line end that separates statements.
  private mutating func skipSpace() throws(QueryError) -> Int? {
    while let scalar = peek() {
      if scalar == "\n", open == 0, !lineContinues() {
        position += 1
        return position - 1
      }
      if scalar.properties.isWhitespace {
        position += 1
      } else if scalar == "/", peek(1) == "/" {
        while let other = peek(), other != "\n" { position += other == "\n" ? 0 : 1 }
      } else if scalar == "/", peek(1) == "*" {
        try skipComment()
      } else {
        return nil
      }
    }
    return nil
  }

  private mutating func skipComment() throws(QueryError) {
    let start = position
    position += 2
    while !(peek() == "*" && peek(1) == "/") {
      guard peek() != nil else { throw Self.error("A comment does not end. Close it with */.", start) }
      position += 1
    }
    position += 2
  }

  /// Whether the next line begins with a dot, and so continues this one.
  private func lineContinues() -> Bool {
    var ahead = position
    while ahead < scalars.count, scalars[ahead].properties.isWhitespace { ahead += 1 }
    return ahead < scalars.count && scalars[ahead] == "." || position > 0 && scalars[position - 1] == "."
  }

  private mutating func readName() -> String {
    var name = String.UnicodeScalarView()
    while let scalar = peek(), scalar.properties.isAlphabetic || Self.isDigit(scalar) || scalar == "_" || scalar == "$"
    {
      name.append(scalar)
      position += 1
    }
    return String(name)
  }

  private mutating func readDigits(_ accepts: (Unicode.Scalar) -> Bool = Self.isDigit) -> String {
    var digits = ""
    while let scalar = peek(), accepts(scalar) || scalar == "_" && peek(1).map(accepts) == true {
      if scalar != "_" { digits.unicodeScalars.append(scalar) }
      position += 1
    }
    return digits
  }

  private mutating func readNumber() throws(QueryError) -> GremlinToken.Kind {
    let start = position
    if peek() == "0", peek(1) == "x" || peek(1) == "X" {
      position += 2
      let digits = readDigits { $0.properties.isASCIIHexDigit }
      return try integer(digits, radix: 16, start)
    }
    var digits = readDigits()
    var isFloat = false
    if peek() == ".", peek(1).map(Self.isDigit) == true {
      position += 1
      digits += "." + readDigits()
      isFloat = true
    }
    if peek() == "e" || peek() == "E" {
      let signed = peek(1) == "+" || peek(1) == "-"
      if peek(signed ? 2 : 1).map(Self.isDigit) == true {
        digits += signed && peek(1) == "-" ? "e-" : "e"
        position += signed ? 2 : 1
        digits += readDigits()
        isFloat = true
      }
    }
    return isFloat ? try float(digits, start) : try integer(digits, radix: 10, start)
  }

  private mutating func float(_ digits: String, _ start: Int) throws(QueryError) -> GremlinToken.Kind {
    guard let value = Double(digits) else { throw Self.error("'\(digits)' is no number.", start) }
    switch try suffix("dDfFmM", start) {
    case "f", "F": return .float32(Float(digits) ?? Float(value))
    default: return .float(value)
    }
  }

  private mutating func integer(_ digits: String, radix: Int, _ start: Int) throws(QueryError) -> GremlinToken.Kind {
    let suffix = try suffix(radix == 16 ? "lLiInN" : "lLiIdDfFbBsSnNmM", start)
    if let suffix, "dDfFmM".contains(suffix) {
      guard let value = Double(digits) else { throw Self.error("'\(digits)' is no number.", start) }
      return "fF".contains(suffix) ? .float32(Float(value)) : .float(value)
    }
    // The smallest number is written as its negation: the parser negates what wraps here.
    guard let magnitude = UInt64(digits, radix: radix), magnitude <= UInt64(Int64.max) + 1 else {
      throw Self.error("The number \(digits.prefix(40)) needs more than 64 bits.", start)
    }
    let value = Int64(truncatingIfNeeded: magnitude)
    guard let suffix else { return narrow(value) ?? .integer(value) }
    switch suffix {
    case "l", "L", "n", "N": return .integer(value)
    default:
      // The smallest number of 32 bits is this one behind a minus.
      if value == 1 << 31 { return .integer(value) }
      guard let narrow = narrow(value) else {
        throw Self.error("The number \(digits) needs more than 32 bits. Write \(digits)L.", start)
      }
      return narrow
    }
  }

  private func narrow(_ value: Int64) -> GremlinToken.Kind? {
    Int32(exactly: value).map { .integer32($0) }
  }

  /// Reads the letter behind a number.
  private mutating func suffix(_ letters: String, _ start: Int) throws(QueryError) -> Character? {
    guard let scalar = peek(), scalar.properties.isAlphabetic else { return nil }
    let letter = Character(scalar)
    guard letters.contains(letter), peek(1)?.properties.isAlphabetic != true else {
      throw Self.error("A number ends in '\(letter)', which is no type of numbers.", start)
    }
    position += 1
    return letter
  }

  private mutating func readText(_ quote: Unicode.Scalar) throws(QueryError) -> String {
    let start = position
    let isLong = peek(1) == quote && peek(2) == quote
    position += isLong ? 3 : 1
    var text = String.UnicodeScalarView()
    while let scalar = peek() {
      if scalar == quote, !isLong || peek(1) == quote && peek(2) == quote {
        position += isLong ? 3 : 1
        return String(text)
      }
      position += 1
      if scalar == "\\" {
        text.append(try readEscape())
      } else if scalar == "$", quote == "\"", peek() == "{" {
        throw Self.error("Text in double quotes must not contain ${…}. Use bindings.", position - 1)
      } else if scalar == "\n", !isLong {
        break
      } else {
        text.append(scalar)
      }
    }
    throw Self.error("A text does not end. Close it with \(quote).", start)
  }

  private mutating func readEscape() throws(QueryError) -> Unicode.Scalar {
    guard let scalar = peek() else { throw Self.error("A text ends with a backslash.", position) }
    position += 1
    switch scalar {
    case "n": return "\n"
    case "t": return "\t"
    case "r": return "\r"
    case "b": return "\u{8}"
    case "f": return "\u{c}"
    case "u": return try readUnicodeEscape()
    case "\\", "'", "\"", "$", "\n": return scalar
    default: throw Self.error("\\\(scalar) is no escape of a text. Write \\\\ for a backslash.", position - 2)
    }
  }

  private mutating func readUnicodeEscape() throws(QueryError) -> Unicode.Scalar {
    let start = position
    let first = try readCodeUnit(start)
    if 0xD800..<0xDC00 ~= first, peek() == "\\", peek(1) == "u" {
      position += 2
      let second = try readCodeUnit(start)
      if 0xDC00..<0xE000 ~= second,
        let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
      {
        return scalar
      }
    } else if let scalar = Unicode.Scalar(first) {
      return scalar
    }
    throw Self.error("An escape \\u is half of a pair without its other half.", start)
  }

  private mutating func readCodeUnit(_ start: Int) throws(QueryError) -> UInt32 {
    var digits = ""
    while digits.count < 4, let scalar = peek(), scalar.properties.isASCIIHexDigit {
      digits.unicodeScalars.append(scalar)
      position += 1
    }
    guard digits.count == 4, let unit = UInt32(digits, radix: 16) else {
      throw Self.error("An escape \\u needs four hexadecimal digits.", start)
    }
    return unit
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { "0" <= scalar && scalar <= "9" }

  static func error(_ message: String, _ offset: Int) -> QueryError { QueryError(.syntax, message, offset: offset) }
}
