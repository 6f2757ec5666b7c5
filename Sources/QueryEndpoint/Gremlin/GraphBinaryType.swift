/// The types of GraphBinary 1 (https://tinkerpop.apache.org/docs/current/dev/io/#graphbinary), by their codes.
enum GraphBinaryType: UInt8 {
  case int = 0x01
  case long = 0x02
  case string = 0x03
  case date = 0x04
  case timestamp = 0x05
  case `class` = 0x06
  case double = 0x07
  case float = 0x08
  case list = 0x09
  case map = 0x0a
  case set = 0x0b
  case uuid = 0x0c
  case edge = 0x0d
  case path = 0x0e
  case property = 0x0f
  case vertex = 0x11
  case vertexProperty = 0x12
  case barrier = 0x13
  case binding = 0x14
  case bytecode = 0x15
  case cardinality = 0x16
  case column = 0x17
  case direction = 0x18
  case `operator` = 0x19
  case order = 0x1a
  case pick = 0x1b
  case pop = 0x1c
  case lambda = 0x1d
  case p = 0x1e
  case scope = 0x1f
  case t = 0x20
  case traverser = 0x21
  case bigDecimal = 0x22
  case bigInteger = 0x23
  case byte = 0x24
  case byteBuffer = 0x25
  case short = 0x26
  case boolean = 0x27
  case textP = 0x28
  case traversalStrategy = 0x29
  case bulkSet = 0x2a
  case merge = 0x2e
  case dt = 0x2f
  case char = 0x80
  case duration = 0x81
  case instant = 0x83
  case null = 0xfe

  /// The enumeration whose constants have this type.
  var enumeration: String? {
    switch self {
    case .barrier: "Barrier"
    case .cardinality: "Cardinality"
    case .column: "Column"
    case .direction: "Direction"
    case .operator: "Operator"
    case .order: "Order"
    case .pick: "Pick"
    case .pop: "Pop"
    case .scope: "Scope"
    case .t: "T"
    case .merge: "Merge"
    case .dt: "DT"
    default: nil
    }
  }
}

/// Why bytes or JSON are no message of Gremlin, or more of it than is accepted.
struct GremlinFormatError: Error, Equatable {
  let reason: String

  static let truncated = GremlinFormatError(reason: "the message ends inside a value")
}
