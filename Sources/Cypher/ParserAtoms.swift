import QueryAlgebra
import QueryValues

/// Literals, variables, calls, and what stands in brackets.
extension Parser {
  /// Keywords that no variable has as a name without backquotes: an expression that misses there is a mistake.
  private static let reserved: Set<String> = [
    "AND", "AS", "DISTINCT", "ELSE", "IN", "MATCH", "OR", "RETURN", "THEN", "UNION", "UNWIND", "WHEN", "WHERE", "WITH",
    "XOR",
  ]

  mutating func parseAtom() throws(QueryError) -> ExpressionSyntax {
    let start = position
    switch token.kind {
    case .integer, .float, .malformedNumber: return try parseNumber()
    case .string(let text):
      advance()
      return try make(.literal(.string(text)), at: start)
    case .parameter(let name):
      advance()
      return try make(.parameter(name), at: start)
    case .symbol(.leftBrace): return try parseMap()
    case .symbol(.leftBracket): return try parseBrackets()
    case .symbol(.leftParenthesis): return try parseParentheses()
    case .name: return try parseNamed()
    case .symbol, .end: throw unexpected("an expression")
    }
  }

  private mutating func parseNumber() throws(QueryError) -> ExpressionSyntax {
    let start = position
    switch token.kind {
    case .integer(let magnitude):
      guard let magnitude, let value = Int64(exactly: magnitude) else {
        throw QueryError(
          .syntax, detail: "IntegerOverflow",
          "The whole number does not fit into 64 bits. Write it as a floating-point number or a text.",
          offset: start.offset)
      }
      advance()
      return try make(.literal(.integer(value)), at: start)
    case .float(let value):
      guard value.isFinite else {
        throw QueryError(
          .syntax, detail: "FloatingPointOverflow", "The number is too large for a floating-point number of 64 bits.",
          offset: start.offset)
      }
      advance()
      return try make(.literal(.float(value)), at: start)
    default:
      throw QueryError(
        .syntax, detail: "InvalidNumberLiteral",
        "The number is malformed. Write digits, 0x and hexadecimal digits, or 0o and octal digits.",
        offset: start.offset)
    }
  }

  mutating func parseMap() throws(QueryError) -> ExpressionSyntax {
    let start = position
    try expect(.leftBrace)
    var entries: [EntrySyntax] = []
    while !isAt(.rightBrace) {
      let key = try name("a key")
      try expect(.colon)
      entries.append(EntrySyntax(key: key.text, value: try parseExpression()))
      guard take(.comma) else { break }
      guard !isAt(.rightBrace) else { throw unexpected("a key") }
    }
    try expect(.rightBrace)
    return try make(.map(entries), at: start)
  }

  // MARK: Parentheses

  private mutating func parseParentheses() throws(QueryError) -> ExpressionSyntax {
    if beginsPattern(at: index) {
      let start = position
      return try make(.pattern(try nested { (parser) throws(QueryError) in try parser.parseChain() }), at: start)
    }
    advance()
    let bars = barsJoinLabels
    barsJoinLabels = true
    defer { barsJoinLabels = bars }
    let inner = try parseExpression()
    try expect(.rightParenthesis)
    return inner
  }

  /// Whether a node pattern followed by a relationship stands at a position: looks at the tokens behind the closing parenthesis.
  func beginsPattern(at start: Int) -> Bool {
    guard tokens[start].kind == .symbol(.leftParenthesis), closers[start] > 0 else { return false }
    switch tokens[start + 1].kind {
    case .name, .symbol(.colon), .symbol(.rightParenthesis), .symbol(.leftBrace): break
    default: return false
    }
    var next = closers[start] + 1
    if symbol(at: next) == .less { next += 1 }
    guard symbol(at: next) == .minus else { return false }
    next += 1
    if symbol(at: next) == .leftBracket {
      guard closers[next] > 0 else { return false }
      next = closers[next] + 1
    } else if tokens[next].offset != tokens[next - 1].end {
      return false
    }
    guard symbol(at: next) == .minus else { return false }
    next += 1
    if symbol(at: next) == .greater { next += 1 }
    return symbol(at: next) == .leftParenthesis
  }

