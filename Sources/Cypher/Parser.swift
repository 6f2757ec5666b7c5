import QueryAlgebra
import QueryValues

/// Reads tokens by recursive descent. Both the depth of the recursion and the height of expressions are bounded, because the
/// text comes from outside.
struct Parser {
  /// The most levels of nesting. In a debug build, so many take up most of the 8 MiB that a thread has.
  static let maximumDepth = 420

  /// The most clauses of a query. Each is an operator or a few of its plan, and operators run inside each other.
  static let maximumClauses = 400
  /// The most nodes and relationships in the patterns of a query.
  static let maximumPatternElements = 800

  let scalars: [Unicode.Scalar]
  let tokens: [Token]
  /// For each opening bracket, the position of its closing one; 0 for all other tokens.
  let closers: [Int]
  var index = 0
  var depth = 0
  private var clauses = 0
  private var patternElements = 0
  /// The height of the tallest expression since the beginning of the subquery.
  var tallest = 0
  /// Whether a bar is an operator of label expressions here, and not the end of a comprehension's part.
  var barsJoinLabels = true
  /// Whether the pattern is one of CREATE, where a parameter may stand for all properties.
  var isCreating = false

  init(_ scalars: [Unicode.Scalar]) throws(QueryError) {
    self.scalars = scalars
    tokens = try Lexer.tokens(of: scalars)
    closers = Parser.matchBrackets(tokens)
  }

  private static func matchBrackets(_ tokens: [Token]) -> [Int] {
    var closers = [Int](repeating: 0, count: tokens.count)
    var open: [(Int, Symbol)] = []
    for (index, token) in tokens.enumerated() {
      guard case .symbol(let symbol) = token.kind else { continue }
      switch symbol {
      case .leftParenthesis: open.append((index, .rightParenthesis))
      case .leftBracket: open.append((index, .rightBracket))
      case .leftBrace: open.append((index, .rightBrace))
      case .rightParenthesis, .rightBracket, .rightBrace:
        guard let last = open.popLast(), last.1 == symbol else { return closers }
        closers[last.0] = index
      default: break
      }
    }
    return closers
  }

  // MARK: Tokens

  var token: Token { tokens[index] }
  var position: Position { Position(token.offset) }

  func peek(_ ahead: Int = 1) -> Token { tokens[min(index + ahead, tokens.count - 1)] }

  func isAt(_ symbol: Symbol) -> Bool { token.kind == .symbol(symbol) }
  func isAt(_ keyword: String) -> Bool { token.keyword == keyword }

  /// Whether keywords stand here, one after the other.
  func isAt(_ first: String, _ second: String) -> Bool { token.keyword == first && peek().keyword == second }

  mutating func advance() { if index < tokens.count - 1 { index += 1 } }

  /// Consumes a symbol if it stands here.
  mutating func take(_ symbol: Symbol) -> Bool {
    guard isAt(symbol) else { return false }
    advance()
    return true
  }

  /// Consumes a keyword if it stands here.
  mutating func take(_ keyword: String) -> Bool {
    guard isAt(keyword) else { return false }
    advance()
    return true
  }

  mutating func expect(_ symbol: Symbol) throws(QueryError) {
    guard take(symbol) else { throw unexpected("'\(symbol.rawValue)'") }
  }

  mutating func expect(_ keyword: String) throws(QueryError) {
    guard take(keyword) else { throw unexpected(keyword) }
  }

  /// Consumes a name of any kind: keywords may be names.
  mutating func name(_ expected: String) throws(QueryError) -> Name {
    guard case .name(let text) = token.kind else { throw unexpected(expected) }
    defer { advance() }
    return Name(text: text, position: position)
  }

  /// The text of the tokens from one to the one before this.
  func text(from start: Int) -> String {
    String(String.UnicodeScalarView(scalars[tokens[start].offset..<tokens[max(start, index - 1)].end]))
  }

  // MARK: Errors and bounds

  func unexpected(_ expected: String) -> QueryError {
    let found =
      switch token.kind {
      case .end: "the query ends"
      default: "'\(String(String.UnicodeScalarView(scalars[token.offset..<min(token.end, token.offset + 40)])))' stands"
      }
    return QueryError(
      .syntax, detail: "UnexpectedSyntax", "The query cannot be read: \(found) where \(expected) is expected.",
      offset: token.offset)
  }

  func unsupported(_ what: String, at position: Position, _ advice: String) -> QueryError {
    QueryError(.unsupported, "\(what) is not supported. \(advice)", offset: position.offset)
  }

  /// Runs a part of the parser one level deeper.
  mutating func nested<Result>(_ body: (inout Parser) throws(QueryError) -> Result) throws(QueryError) -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Parser.maximumDepth else { throw tooDeep() }
    return try body(&self)
  }

  /// Counts a clause.
  mutating func countClause() throws(QueryError) {
    clauses += 1
    guard clauses <= Parser.maximumClauses else { throw tooLong("\(Parser.maximumClauses) clauses") }
  }

  /// Counts a node or a relationship in a pattern that is matched.
  mutating func countPatternElement() throws(QueryError) {
    guard !isCreating else { return }
    patternElements += 1
    guard patternElements <= Parser.maximumPatternElements else {
      throw tooLong("\(Parser.maximumPatternElements) nodes and relationships in patterns")
    }
  }

  private func tooLong(_ what: String) -> QueryError {
    QueryError(.argument, "The query has more than \(what). Split it.", offset: token.offset)
  }

  private func tooDeep() -> QueryError {
    QueryError(
      .argument,
      "The query is nested deeper than \(Parser.maximumDepth) levels. Split it or pass values as parameters.",
      offset: token.offset)
  }

  /// An expression whose height is checked.
  mutating func make(_ kind: ExpressionSyntax.Kind, at position: Position, inner: Int = 0) throws(QueryError)
    -> ExpressionSyntax
  {
    var expression = ExpressionSyntax(kind, at: position, height: 1)
    var height = inner
    for child in expression.children { height = max(height, child.height.levels) }
    height += 1
    expression.height.levels = height
    tallest = max(tallest, height)
    guard height <= Parser.maximumDepth else { throw tooDeep() }
    return expression
  }
}
