import Glibc

/// The arithmetic operators of Cypher. A null operand makes the result null.
///
/// Whole numbers stay whole, and leaving 64 bits is an error. A floating-point operand makes the result floating-point by the rules
/// of IEEE 754.
public enum Arithmetic {
  /// `+`: the sum of numbers; the concatenation of texts or lists; an element before or behind a list; a duration added.
  public static func add(_ left: Value, _ right: Value) throws(QueryError) -> Value {
    switch (left, right) {
    case (.integer(let left), .integer(let right)):
      return try whole(left.addingReportingOverflow(right), "\(left) + \(right)")
    case (.null, _), (_, .null): return .null
    case (.list, _), (.set, _), (_, .list), (_, .set): return try concatenate(left.elements, right.elements)
    case (.string(let left), .string(let right)): return try concatenate(left, right)
    case (.string(let left), _):
      if let right = plainText(right) { return try concatenate(left, right) }
    case (_, .string(let right)):
      if let left = plainText(left) { return try concatenate(left, right) }
    case (.temporal(let left), .temporal(let right)): return .temporal(try TemporalArithmetic.add(left, right))
    default: break
    }
    return try numbers("+", left, right, whole: { $0.addingReportingOverflow($1) }, real: +)
  }

  /// `-`: the difference of numbers; a duration subtracted.
  public static func subtract(_ left: Value, _ right: Value) throws(QueryError) -> Value {
    if case .temporal(let left) = left, case .temporal(let right) = right {
      return .temporal(try TemporalArithmetic.subtract(left, right))
    }
    return try numbers("-", left, right, whole: { $0.subtractingReportingOverflow($1) }, real: -)
  }

  /// `*`: the product of numbers, or of a duration and a number.
  public static func multiply(_ left: Value, _ right: Value) throws(QueryError) -> Value {
    switch (left, right) {
    case (.temporal(.duration(let duration)), _):
      if let factor = right.number { return .temporal(.duration(try duration.multiplied(by: factor))) }
    case (_, .temporal(.duration(let duration))):
      if let factor = left.number { return .temporal(.duration(try duration.multiplied(by: factor))) }
    default: break
    }
    return try numbers("*", left, right, whole: { $0.multipliedReportingOverflow(by: $1) }, real: *)
  }

  /// `/`: the quotient, of whole numbers rounded toward zero; of a duration and a number.
  /// - Throws: `DivisionByZero` for whole numbers.
  public static func divide(_ left: Value, _ right: Value) throws(QueryError) -> Value {
    if case .temporal(.duration(let duration)) = left, let divisor = right.number {
      return .temporal(.duration(try duration.divided(by: divisor)))
    }
    try rejectZero(left, right)
    return try numbers("/", left, right, whole: { $0.dividedReportingOverflow(by: $1) }, real: /)
  }

  /// `%`: the remainder, with the sign of the dividend.
  /// - Throws: `DivisionByZero` for whole numbers.
  public static func modulo(_ left: Value, _ right: Value) throws(QueryError) -> Value {
    try rejectZero(left, right)
    // The least integer modulo -1 is 0, although the quotient overflows.
    return try numbers(
      "%", left, right, whole: { ($0.remainderReportingOverflow(dividingBy: $1).partialValue, false) },
      real: { fmod($0, $1) })
  }

  /// `^`: the power, always floating-point.
  public static func power(_ left: Value, _ right: Value) throws(QueryError) -> Value {
    if left.isNull || right.isNull { return .null }
    let (base, exponent) = try operands("^", left, right)
    return .float(pow(base.double, exponent.double))
  }

  /// Unary `-`.
  public static func negate(_ value: Value) throws(QueryError) -> Value {
    switch value {
    case .null: return .null
    case .temporal(.duration(let duration)): return .temporal(.duration(try duration.multiplied(by: .whole(-1))))
    default: break
    }
    switch value.number {
    case .whole(let number): return try whole(Int64(0).subtractingReportingOverflow(number), "-(\(number))")
    case .real(let number): return .float(-number)
    case nil: throw .wrongType("Unary -", takes: "a number or a duration", not: value)
    }
  }

  /// Unary `+`.
  public static func plus(_ value: Value) throws(QueryError) -> Value {
    if value.isNull || value.number != nil { return value }
    throw .wrongType("Unary +", takes: "a number", not: value)
  }

  private static func numbers(
    _ symbol: String, _ left: Value, _ right: Value, whole operation: (Int64, Int64) -> (Int64, overflow: Bool),
    real: (Double, Double) -> Double
  ) throws(QueryError) -> Value {
    if left.isNull || right.isNull { return .null }
    let operands = try operands(symbol, left, right)
    if case (.whole(let left), .whole(let right)) = operands {
      return try whole(operation(left, right), "\(left) \(symbol) \(right)")
    }
    return .float(real(operands.0.double, operands.1.double))
  }

  private static func operands(_ symbol: String, _ left: Value, _ right: Value) throws(QueryError) -> (Number, Number) {
    guard let first = left.number, let second = right.number else {
      throw QueryError(
        .type, detail: "InvalidArgumentType",
        "\(symbol) does not take \(left.typeName) and \(right.typeName); convert the operands first")
    }
    return (first, second)
  }

  private static func whole(_ result: (Int64, overflow: Bool), _ operation: @autoclosure () -> String)
    throws(QueryError) -> Value
  {
    if result.overflow { throw .overflow(operation()) }
    return .integer(result.0)
  }

  private static func rejectZero(_ left: Value, _ right: Value) throws(QueryError) {
    if case .whole = left.number, case .whole(0) = right.number {
      throw QueryError(
        .arithmetic, detail: "DivisionByZero",
        "A whole number is divided by zero; use CASE to avoid it, or 0.0 for infinity")
    }
  }

  private static func concatenate(_ left: [Value], _ right: [Value]) throws(QueryError) -> Value {
    if left.count + right.count > ValueLimits.listElements {
      throw .tooLarge("A list of \(left.count + right.count) elements", limit: ValueLimits.listElements)
    }
    return .list(left + right)
  }

  private static func concatenate(_ left: String, _ right: String) throws(QueryError) -> Value {
    if left.utf8.count + right.utf8.count > ValueLimits.textBytes {
      throw .tooLarge("A text of \(left.utf8.count + right.utf8.count) bytes", limit: ValueLimits.textBytes)
    }
    return .string(left + right)
  }

  /// The text that `+` appends to a text; nil for values that it does not append.
  private static func plainText(_ value: Value) -> String? {
    switch value {
    case .boolean, .integer, .float, .integer32, .float32, .temporal: value.plainText
    default: nil
    }
  }
}

extension Value {
  /// The elements of a list or set; for other values the value alone.
  fileprivate var elements: [Value] {
    switch self {
    case .list(let values), .set(let values): values
    default: [self]
    }
  }
}
