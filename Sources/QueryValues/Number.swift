/// A number of any width, whole or real: the one view of the four numeric cases of `Value`.
public enum Number: Sendable {
  /// A whole number.
  case whole(Int64)
  /// A floating-point number.
  case real(Double)

  /// The nearest floating-point number.
  public var double: Double {
    switch self {
    case .whole(let value): Double(value)
    case .real(let value): value
    }
  }

  /// Whether the number is NaN.
  public var isNaN: Bool {
    if case .real(let value) = self { value.isNaN } else { false }
  }

  /// Compares exactly, without rounding whole numbers to floating point; `unordered` with NaN.
  public static func compare(_ left: Number, _ right: Number) -> Comparison {
    switch (left, right) {
    case (.whole(let left), .whole(let right)): Comparison(left, right)
    case (.real(let left), .real(let right)): Comparison(left, right)
    case (.whole(let left), .real(let right)): compare(left, right)
    case (.real(let left), .whole(let right)): compare(right, left).reversed
    }
  }

  private static func compare(_ whole: Int64, _ real: Double) -> Comparison {
    if real.isNaN { return .unordered }
    // 2^63 is a Double; every Double below it and not below -2^63 has a whole part that is an Int64.
    if real >= 0x1p63 { return .less }
    if real < -0x1p63 { return .greater }
    let truncated = real.rounded(.towardZero)
    let part = Comparison(whole, Int64(truncated))
    return part == .equal ? Comparison(truncated, real) : part
  }
}

/// How two values of one type stand to each other.
public enum Comparison: Sendable {
  /// The first value is smaller.
  case less
  /// The values are equal.
  case equal
  /// The first value is larger.
  case greater
  /// One of them is NaN, which is neither smaller than, equal to, nor larger than anything.
  case unordered

  /// Compares two values by their own operators.
  @inlinable public init<T: Comparable>(_ left: T, _ right: T) {
    self = left < right ? .less : left > right ? .greater : left == right ? .equal : .unordered
  }

  /// The comparison with the operands exchanged.
  public var reversed: Comparison {
    switch self {
    case .less: .greater
    case .greater: .less
    case .equal, .unordered: self
    }
  }

  /// This comparison, or the next criterion's if this one finds the values equal.
  @inlinable public func then(_ next: @autoclosure () -> Comparison) -> Comparison { self == .equal ? next() : self }
}

extension Value {
  /// The number that the value is; nil for values that are no numbers.
  public var number: Number? {
    switch self {
    case .integer(let value): .whole(value)
    case .float(let value): .real(value)
    case .integer32(let value): .whole(Int64(value))
    case .float32(let value): .real(Double(value))
    default: nil
    }
  }

  /// Whether the value is null.
  @inlinable public var isNull: Bool {
    if case .null = self { true } else { false }
  }
}
