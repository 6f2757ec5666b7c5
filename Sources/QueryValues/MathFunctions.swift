import Glibc

/// Functions on numbers.
enum MathFunctions {
  static let all: [Function] =
    [
      Function("abs", 1...1, "(number :: INTEGER | FLOAT) :: INTEGER | FLOAT", "The number without sign.", abs),
      Function("sign", 1...1, "(number :: INTEGER | FLOAT) :: INTEGER", "-1, 0 or 1.", sign),
      Function("isNaN", 1...1, "(number :: INTEGER | FLOAT) :: BOOLEAN", "Whether a number is NaN.", isNaN),
      Function(
        "round", 1...3, "(number :: FLOAT, precision = 0 :: INTEGER, mode = HALF_UP :: STRING) :: FLOAT",
        "The nearest number of so many decimal digits.", round),
      Function("rand", 0...0, "() :: FLOAT", "A random number of at least 0 and below 1.") { _, context in
        .float(context.random.unit())
      },
      Function("e", 0...0, "() :: FLOAT", "The base of natural logarithms.") { _, _ in .float(M_E) },
      Function("pi", 0...0, "() :: FLOAT", "The ratio of a circle's circumference to its diameter.") { _, _ in
        .float(.pi)
      },
      Function("atan2", 2...2, "(y :: FLOAT, x :: FLOAT) :: FLOAT", "The angle of a point in radians.", arcTangent2),
    ] + real

  private static let real: [Function] = [
    function("ceil", "The smallest whole number that is not less.") { $0.rounded(.up) },
    function("floor", "The largest whole number that is not greater.") { $0.rounded(.down) },
    function("sqrt", "The square root.") { $0.squareRoot() },
    function("exp", "The power of e.") { Glibc.exp($0) },
    function("log", "The natural logarithm.") { Glibc.log($0) },
    function("log10", "The logarithm to base 10.") { Glibc.log10($0) },
    function("sin", "The sine of an angle in radians.") { Glibc.sin($0) },
    function("cos", "The cosine of an angle in radians.") { Glibc.cos($0) },
    function("tan", "The tangent of an angle in radians.") { Glibc.tan($0) },
    function("cot", "The cotangent of an angle in radians.") { 1 / Glibc.tan($0) },
    function("asin", "The arc sine in radians.") { Glibc.asin($0) },
    function("acos", "The arc cosine in radians.") { Glibc.acos($0) },
    function("atan", "The arc tangent in radians.") { Glibc.atan($0) },
    function("sinh", "The hyperbolic sine.") { Glibc.sinh($0) },
    function("cosh", "The hyperbolic cosine.") { Glibc.cosh($0) },
    function("tanh", "The hyperbolic tangent.") { Glibc.tanh($0) },
    function("coth", "The hyperbolic cotangent.") { $0 == 0 ? .nan : 1 / Glibc.tanh($0) },
    function("degrees", "Radians in degrees.") { $0 * 180 / .pi },
    function("radians", "Degrees in radians.") { $0 * .pi / 180 },
    function("haversin", "Half the versine of an angle in radians.") { (1 - Glibc.cos($0)) / 2 },
  ]

  private static func function(
    _ name: String, _ summary: String, _ compute: @escaping @Sendable (Double) -> Double
  ) -> Function {
    Function(name, 1...1, "(number :: INTEGER | FLOAT) :: FLOAT", summary) { values, _ throws(QueryError) in
      if values[0].isNull { return .null }
      return .float(compute(try number(values[0], name + "()").double))
    }
  }

  private static func number(_ value: Value, _ function: String) throws(QueryError) -> Number {
    guard let number = value.number else { throw .wrongType(function, takes: "a number", not: value) }
    return number
  }

  @Sendable private static func abs(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    if values[0].isNull { return .null }
    switch try number(values[0], "abs()") {
    case .whole(.min): throw .overflow("abs(\(Int64.min))")
    case .whole(let whole): return .integer(Swift.abs(whole))
    case .real(let real): return .float(real.magnitude)
    }
  }

