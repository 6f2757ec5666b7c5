import QueryAlgebra
import QueryValues

extension BinaryFunction {
  /// The result for two values. Whole numbers keep their width if the result fits into it.
  func apply(_ left: Value, _ right: Value) throws(QueryError) -> Value {
    switch self {
    case .assign: return right
    case .and:
      guard case .boolean(let left) = left, case .boolean(let right) = right else { throw wrongTypes(left, right) }
      return .boolean(left && right)
    case .or:
      guard case .boolean(let left) = left, case .boolean(let right) = right else { throw wrongTypes(left, right) }
      return .boolean(left || right)
    case .addAll: return try addAll(left, right)
    case .min, .max: return try extreme(left, right)
    case .sum, .sumLong, .minus, .mult, .div: return try arithmetic(left, right)
    }
  }

  private func wrongTypes(_ left: Value, _ right: Value) -> QueryError {
    QueryError(.type, "\(rawValue) does not take \(left.typeName) and \(right.typeName). Convert the values first.")
  }

  private func extreme(_ left: Value, _ right: Value) throws(QueryError) -> Value {
    if left.isNull { return right }
    if right.isNull { return left }
    if left.number?.isNaN == true { return left.number?.isNaN == right.number?.isNaN ? left : right }
    if right.number?.isNaN == true { return left }
    guard let comparison = GremlinComparison.compare(left, right) else { throw wrongTypes(left, right) }
    let result = (comparison == .greater) == (self == .max) || comparison == .equal ? left : right
    return Self.widened(result, left, right)
  }

  private func addAll(_ left: Value, _ right: Value) throws(QueryError) -> Value {
    if case .map(var map) = left, case .map(let other) = right {
      for entry in other.entries { map[entry.key] = entry.value }
      return .map(map)
    }
    let added = TraversalRunner.elements(of: right) ?? [right]
    switch left {
    case .list(let values): return .list(values + added)
    case .set(let values): return .set(TraversalRunner.distinct(values + added))
    default: throw wrongTypes(left, right)
    }
  }

  private func arithmetic(_ left: Value, _ right: Value) throws(QueryError) -> Value {
    if left.isNull || right.isNull {
      return self == .minus || self == .div || self == .mult ? left : left.isNull ? right : left
    }
    guard let first = left.number, let second = right.number else { throw wrongTypes(left, right) }
    guard case .whole(let first) = first, case .whole(let second) = second else {
      return Self.narrowed(real(first.double, second.double), left, right)
    }
    let (result, overflow) = try whole(first, second)
    guard !overflow else {
      throw QueryError(
        .arithmetic, detail: "NumberOutOfRange",
        "\(rawValue) of whole numbers needs more than 64 bits. Use numbers with a fraction.")
    }
    if case .integer32 = left, case .integer32 = right, let narrow = Int32(exactly: result) {
      return .integer32(narrow)
    }
    return .integer(result)
  }

  /// A number in the wider type of two.
  private static func widened(_ result: Value, _ left: Value, _ right: Value) -> Value {
    guard let number = result.number else { return result }
    switch (left, right) {
    case (.float, _), (_, .float): return .float(number.double)
    case (.float32, .integer), (.integer, .float32): return .float(number.double)
    case (.float32, _), (_, .float32): return .float32(Float(number.double))
    case (.integer, _), (_, .integer):
      if case .whole(let whole) = number { return .integer(whole) }
      return result
    default: return result
    }
  }

  private static func narrowed(_ result: Double, _ left: Value, _ right: Value) -> Value {
    switch (left, right) {
    case (.float, _), (_, .float), (.integer, _), (_, .integer): .float(result)
    default: .float32(Float(result))
    }
  }

  private func real(_ left: Double, _ right: Double) -> Double {
    switch self {
    case .minus: left - right
    case .mult: left * right
    case .div: left / right
    default: left + right
    }
  }

  private func whole(_ left: Int64, _ right: Int64) throws(QueryError) -> (Int64, Bool) {
    switch self {
    case .minus: return left.subtractingReportingOverflow(right)
    case .mult: return left.multipliedReportingOverflow(by: right)
    case .div:
      guard right != 0 else { throw QueryError(.arithmetic, "A whole number was divided by 0. Filter zeros first.") }
      return left.dividedReportingOverflow(by: right)
    default: return left.addingReportingOverflow(right)
    }
  }
}

/// A value of many values that is being computed.
struct ReductionState {
  private let reduction: Reduction
  private var count: Int64 = 0
  private var value: Value?
  private var sawNull = false

  init(_ reduction: Reduction) { self.reduction = reduction }

  mutating func add(_ value: Value, times: Int64) throws(QueryError) {
    switch reduction {
    case .count: count += times
    case .sum, .mean:
      if value.isNull {
        sawNull = true
        return
      }
      guard value.number != nil else {
        throw QueryError(
          .type, "\(reduction.rawValue)() reads numbers, not \(value.typeName). Filter or convert first.")
      }
      let weighted = times == 1 ? value : try BinaryFunction.mult.apply(value, .integer(times))
      let narrow = times == 1 ? weighted : Self.narrow(weighted, like: value)
      self.value =
        try self.value.map { total throws(QueryError) in try BinaryFunction.sum.apply(total, narrow) } ?? narrow
      count += times
    case .min, .max:
      if value.isNull {
        sawNull = true
        return
      }
      let function: BinaryFunction = reduction == .min ? .min : .max
      self.value = try self.value.map { best throws(QueryError) in try function.apply(best, value) } ?? value
    }
  }

  private static func narrow(_ value: Value, like other: Value) -> Value {
    if case .integer32 = other, case .integer(let wide) = value, let narrow = Int32(exactly: wide) {
      return .integer32(narrow)
    }
    return value
  }

  /// The value; nil if there is none.
  var result: Value? {
    switch reduction {
    case .count: return .integer(count)
    case .mean:
      guard let total = value?.number?.double else { return sawNull ? .null : nil }
      return .float(total / Double(count))
    default: return value ?? (sawNull ? .null : nil)
    }
  }
}
