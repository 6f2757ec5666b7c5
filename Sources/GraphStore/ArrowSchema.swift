/// The types of Arrow columns that can be read, with the parameters needed to convert their values.
enum ArrowType: Equatable {
  case null, boolean
  case int8, int16, int32, int64, uint8, uint16, uint32, uint64
  case float, double
  case string, largeString
  case date32, date64
  case timestamp(TimeUnit)

  /// Units of timestamps, in the order of the format's numbers.
  enum TimeUnit: Int16 {
    case second, millisecond, microsecond, nanosecond
  }

  /// The type of the resulting column. Narrow integers and Booleans become int32, which holds all their values.
  var columnType: ColumnType {
    switch self {
    case .null, .string, .largeString: .string
    case .boolean, .int8, .int16, .int32, .uint8, .uint16: .int32
    case .int64: .int64
    case .uint32: .uint32
    case .uint64: .uint64
    case .float: .float
    case .double: .double
    case .date32: .date32
    case .date64, .timestamp: .timestampMilliseconds
    }
  }

  /// Bytes of one value in its buffer or, for strings, of one offset; 0 for the null type and for Booleans.
  var valueBytes: Int {
    switch self {
    case .null, .boolean: 0
    case .int8, .uint8: 1
    case .int16, .uint16: 2
    case .int32, .uint32, .float, .string, .date32: 4
    case .int64, .uint64, .double, .largeString, .date64, .timestamp: 8
    }
  }

  /// The number of buffers in a record batch: validity and values, plus characters for strings.
  var bufferCount: Int {
    switch self {
    case .null: 0
    case .string, .largeString: 3
    default: 2
    }
  }
}

/// A column, as declared by the schema of a stream.
struct ArrowField: Equatable {
  let name: String
  let type: ArrowType

  /// The maximum number of columns in a stream.
  static let maximumCount = 8192

  /// Returns the columns that a schema message declares ("Schema.fbs" of the Arrow format).
  static func fields(of schema: FlatbufferTable) throws(GraphStoreError) -> [ArrowField] {
    guard try schema.scalar(0, absent: Int16(0)) == 0 else {
      throw GraphStoreError(
        .invalidData, "the Arrow stream is big-endian, which cannot be read",
        hint: "Write it on a little-endian machine")
    }
    var fields: [ArrowField] = []
    let count = try schema.count(1)
    guard count <= maximumCount else {
      throw GraphStoreError(
        .limitExceeded, "the data frame has \(count) columns; at most \(maximumCount) can be loaded",
        hint: "Leave columns out, such as with df[[\"id\", \"name\"]]")
    }
    for table in try schema.tables(1, limit: maximumCount) { fields.append(try ArrowField(table)) }
    try TableNames.check(fields.map(\.name), "the Arrow stream has", hint: "Rename one of them in the data frame")
    return fields
  }

  private init(_ field: FlatbufferTable) throws(GraphStoreError) {
    name = try field.string(0) ?? ""
    guard try !field.has(4) else {
      throw Self.unsupported(name, "a dictionary", "Convert categories to plain values, such as with .astype(str)")
    }
    let detail = try field.table(3)
    let kind = try field.scalar(2, absent: UInt8(0))
    switch kind {
    case 1: type = .null
    case 2: type = try Self.integer(name, detail)
    case 3:
      switch try detail?.scalar(0, absent: Int16(0)) ?? 0 {
      case 1: type = .float
      case 2: type = .double
      default: throw Self.unsupported(name, "a half-precision float", "Convert it to float64")
      }
    case 5: type = .string
    case 6: type = .boolean
    case 8: type = try detail?.scalar(0, absent: Int16(1)) ?? 1 == 0 ? .date32 : .date64
    case 10:
      guard let unit = ArrowType.TimeUnit(rawValue: try detail?.scalar(0, absent: Int16(0)) ?? 0) else {
        throw .malformedArrow("column '\(name)' has an unknown unit of time")
      }
      type = .timestamp(unit)
    case 20: type = .largeString
    default:
      throw Self.unsupported(
        name, Self.kinds.indices.contains(Int(kind)) ? Self.kinds[Int(kind)] : "number \(kind)",
        "Convert it to integers, floats, booleans, dates or strings, or leave the column out")
    }
  }

  private static func integer(_ name: String, _ detail: FlatbufferTable?) throws(GraphStoreError) -> ArrowType {
    let isSigned = try detail?.scalar(1, absent: UInt8(0)) ?? 0 != 0
    switch try detail?.scalar(0, absent: Int32(0)) ?? 0 {
    case 8: return isSigned ? .int8 : .uint8
    case 16: return isSigned ? .int16 : .uint16
    case 32: return isSigned ? .int32 : .uint32
    case 64: return isSigned ? .int64 : .uint64
    case let width: throw .malformedArrow("column '\(name)' has integers of \(width) bits")
    }
  }

  /// Names of the format's types in the order of their numbers, for messages.
  private static let kinds = [
    "none", "null", "int", "float", "binary", "string", "bool", "decimal", "date", "time", "timestamp", "interval",
    "list", "struct", "union", "fixed-size binary", "fixed-size list", "map", "duration", "large binary",
    "large string", "large list", "run-end encoded", "binary view", "string view", "list view", "large list view",
  ]

  private static func unsupported(_ name: String, _ type: String, _ hint: String) -> GraphStoreError {
    GraphStoreError(
      .invalidArgument, "column '\(name)' of the Arrow stream has a type that cannot be loaded", evidence: type,
      hint: hint)
  }
}