  private func symbol(at position: Int) -> Symbol? {
    guard position < tokens.count, case .symbol(let symbol) = tokens[position].kind else { return nil }
    return symbol
  }

  // MARK: Names

  private mutating func parseNamed() throws(QueryError) -> ExpressionSyntax {
    let start = position
    switch token.keyword {
    case "TRUE", "FALSE":
      let value = isAt("TRUE")
      advance()
      return try make(.literal(.boolean(value)), at: start)
    case "NULL":
      advance()
      return try make(.literal(.null), at: start)
    case "CASE" where !isName(behind: index): return try parseCase()
    case "EXISTS", "COUNT", "COLLECT":
      if peek().kind == .symbol(.leftBrace), let kind = SubqueryKind(rawValue: token.keyword) {
        return try parseSubqueryExpression(kind)
      }
    case "ALL", "ANY", "NONE", "SINGLE":
      if peek().kind == .symbol(.leftParenthesis), peek(3).keyword == "IN" { return try parseQuantifier() }
    case "REDUCE": if peek().kind == .symbol(.leftParenthesis) { return try parseReduce() }
    case "SHORTESTPATH", "ALLSHORTESTPATHS":
      if let shortest = shortestHere { return try make(.pattern(try parseShortest(shortest)), at: start) }
    default: break
    }
    if let call = try parseCallExpression() { return call }
    guard !Parser.reserved.contains(token.keyword) else { throw unexpected("an expression") }
    let variable = try make(.variable(try name("a variable").text), at: start)
    return isAt(.leftBrace) ? try parseMapProjection(variable) : variable
  }

  /// Whether the name at a position is a variable called like a keyword: nothing of the keyword's clause follows.
  private func isName(behind position: Int) -> Bool {
    switch peek().kind {
    case .symbol(.dot), .symbol(.rightParenthesis), .symbol(.comma), .symbol(.rightBracket), .end: true
    default: false
    }
  }

  /// Reads a call if a name, or names joined by dots, and a parenthesis stand here.
  private mutating func parseCallExpression() throws(QueryError) -> ExpressionSyntax? {
    var ahead = 1
    while peek(ahead).kind == .symbol(.dot), case .name = peek(ahead + 1).kind { ahead += 2 }
    guard peek(ahead).kind == .symbol(.leftParenthesis) else { return nil }
    let start = position
    var call = CallSyntax(name: try parseDottedName().lowercased(), arguments: [])
    advance()
    let bars = barsJoinLabels
    barsJoinLabels = true
    defer { barsJoinLabels = bars }
    if call.name == "count", isAt(.star) {
      advance()
      call.star = true
      try expect(.rightParenthesis)
    } else {
      call.distinct = take("DISTINCT")
      call.arguments = try parseArguments()
    }
    return try make(.call(call), at: start)
  }

  private mutating func parseMapProjection(_ variable: ExpressionSyntax) throws(QueryError) -> ExpressionSyntax {
    let start = variable.position
    advance()
    var items: [MapProjectionItem] = []
    while !isAt(.rightBrace) {
      items.append(try parseMapProjectionItem())
      guard take(.comma) else { break }
    }
    try expect(.rightBrace)
    return try make(.projection(variable, items), at: start)
  }

  private mutating func parseMapProjectionItem() throws(QueryError) -> MapProjectionItem {
    if take(.dot) { return take(.star) ? .all : .property(try name("a property").text) }
    let key = try name("a key")
    if take(.colon) { return .entry(EntrySyntax(key: key.text, value: try parseExpression())) }
    return .entry(EntrySyntax(key: key.text, value: try make(.variable(key.text), at: key.position)))
  }
}
