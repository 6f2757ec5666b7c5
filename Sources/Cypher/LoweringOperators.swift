import QueryAlgebra
import QueryValues

/// Operators.
extension Lowering {
  mutating func lowerUnary(_ symbol: UnaryOperator, _ operand: ExpressionSyntax, _ context: Context)
    throws(QueryError) -> Typed
  {
    let value = try lower(operand, context, isCondition: symbol == .not)
    switch symbol {
    case .not:
      try requireBoolean(value, "NOT", operand.position)
      return Typed(.unary(.not, value.expression), .boolean)
    case .isNull, .isNotNull: return Typed(.unary(symbol, value.expression), .boolean)
    case .negative, .positive:
      try requireNumber(value, "The operand of a sign", operand.position)
      return Typed(.unary(symbol, value.expression), value.type)
    }
  }

  private func requireBoolean(_ value: Typed, _ symbol: String, _ position: Position) throws(QueryError) {
    switch value.type {
    case .any, .null, .boolean: return
    default: throw invalidType("An operand of \(symbol)", "a boolean", value.type, position)
    }
  }

  private func requireNumber(_ value: Typed, _ what: String, _ position: Position) throws(QueryError) {
    switch value.type {
    case .any, .null, .integer, .float: return
    default: throw invalidType(what, "a number", value.type, position)
    }
  }

  /// Lowers a chain of logical operators to a balanced tree: a long chain must not make a deep one.
  mutating func lowerJunction(_ symbol: BinaryOperator, _ operands: [ExpressionSyntax], _ context: Context)
    throws(QueryError) -> Typed
  {
    var values: [Expression] = []
    for operand in operands {
      let value = try lower(operand, context, isCondition: true)
      try requireBoolean(value, symbol.rawValue.uppercased(), operand.position)
      values.append(value.expression)
    }
    return Typed(Lowering.balanced(symbol, values[...]), .boolean)
  }

  /// A tree of an associative operator, as low as it can be, with its operands in order.
  static func balanced(_ symbol: BinaryOperator, _ values: ArraySlice<Expression>) -> Expression {
    if values.count == 1, let value = values.first { return value }
    let middle = values.startIndex + values.count / 2
    return .binary(symbol, balanced(symbol, values[..<middle]), balanced(symbol, values[middle...]))
  }

  /// Lowers `a < b < c` to `a < b AND b < c`. An operand in the middle is evaluated once: nested chains would otherwise take
  /// time that doubles with each level.
  mutating func lowerComparisons(_ operands: [ExpressionSyntax], _ symbols: [BinaryOperator], _ context: Context)
    throws(QueryError) -> Typed
  {
    var values: [Expression] = []
    var once: [(slot: Int, value: Expression)] = []
    for (index, operand) in operands.enumerated() {
      let value = try lower(operand, context).expression
      if index == 0 || index == operands.count - 1 || value.isCheap {
        values.append(value)
      } else {
        let slot = newSlot()
        once.append((slot, value))
        values.append(.slot(slot))
      }
    }
    let pairs = symbols.indices.map { Expression.binary(symbols[$0], values[$0], values[$0 + 1]) }
    var result = Lowering.balanced(.and, pairs[...])
    for (slot, value) in once {
      let single = Expression.comprehension(slot: slot, list: .list([value]), filter: nil, result: result)
      result = .subscripted(single, .literal(.integer(0)))
    }
    return Typed(result, .boolean)
  }

  mutating func lowerBinary(
    _ symbol: BinaryOperator, _ left: ExpressionSyntax, _ right: ExpressionSyntax, _ context: Context,
    _ position: Position
  ) throws(QueryError) -> Typed {
    let first = try lower(left, context)
    let second = try lower(right, context)
    return Typed(
      .binary(symbol, first.expression, second.expression), try resultType(symbol, first, second, position))
  }

  private func resultType(_ symbol: BinaryOperator, _ left: Typed, _ right: Typed, _ position: Position)
    throws(QueryError) -> CypherType
  {
    switch symbol {
    case .in:
      switch right.type {
      case .any, .null, .list: return .boolean
      default: throw invalidType("The right operand of IN", "a list", right.type, position)
      }
    case .add: return typeOfSum(left.type, right.type)
    case .subtract, .multiply, .divide, .modulo, .power:
      for operand in [left, right] { try requireNumber(operand, "An operand of arithmetic", position) }
      if symbol == .power { return left.type == .any || right.type == .any ? .any : .float }
      return typeOfArithmetic(left.type, right.type)
    default: return .boolean
    }
  }

  private func typeOfArithmetic(_ left: CypherType, _ right: CypherType) -> CypherType {
    switch (left, right) {
    case (.integer, .integer): .integer
    case (.float, .float), (.float, .integer), (.integer, .float): .float
    default: .any
    }
  }

  private func typeOfSum(_ left: CypherType, _ right: CypherType) -> CypherType {
    switch (left, right) {
    case (.list(let first), .list(let second)): .list(first.joined(with: second))
    case (.list, _), (_, .list): .list(.any)
    case (.string, .string), (.string, .integer), (.integer, .string), (.string, .float), (.float, .string): .string
    default: typeOfArithmetic(left, right)
    }
  }
}

extension Expression {
  /// Whether the expression costs next to nothing, so that it may be evaluated twice.
  fileprivate var isCheap: Bool {
    switch self {
    case .literal, .parameter, .slot: true
    case .property(.slot, _): true
    default: false
    }
  }
}
