/// The three-valued operators on truth values.
public enum Logic {
  /// `AND`: false if one operand is, whatever the other one.
  public static func and(_ left: Value, _ right: Value) throws(QueryError) -> Value {
    let (left, right) = (try truth(left, "AND"), try truth(right, "AND"))
    if left == false || right == false { return .boolean(false) }
    return left == nil || right == nil ? .null : .boolean(true)
  }

  /// `OR`: true if one operand is, whatever the other one.
  public static func or(_ left: Value, _ right: Value) throws(QueryError) -> Value {
    let (left, right) = (try truth(left, "OR"), try truth(right, "OR"))
    if left == true || right == true { return .boolean(true) }
    return left == nil || right == nil ? .null : .boolean(false)
  }

  /// `XOR`: null if one operand is.
  public static func xor(_ left: Value, _ right: Value) throws(QueryError) -> Value {
    let (left, right) = (try truth(left, "XOR"), try truth(right, "XOR"))
    guard let left, let right else { return .null }
    return .boolean(left != right)
  }

  /// `NOT`: null for null.
  public static func not(_ value: Value) throws(QueryError) -> Value {
    Value(truth: try truth(value, "NOT").map { !$0 })
  }

  /// The truth of a condition; nil for null.
  /// - Parameter operation: What the value is a condition of, for the message.
  /// - Throws: A type error for values that are neither.
  public static func truth(_ value: Value, _ operation: String) throws(QueryError) -> Bool? {
    switch value {
    case .boolean(let value): return value
    case .null: return nil
    default: throw .wrongType(operation, takes: "a truth value", not: value)
    }
  }
}

extension Value {
  /// A truth value, or null for an unknown one.
  public init(truth: Bool?) { self = truth.map(Value.boolean) ?? .null }

  /// Whether the value is the truth value true.
  @inlinable public var isTrue: Bool {
    if case .boolean(true) = self { true } else { false }
  }
}

/// Operators on texts: null if one operand is no text.
public enum Texts {
  /// `STARTS WITH`.
  public static func startsWith(_ text: Value, _ prefix: Value) -> Value {
    guard case .string(let text) = text, case .string(let prefix) = prefix else { return .null }
    return .boolean(text.utf8.starts(with: prefix.utf8))
  }

  /// `ENDS WITH`.
  public static func endsWith(_ text: Value, _ suffix: Value) -> Value {
    guard case .string(let text) = text, case .string(let suffix) = suffix else { return .null }
    return .boolean(
      text.utf8.count >= suffix.utf8.count && text.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8))
  }

  /// `CONTAINS`.
  public static func contains(_ text: Value, _ part: Value) -> Value {
    guard case .string(let text) = text, case .string(let part) = part else { return .null }
    return .boolean(Text.contains(text, part))
  }

  /// `=~`: whether a regular expression matches the whole text.
  /// - Throws: An error for an expression that is wrong or too large, see `Pattern`.
  public static func matches(_ text: Value, _ pattern: Value) throws(QueryError) -> Value {
    guard case .string(let text) = text, case .string(let pattern) = pattern else { return .null }
    return .boolean(try Pattern.cached(pattern).matches(text))
  }
}
