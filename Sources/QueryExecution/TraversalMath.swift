import Glibc
import QueryAlgebra
import QueryValues

/// Formulas.
extension TraversalRunner {
  func math(_ expression: MathExpression, _ by: [Projection], _ traverser: Traverser) throws(QueryError) -> Value? {
    var values: [String: Double] = [:]
    for (position, name) in expression.variables.enumerated() {
      var object = traverser
      if name != "_" {
        guard let value = try scoped(name, .last, traverser) else {
          throw QueryError(.argument, "math() reads '\(name)', which no step labels. Use as('\(name)').")
        }
        object = traverser.with(value)
      }
      guard let value = try project(by.isEmpty ? .identity : by[position % by.count], object) else { return nil }
      guard let number = value.number else {
        throw QueryError(
          .type, "math() computes with numbers, but '\(name)' is \(value.typeName). Use by() to choose one.")
      }
      values[name] = number.double
    }
    return .float(expression.value(values))
  }
}

extension MathExpression {
  fileprivate func value(_ variables: [String: Double]) -> Double {
    switch self {
    case .number(let number): return number
    case .variable(let name): return variables[name] ?? .nan
    case .call(let function, let operands):
      let values = operands.map { $0.value(variables) }
      return values.count == 2 ? function.apply(values[0], values[1]) : function.apply(values[0])
    }
  }
}

extension MathFunction {
  fileprivate func apply(_ left: Double, _ right: Double) -> Double {
    switch self {
    case .add: left + right
    case .subtract: left - right
    case .multiply: left * right
    case .divide: left / right
    case .remainder: fmod(left, right)
    case .power: Glibc.pow(left, right)
    default: .nan
    }
  }

  fileprivate func apply(_ value: Double) -> Double {
    switch self {
    case .negate: -value
    case .abs: Swift.abs(value)
    case .acos: Glibc.acos(value)
    case .asin: Glibc.asin(value)
    case .atan: Glibc.atan(value)
    case .cbrt: Glibc.cbrt(value)
    case .ceil: value.rounded(.up)
    case .cos: Glibc.cos(value)
    case .cosh: Glibc.cosh(value)
    case .exp: Glibc.exp(value)
    case .expm1: Glibc.expm1(value)
    case .floor: value.rounded(.down)
    case .log: Glibc.log(value)
    case .log10: Glibc.log10(value)
    case .log1p: Glibc.log1p(value)
    case .log2: Glibc.log2(value)
    case .signum: value > 0 ? 1 : value < 0 ? -1 : value
    case .sin: Glibc.sin(value)
    case .sinh: Glibc.sinh(value)
    case .sqrt: value.squareRoot()
    case .tan: Glibc.tan(value)
    case .tanh: Glibc.tanh(value)
    default: .nan
    }
  }
}

extension Double {
  /// The natural logarithm.
  var logarithm: Double { Glibc.log(self) }
}
