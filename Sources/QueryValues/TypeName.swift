extension Value {
  /// The name of the value's type for messages, such as `Integer` or `List`.
  public var typeName: String {
    switch self {
    case .null: "Null"
    case .boolean: "Boolean"
    case .integer, .integer32: "Integer"
    case .float, .float32: "Float"
    case .string: "String"
    case .list: "List"
    case .set: "Set"
    case .map: "Map"
    case .vertex: "Node"
    case .edge: "Relationship"
    case .path: "Path"
    case .temporal(let temporal): temporal.typeName
    case .property: "Property"
    case .token: "Token"
    }
  }
}

extension Temporal {
  /// The name of the value's type for messages, such as `LocalDateTime`.
  public var typeName: String {
    switch self {
    case .date: "Date"
    case .localTime: "LocalTime"
    case .time: "Time"
    case .localDateTime: "LocalDateTime"
    case .dateTime: "DateTime"
    case .duration: "Duration"
    }
  }
}

extension QueryError {
  /// An operand or argument of a type that is not taken.
  static func wrongType(_ operation: String, takes expected: String, not value: Value) -> QueryError {
    QueryError(
      .type, detail: "InvalidArgumentType",
      "\(operation) takes \(expected), not \(value.typeName); convert the value first")
  }

  /// An argument of a type that a conversion does not take.
  static func notConvertible(_ value: Value, by function: String) -> QueryError {
    QueryError(
      .type, detail: "InvalidArgumentValue",
      "\(function) does not convert \(value.typeName); give it a number, a text or a truth value")
  }

  /// A result that is larger than a limit of this module.
  static func tooLarge(_ what: String, limit: Int) -> QueryError {
    QueryError(.memory, "\(what) would be larger than the limit of \(limit); make it smaller")
  }

  /// A whole number beyond 64 bits.
  static func overflow(_ operation: String) -> QueryError {
    QueryError(
      .arithmetic, detail: "NumberOutOfRange",
      "\(operation) leaves the range of 64-bit integers; use toFloat() on an operand")
  }
}

/// How large values may become in one operation. The memory of a whole query is bounded where it runs.
public enum ValueLimits {
  /// The largest size of a text in bytes of UTF-8.
  public static let textBytes = 64 << 20
  /// The largest number of elements of a list.
  public static let listElements = 10_000_000
}
