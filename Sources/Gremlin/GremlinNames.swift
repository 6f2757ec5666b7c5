import QueryAlgebra
import QueryValues

/// The constants that scripts name.
enum GremlinNames {
  /// The constants of each type. Names without their type are found if one type alone has them, or if `preferred` says which.
  static let constants: [String: [String]] = [
    "Order": ["asc", "desc", "shuffle", "incr", "decr"],
    "Scope": ["global", "local"],
    "Pop": ["first", "last", "all", "mixed"],
    "Column": ["keys", "values"],
    "Operator": ["sum", "minus", "mult", "div", "min", "max", "assign", "and", "or", "addAll", "sumLong"],
    "Pick": ["any", "none", "unproductive"],
    "Barrier": ["normSack"],
    "Merge": ["onCreate", "onMatch", "outV", "inV"],
    "Cardinality": ["single", "list", "set"],
    "DT": ["second", "minute", "hour", "day"],
    "GType": [
      "BIGDECIMAL", "BIGINT", "BINARY", "BOOLEAN", "BYTE", "CHAR", "DATETIME", "DOUBLE", "DURATION", "EDGE", "FLOAT",
      "GRAPH", "INT", "LIST", "LONG", "MAP", "NULL", "NUMBER", "PATH", "PROPERTY", "SET", "SHORT", "STRING", "TREE",
      "UUID", "VERTEX", "VPROPERTY",
    ],
    "WithOptions": ["tokens", "none", "ids", "labels", "keys", "values", "all", "indexer", "list", "map"],
  ]

  /// The types whose constants scripts name without the type.
  private static let imported = ["Order", "Scope", "Pop", "Column", "Operator", "Pick", "Barrier", "Cardinality", "DT"]

  /// The functions of predicates and the types that have them.
  static let predicates: [String: String] = [
    "eq": "P", "neq": "P", "lt": "P", "lte": "P", "gt": "P", "gte": "P", "inside": "P", "outside": "P", "between": "P",
    "within": "P", "without": "P", "not": "P", "typeOf": "P", "test": "P", "startingWith": "TextP",
    "notStartingWith": "TextP", "endingWith": "TextP", "notEndingWith": "TextP", "containing": "TextP",
    "notContaining": "TextP", "regex": "TextP", "notRegex": "TextP",
  ]

  /// Returns the constant of a type.
  static func constant(_ type: String, _ name: String) -> Bytecode.Argument? {
    let type = type == "VertexProperty" ? "Cardinality" : type
    switch type {
    case "T": return Token(rawValue: name).flatMap { tokens.contains($0) ? .value(.token($0)) : nil }
    case "Direction":
      switch name {
      case "OUT", "from": return .value(.token(.out))
      case "IN", "to": return .value(.token(.in))
      case "BOTH": return .constant(type: "Direction", name: "BOTH")
      default: return nil
      }
    default: return constants[type]?.contains(name) == true ? .constant(type: type, name: name) : nil
    }
  }

  /// Returns the constant that a name without a type means.
  static func constant(_ name: String) -> Bytecode.Argument? {
    if let token = constant("T", name) ?? constant("Direction", name) { return token }
    for type in imported {
      if let constant = constant(type, name) { return constant }
    }
    return nil
  }

  private static let tokens: [Token] = [.id, .label, .key, .value]
}
