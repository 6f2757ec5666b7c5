import QueryValues

/// A function of a text.
public enum TextFunction: Sendable {
  /// The text of any value.
  case asString
  /// The number of characters, in units of UTF-16.
  case length
  /// In lower case.
  case toLower
  /// In upper case.
  case toUpper
  /// Without spaces at both ends.
  case trim
  /// Without spaces at the start.
  case trimStart
  /// Without spaces at the end.
  case trimEnd
  /// From the end to the start; of lists, too.
  case reverse
  /// With each occurrence of a text replaced; null for none.
  case replace(String?, String?)
  /// Its parts between separators; nil for runs of white space.
  case split(String?)
  /// A part from a position to another one, which is excluded; negative positions count from the end.
  case substring(Int64, Int64?)
}

/// A function of two lists.
public enum ListFunction: String, Sendable {
  /// The elements of the first and then of the second.
  case combine
  /// The elements of the first that the second has not.
  case difference
  /// The elements that only one has.
  case disjunct
  /// The elements that both have.
  case intersect
  /// The elements of both, without repetition; of maps the entries of both.
  case merge
  /// The pairs of an element of each.
  case product
}

/// A function of a point in time.
public enum DateFunction: Sendable {
  /// The point in time that a text or a number of milliseconds means.
  case parse
  /// A point in time later by a number of units.
  case add(DateUnit, Int64)
  /// The seconds from another point in time.
  case difference(Operand)
}

/// A unit of time.
public enum DateUnit: String, Sendable {
  /// A second.
  case second
  /// A minute.
  case minute
  /// An hour.
  case hour
  /// A day.
  case day
}

/// A formula of `math`.
public indirect enum MathExpression: Sendable {
  /// A number.
  case number(Double)
  /// The object of a label; `_` is the object itself.
  case variable(String)
  /// A function or an operator with its operands.
  case call(MathFunction, [MathExpression])

  /// The variables in the order of their first use.
  public var variables: [String] {
    switch self {
    case .number: []
    case .variable(let name): [name]
    case .call(_, let operands):
      operands.reduce(into: []) { names, operand in
        for name in operand.variables where !names.contains(name) { names.append(name) }
      }
    }
  }
}

/// A function or an operator of a formula.
public enum MathFunction: String, Sendable, CaseIterable {
  // Operators.
  /// The sum.
  case add = "+"
  /// The difference.
  case subtract = "-"
  /// The product.
  case multiply = "*"
  /// The quotient.
  case divide = "/"
  /// The remainder.
  case remainder = "%"
  /// The power.
  case power = "^"
  /// The number with the other sign.
  case negate = "neg"
  // Functions.
  /// The absolute value.
  case abs
  /// The arc cosine.
  case acos
  /// The arc sine.
  case asin
  /// The arc tangent.
  case atan
  /// The cubic root.
  case cbrt
  /// The next whole number above.
  case ceil
  /// The cosine.
  case cos
  /// The hyperbolic cosine.
  case cosh
  /// The power of e.
  case exp
  /// The power of e, less 1.
  case expm1
  /// The next whole number below.
  case floor
  /// The natural logarithm.
  case log
  /// The logarithm to base 10.
  case log10
  /// The natural logarithm of a number and 1.
  case log1p
  /// The logarithm to base 2.
  case log2
  /// The sign.
  case signum
  /// The sine.
  case sin
  /// The hyperbolic sine.
  case sinh
  /// The square root.
  case sqrt
  /// The tangent.
  case tan
  /// The hyperbolic tangent.
  case tanh
}
