/// The value of an attribute (`gs.rpc.AttrValue`).
public enum AttributeValue: Sendable, Equatable {
  /// No member is set. The definition of an empty graph is such a value.
  case unset
  /// The null value.
  case null
  /// Text in UTF-8, or bytes.
  case bytes([UInt8])
  /// A signed integer, or the number of an enum case.
  case int(Int64)
  /// An unsigned integer.
  case uint(UInt64)
  /// A single-precision float.
  case float(Float)
  /// A Boolean value.
  case bool(Bool)
  /// Lists of values.
  indirect case list(AttributeList)
  /// Named attributes.
  indirect case function(NamedAttributes)

  /// Returns a text as it is transmitted, in UTF-8.
  public static func text(_ text: String) -> AttributeValue { .bytes(Array(text.utf8)) }

  /// The text; nil unless the value holds bytes that are valid UTF-8.
  public var text: String? {
    guard case .bytes(let bytes) = self else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  /// The integer; nil unless the value is an integer that fits into `Int64`.
  public var integer: Int64? {
    switch self {
    case .int(let value): value
    case .uint(let value): Int64(exactly: value)
    default: nil
    }
  }

  /// The Boolean value; nil for other values.
  public var boolean: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }
}

/// The lists of a list value, one per type of element (`gs.rpc.AttrValue.ListValue`).
public struct AttributeList: Sendable, Equatable {
  /// Texts or bytes.
  public var bytes: [[UInt8]] = []
  /// Signed integers.
  public var ints: [Int64] = []
  /// Single-precision floats.
  public var floats: [Float] = []
  /// Boolean values.
  public var bools: [Bool] = []
  /// Named attributes.
  public var functions: [NamedAttributes] = []
  /// Nested lists.
  public var lists: [AttributeList] = []

  /// Creates an empty list.
  public init() {}
}

/// Attributes under a name (`gs.rpc.NameAttrList`).
public struct NamedAttributes: Sendable, Equatable {
  /// The name.
  public var name: String
  /// The attributes. Inside ``ParamKey/arrowPropertyDefinition`` the keys are label numbers.
  public var attributes: [ParamKey: AttributeValue]

  /// Creates named attributes.
  public init(name: String = "", attributes: [ParamKey: AttributeValue] = [:]) {
    self.name = name
    self.attributes = attributes
  }
}
