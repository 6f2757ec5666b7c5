import QueryAlgebra
import QueryValues

/// Lists and their comprehensions, CASE, quantifiers, `reduce`, and subqueries in expressions.
extension Parser {
  mutating func parseBrackets() throws(QueryError) -> ExpressionSyntax {
    let start = position
    let named = peek(2).kind == .symbol(.equal) && beginsPattern(at: min(index + 3, tokens.count - 1))
    if named || beginsPattern(at: index + 1) { return try parsePatternComprehension(named: named) }
    if case .name = peek().kind, peek(2).keyword == "IN", !hasComma(inBracketsAt: index) {
      advance()
      let inner = try withoutBars { (parser) throws(QueryError) in try parser.parseComprehension(.rightBracket) }
      return try make(.comprehension(inner), at: start)
    }
    advance()
    let bars = barsJoinLabels
    barsJoinLabels = true
    defer { barsJoinLabels = bars }
    var elements: [ExpressionSyntax] = []
    while !isAt(.rightBracket) {
      elements.append(try parseExpression())
      guard take(.comma) else { break }
      guard !isAt(.rightBracket) else { throw unexpected("an expression") }
    }
    try expect(.rightBracket)
    return try make(.list(elements), at: start)
  }

  /// Whether a comma separates elements directly in the brackets that open at a position.
  private func hasComma(inBracketsAt start: Int) -> Bool {
    var position = start + 1
    while position < closers[start] {
      if tokens[position].kind == .symbol(.comma) { return true }
      position = max(position, closers[position]) + 1
    }
    return false
  }

  private mutating func withoutBars<Result>(_ body: (inout Parser) throws(QueryError) -> Result) throws(QueryError)
    -> Result
  {
    let bars = barsJoinLabels
    barsJoinLabels = false
    defer { barsJoinLabels = bars }
    return try body(&self)
  }

  /// Reads `variable IN list WHERE filter | result` and the closing sign.
  private mutating func parseComprehension(_ end: Symbol) throws(QueryError) -> ComprehensionSyntax {
    let variable = try name("a variable")
    try expect("IN")
    var inner = ComprehensionSyntax(variable: variable, list: try parseExpression())
    inner.filter = try parseWhere()
    if end == .rightBracket, take(.bar) { inner.result = try parseExpression() }
    try expect(end)
    return inner
  }

  private mutating func parsePatternComprehension(named: Bool) throws(QueryError) -> ExpressionSyntax {
    let start = position
    advance()
    return try nested { (parser) throws(QueryError) in
      try parser.withoutBars { (parser) throws(QueryError) in
        var variable: Name?
        if named {
          variable = try parser.name("a variable")
          parser.advance()
        }
        var part = try parser.parseChain()
        part.name = variable
        let filter = try parser.parseWhere()
        try parser.expect(.bar)
        let result = try parser.parseExpression()
        try parser.expect(.rightBracket)
        let inner = max(filter?.height.levels ?? 0, result.height.levels)
        return try parser.make(.patternComprehension(part, filter: filter, result: result), at: start, inner: inner)
      }
    }
  }

  mutating func parseQuantifier() throws(QueryError) -> ExpressionSyntax {
    let start = position
    guard let quantifier = Quantifier(rawValue: token.keyword.lowercased()) else { throw unexpected("a quantifier") }
    advance()
    advance()
    let inner = try parseComprehension(.rightParenthesis)
    guard inner.filter != nil else {
      throw QueryError(
        .syntax, detail: "UnexpectedSyntax",
        "\(quantifier.rawValue)() needs a condition: \(quantifier.rawValue)(x IN list WHERE condition).",
        offset: start.offset)
    }
    return try make(.quantifier(quantifier, inner), at: start)
  }

  mutating func parseReduce() throws(QueryError) -> ExpressionSyntax {
    let start = position
    advance()
    advance()
    return try withoutBars { (parser) throws(QueryError) in
      let accumulator = try parser.name("a variable")
      try parser.expect(.equal)
      let initial = try parser.parseExpression()
      try parser.expect(.comma)
      let variable = try parser.name("a variable")
      try parser.expect("IN")
      let list = try parser.parseExpression()
      try parser.expect(.bar)
      let step = try parser.parseExpression()
      try parser.expect(.rightParenthesis)
      let reduce = ReduceSyntax(accumulator: accumulator, initial: initial, variable: variable, list: list, step: step)
      return try parser.make(.reduce(reduce), at: start)
    }
  }

  mutating func parseCase() throws(QueryError) -> ExpressionSyntax {
    let start = position
    advance()
    let subject = isAt("WHEN") ? nil : try parseExpression()
    var alternatives: [AlternativeSyntax] = []
    while take("WHEN") {
      let when = try parseExpression()
      try expect("THEN")
      alternatives.append(AlternativeSyntax(when: when, then: try parseExpression()))
    }
    guard !alternatives.isEmpty else { throw unexpected("WHEN") }
    let otherwise = take("ELSE") ? try parseExpression() : nil
    try expect("END")
    return try make(.alternatives(subject, alternatives, otherwise), at: start)
  }

  /// Reads `EXISTS { … }`, `COUNT { … }` or `COLLECT { … }`. The body is a query or a pattern with a condition.
  mutating func parseSubqueryExpression(_ kind: SubqueryKind) throws(QueryError) -> ExpressionSyntax {
    let start = position
    advance()
    advance()
    let outer = (tallest, barsJoinLabels)
    tallest = 0
    barsJoinLabels = true
    let query = try nested { (parser) throws(QueryError) in try parser.parseSubqueryBody(kind) }
    try expect(.rightBrace)
    let inner = tallest
    (tallest, barsJoinLabels) = outer
    return try make(.subquery(kind, query), at: start, inner: inner)
  }

  private mutating func parseSubqueryBody(_ kind: SubqueryKind) throws(QueryError) -> QuerySyntax {
    let start = position
    let isPattern = isAt(.leftParenthesis) || peek().kind == .symbol(.equal) || shortestHere != nil
    guard isPattern else { return try parseQuery() }
    guard kind != .collect else { throw unexpected("a query that ends with RETURN") }
    var match = MatchSyntax(parts: try parsePattern(), position: start)
    match.filter = try parseWhere()
    return QuerySyntax(branches: [BranchSyntax(clauses: [.match(match)], position: start)])
  }
}