  @Sendable private static func sign(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    if values[0].isNull { return .null }
    switch try number(values[0], "sign()") {
    case .whole(let whole): return .integer(whole.signum())
    case .real(let real): return .integer(real > 0 ? 1 : real < 0 ? -1 : 0)
    }
  }

  @Sendable private static func isNaN(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    values[0].isNull ? .null : .boolean(try number(values[0], "isNaN()").isNaN)
  }

  @Sendable private static func arcTangent2(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    if values[0].isNull || values[1].isNull { return .null }
    return .float(atan2(try number(values[0], "atan2()").double, try number(values[1], "atan2()").double))
  }

  /// Without precision, ties go towards positive infinity; with it, they are rounded by the mode.
  @Sendable private static func round(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    if values.contains(where: \.isNull) { return .null }
    let value = try number(values[0], "round()").double
    if values.count == 1 || !value.isFinite {
      let down = value.rounded(.down)
      return .float(value - down >= 0.5 ? down + 1 : down)
    }
    guard case .whole(let precision) = values[1].number else {
      throw .wrongType("The precision of round()", takes: "an integer", not: values[1])
    }
    if precision < 0 {
      throw QueryError(
        .argument, detail: "NumberOutOfRange", "The precision of round() is \(precision); use 0 or more decimal digits")
    }
    return .float(DecimalDigits(value).rounded(to: Int(min(precision, 400)), try mode(values)).value)
  }

  private static func mode(_ values: [Value]) throws(QueryError) -> DecimalDigits.Rounding {
    guard values.count == 3 else { return .halfUp }
    guard case .string(let name) = values[2], let mode = DecimalDigits.Rounding(rawValue: name.uppercased()) else {
      throw QueryError(
        .argument, detail: "InvalidArgumentValue",
        "round() has no mode \(values[2].plainText?.prefix(40) ?? "of this type"); use UP, DOWN, CEILING, FLOOR, HALF_UP, "
          + "HALF_DOWN or HALF_EVEN")
    }
    return mode
  }
}

extension DecimalDigits {
  /// How digits are rounded, by Java's names.
  enum Rounding: String {
    case up = "UP"
    case down = "DOWN"
    case ceiling = "CEILING"
    case floor = "FLOOR"
    case halfUp = "HALF_UP"
    case halfDown = "HALF_DOWN"
    case halfEven = "HALF_EVEN"
  }

  /// The number with so many digits behind the point.
  func rounded(to precision: Int, _ mode: Rounding) -> DecimalDigits {
    let kept = exponent + precision
    if kept >= digits.count { return self }
    var result = self
    let first = kept >= 0 ? digits[kept] : 0
    let rest = kept >= 0 ? digits.dropFirst(kept + 1).contains { $0 != 0 } : true
    let last = kept > 0 ? digits[kept - 1] : 0
    result.digits = kept > 0 ? Array(digits.prefix(kept)) : []
    if isIncremented(mode, first, hasRest: rest, isOdd: last % 2 == 1) { result.increment(from: kept) }
    if result.digits.isEmpty { (result.digits, result.exponent) = ([0], 1) }
    return result
  }

  private func isIncremented(_ mode: Rounding, _ first: UInt8, hasRest: Bool, isOdd: Bool) -> Bool {
    let isZero = digits == [0]
    switch mode {
    case .up: return !isZero
    case .down: return false
    case .ceiling: return !isNegative && !isZero
    case .floor: return isNegative && !isZero
    case .halfUp: return first >= 5
    case .halfDown: return first > 5 || (first == 5 && hasRest)
    case .halfEven: return first > 5 || (first == 5 && (hasRest || isOdd))
    }
  }

  /// Adds one to the last digit that is kept; nothing is kept if `kept` is not positive.
  private mutating func increment(from kept: Int) {
    if kept <= 0 {
      (digits, exponent) = ([1], exponent - kept + 1)
      return
    }
    var index = digits.count - 1
    while index >= 0, digits[index] == 9 {
      digits[index] = 0
      index -= 1
    }
    if index >= 0 {
      digits[index] += 1
    } else {
      digits.insert(1, at: 0)
      exponent += 1
    }
  }
}
