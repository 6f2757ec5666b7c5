import QueryAlgebra
import QueryValues

/// Operators, by precedence climbing. From weak to strong: OR, XOR, AND, NOT, comparison, predicates of texts, lists and null,
/// addition, multiplication, power, sign.
extension Parser {
  private enum Precedence {
    static let or = 1
    static let not = 4
    static let comparison = 5
    static let predicate = 6
    static let sum = 7
    static let sign = 10
  }

  mutating func parseExpression() throws(QueryError) -> ExpressionSyntax {
    try nested { (parser) throws(QueryError) in try parser.parseOperators(Precedence.or) }
  }

  private mutating func parseOperators(_ minimum: Int) throws(QueryError) -> ExpressionSyntax {
    var left = try parsePrefix(minimum)
    while let (symbol, precedence) = infixHere, precedence >= minimum {
      left = try parseInfix(symbol, precedence, left)
    }
    return left
  }

  private mutating func parsePrefix(_ minimum: Int) throws(QueryError) -> ExpressionSyntax {
    let start = position
    if take("NOT") {
      let operand = try nested { (parser) throws(QueryError) in try parser.parseOperators(Precedence.not) }
      return try make(.unary(.not, operand), at: start)
    }
    if isAt(.minus) || isAt(.plus) { return try parseSign() }
    return try parsePostfix()
  }

  private mutating func parseSign() throws(QueryError) -> ExpressionSyntax {
    let start = position
    let sign: UnaryOperator = isAt(.minus) ? .negative : .positive
    advance()
    if sign == .negative, case .integer(let magnitude) = token.kind, magnitude == UInt64(Int64.max) + 1 {
      advance()
      return try make(.literal(.integer(.min)), at: start)
    }
    let operand = try nested { (parser) throws(QueryError) in try parser.parsePrefix(Precedence.sign) }
    switch (sign, operand.kind) {
    case (.negative, .literal(.integer(let value))) where value > 0:
      return try make(.literal(.integer(-value)), at: start)
    case (.negative, .literal(.float(let value))): return try make(.literal(.float(-value)), at: start)
    default: return try make(.unary(sign, operand), at: start)
    }
  }

  /// The operator that stands here and its precedence.
  private var infixHere: (BinaryOperator?, Int)? {
    switch token.keyword {
    case "OR": return (.or, 1)
    case "XOR": return (.xor, 2)
    case "AND": return (.and, 3)
    case "STARTS" where peek().keyword == "WITH": return (.startsWith, Precedence.predicate)
    case "ENDS" where peek().keyword == "WITH": return (.endsWith, Precedence.predicate)
    case "CONTAINS": return (.contains, Precedence.predicate)
    case "IN": return (.in, Precedence.predicate)
    case "IS": return (nil, Precedence.predicate)
    default: break
    }
    guard case .symbol(let symbol) = token.kind else { return nil }
    switch symbol {
    case .equal: return (.equal, Precedence.comparison)
    case .notEqual, .bangEqual: return (.notEqual, Precedence.comparison)
    case .less: return (.less, Precedence.comparison)
    case .lessOrEqual: return (.lessOrEqual, Precedence.comparison)
    case .greater: return (.greater, Precedence.comparison)
    case .greaterOrEqual: return (.greaterOrEqual, Precedence.comparison)
    case .matches: return (.matches, Precedence.predicate)
    case .plus: return (.add, Precedence.sum)
    case .minus: return (.subtract, Precedence.sum)
    case .star: return (.multiply, 8)
    case .slash: return (.divide, 8)
    case .percent: return (.modulo, 8)
    case .caret: return (.power, 9)
    default: return nil
    }
  }

  private mutating func parseInfix(_ symbol: BinaryOperator?, _ precedence: Int, _ left: ExpressionSyntax)
    throws(QueryError) -> ExpressionSyntax
  {
    guard let symbol else { return try parseIs(left) }
    if precedence < Precedence.not { return try parseJunction(symbol, precedence, left) }
    if precedence == Precedence.comparison { return try parseComparisons(left) }
    let start = position
    try consumeOperator()
    let right = try parseOperators(precedence + 1)
    return try make(.binary(symbol, left, right), at: start)
  }

  private mutating func consumeOperator() throws(QueryError) {
    if isAt(.bangEqual) {
      throw QueryError(
        .syntax, detail: "UnexpectedSyntax", "Cypher has no operator '!='. Write '<>'.", offset: token.offset)
    }
    if isAt("STARTS") || isAt("ENDS") { advance() }
    advance()
  }

  /// Reads operands of the same logical operator, however many: such chains are long in queries that programs write.
  private mutating func parseJunction(_ symbol: BinaryOperator, _ precedence: Int, _ first: ExpressionSyntax)
    throws(QueryError) -> ExpressionSyntax
  {
    let start = position
    var operands = [first]
    while let (next, _) = infixHere, next == symbol {
      advance()
      operands.append(try parseOperators(precedence + 1))
    }
    return try make(.junction(symbol, operands), at: start)
  }

  private mutating func parseComparisons(_ first: ExpressionSyntax) throws(QueryError) -> ExpressionSyntax {
    let start = position
    var operands = [first]
    var symbols: [BinaryOperator] = []
    while let (symbol, precedence) = infixHere, let symbol, precedence == Precedence.comparison {
      try consumeOperator()
      symbols.append(symbol)
      operands.append(try parseOperators(Precedence.predicate))
    }
    guard symbols.count > 1 else { return try make(.binary(symbols[0], operands[0], operands[1]), at: start) }
    return try make(.comparisons(operands, symbols), at: start)
  }

  private mutating func parseIs(_ operand: ExpressionSyntax) throws(QueryError) -> ExpressionSyntax {
    let start = position
    advance()
    let negated = take("NOT")
    guard take("NULL") else {
      throw unsupported("IS without NULL", at: start, "Use IS NULL, IS NOT NULL, or a label such as n:Label.")
    }
    return try make(.unary(negated ? .isNotNull : .isNull, operand), at: start)
  }

  // MARK: Postfix

  private mutating func parsePostfix() throws(QueryError) -> ExpressionSyntax {
    var base = try parseAtom()
    while true {
      let start = position
      if isAt(.dot) {
        advance()
        base = try make(.property(base, try name("the name of a property").text), at: start)
      } else if isAt(.leftBracket) {
        base = try parseSubscript(base)
      } else if isAt(.colon), case .name = peek().kind {
        base = try parseLabelPredicate(base)
      } else if isAt(.colon), [.symbol(.bang), .symbol(.percent), .symbol(.leftParenthesis)].contains(peek().kind) {
        base = try parseLabelPredicate(base)
      } else {
        return base
      }
    }
  }

  private mutating func parseLabelPredicate(_ base: ExpressionSyntax) throws(QueryError) -> ExpressionSyntax {
    let start = position
    advance()
    return try make(.hasLabels(base, try parseLabels(bars: barsJoinLabels)), at: start)
  }

  private mutating func parseSubscript(_ base: ExpressionSyntax) throws(QueryError) -> ExpressionSyntax {
    let start = position
    advance()
    let from = isAt(.dots) ? nil : try parseExpression()
    if take(.dots) {
      let to = isAt(.rightBracket) ? nil : try parseExpression()
      try expect(.rightBracket)
      return try make(.slice(base, from, to), at: start)
    }
    try expect(.rightBracket)
    guard let from else { throw unexpected("an index") }
    return try make(.subscripted(base, from), at: start)
  }
}
