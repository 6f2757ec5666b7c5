import QueryValues

/// Cuts the text of a query into tokens, and leaves blanks and comments out.
struct Lexer {
  let scalars: [Unicode.Scalar]
  var index = 0
  private var tokens: [Token] = []

  init(_ scalars: [Unicode.Scalar]) { self.scalars = scalars }

  /// The tokens of a text; the last one is the end.
  static func tokens(of scalars: [Unicode.Scalar]) throws(QueryError) -> [Token] {
    var lexer = Lexer(scalars)
    try lexer.run()
    return lexer.tokens
  }

  private mutating func run() throws(QueryError) {
    while true {
      try skipBlanks()
      let start = index
      guard let scalar = peek() else { break }
      let kind = try read(scalar)
      tokens.append(Token(kind: kind, offset: start, end: index))
      if case .name(let name) = kind, scalar != "`" { tokens[tokens.count - 1].keyword = name.uppercased() }
    }
    tokens.append(Token(kind: .end, offset: scalars.count, end: scalars.count))
  }

  private mutating func read(_ scalar: Unicode.Scalar) throws(QueryError) -> Token.Kind {
    switch scalar {
    case "'", "\"": return .string(try quotedText(scalar))
    case "`": return .name(try quotedName())
    case "$": return try parameter()
    case "0"..."9": return number()
    case ".": if let next = peek(1), ("0"..."9").contains(next), !followsName { return number() }
    default: if scalar.beginsName { return .name(plainName()) }
    }
    return .symbol(try symbol(scalar))
  }

  /// Whether a name or a closing bracket stands directly before, so that a dot begins no number.
  private var followsName: Bool {
    guard let last = tokens.last, last.end == index else { return false }
    switch last.kind {
    case .name, .parameter, .symbol(.rightParenthesis), .symbol(.rightBracket), .symbol(.rightBrace): return true
    default: return false
    }
  }

  private mutating func symbol(_ scalar: Unicode.Scalar) throws(QueryError) -> Symbol {
    if let next = peek(1), let symbol = Symbol(rawValue: String(String.UnicodeScalarView([scalar, next]))) {
      index += 2
      return symbol
    }
    guard let symbol = Symbol(rawValue: String(scalar)) else {
      let detail = scalar.isASCII ? "UnexpectedSyntax" : "InvalidUnicodeCharacter"
      throw QueryError(
        .syntax, detail: detail, "The character '\(scalar)' has no meaning in Cypher. Remove it or quote the text.",
        offset: index)
    }
    index += 1
    return symbol
  }

  private mutating func parameter() throws(QueryError) -> Token.Kind {
    guard let next = peek(1), next == "`" || next.continuesName else { return .symbol(try symbol("$")) }
    index += 1
    return .parameter(next == "`" ? try quotedName() : plainName())
  }

  mutating func plainName() -> String {
    let start = index
    while let scalar = peek(), scalar.continuesName { index += 1 }
    return String(String.UnicodeScalarView(scalars[start..<index]))
  }

  /// A name in backquotes; two backquotes stand for one.
  private mutating func quotedName() throws(QueryError) -> String {
    let start = index
    index += 1
    var name = String.UnicodeScalarView()
    while let scalar = peek() {
      index += 1
      if scalar == "`" {
        guard peek() == "`" else { return String(name) }
        index += 1
      }
      name.append(scalar)
    }
    throw unterminated("The name in backquotes", start)
  }

  private mutating func skipBlanks() throws(QueryError) {
    while let scalar = peek() {
      if scalar.isBlank {
        index += 1
      } else if scalar == "/", peek(1) == "/" {
        while let scalar = peek(), scalar != "\n" { index += 1 }
      } else if scalar == "/", peek(1) == "*" {
        try skipComment()
      } else {
        return
      }
    }
  }

  private mutating func skipComment() throws(QueryError) {
    let start = index
    index += 2
    while peek() != nil {
      if peek() == "*", peek(1) == "/" {
        index += 2
        return
      }
      index += 1
    }
    throw unterminated("The comment", start)
  }

  func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
    index + ahead < scalars.count ? scalars[index + ahead] : nil
  }

  func unterminated(_ what: String, _ start: Int) -> QueryError {
    QueryError(.syntax, detail: "UnexpectedSyntax", "\(what) has no end. Close it.", offset: start)
  }
}

extension Unicode.Scalar {
  fileprivate var isBlank: Bool {
    isASCII ? self == " " || (value >= 9 && value <= 13) || (value >= 28 && value <= 31) : properties.isWhitespace
  }

  fileprivate var beginsName: Bool {
    switch self {
    case "a"..."z", "A"..."Z", "_": true
    default: !isASCII && properties.isIDStart
    }
  }

  fileprivate var continuesName: Bool {
    switch self {
    case "a"..."z", "A"..."Z", "_", "0"..."9": true
    default: !isASCII && properties.isIDContinue
    }
  }
}
