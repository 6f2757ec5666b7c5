import QueryAlgebra
import QueryValues

extension ExpressionEvaluator {
  func apply(_ operation: UnaryOperator, _ operand: Value) throws(QueryError) -> Value {
    switch operation {
    case .not: try Logic.not(operand)
    case .negative: try Arithmetic.negate(operand)
    case .positive: try Arithmetic.plus(operand)
    case .isNull: .boolean(operand.isNull)
    case .isNotNull: .boolean(!operand.isNull)
    }
  }

  func apply(_ operation: BinaryOperator, _ left: Expression, _ right: Expression) throws(QueryError) -> Value {
    let first = try evaluate(left)
    // The second operand is not evaluated if the first one decides.
    switch (operation, first) {
    case (.and, .boolean(false)): return .boolean(false)
    case (.or, .boolean(true)): return .boolean(true)
    default: return try apply(operation, first, try evaluate(right))
    }
  }

  private func apply(_ operation: BinaryOperator, _ left: Value, _ right: Value) throws(QueryError) -> Value {
    switch operation {
    case .and: try Logic.and(left, right)
    case .or: try Logic.or(left, right)
    case .xor: try Logic.xor(left, right)
    case .equal: Value(truth: left.equals(right))
    case .notEqual: Value(truth: left.equals(right).map { !$0 })
    case .less: Value(truth: Value.isLess(left, right))
    case .lessOrEqual: Value(truth: Value.isLessOrEqual(left, right))
    case .greater: Value(truth: Value.isLess(right, left))
    case .greaterOrEqual: Value(truth: Value.isLessOrEqual(right, left))
    case .add: try Arithmetic.add(left, right)
    case .subtract: try Arithmetic.subtract(left, right)
    case .multiply: try Arithmetic.multiply(left, right)
    case .divide: try Arithmetic.divide(left, right)
    case .modulo: try Arithmetic.modulo(left, right)
    case .power: try Arithmetic.power(left, right)
    case .in: try Lists.membership(left, right)
    case .startsWith: Texts.startsWith(left, right)
    case .endsWith: Texts.endsWith(left, right)
    case .contains: Texts.contains(left, right)
    case .matches: try Texts.matches(left, right)
    }
  }
}
