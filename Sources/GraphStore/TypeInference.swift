/// The types as which the text of a cell can be read. The types of a column are those that all its cells share.
///
/// The bits follow the order in which Apache Arrow's CSV reader prefers the types: the lowest remaining bit is the column's type,
/// except that the bit of empty cells comes first. The outcome depends on the whole file and not on the order of its rows.
struct CellTypes: OptionSet, Sendable, Equatable {
  let rawValue: UInt16

  /// An empty cell.
  static let empty = CellTypes(rawValue: 1 << 8)
  /// A spelling of "no value", including an empty cell.
  static let missing = CellTypes(rawValue: 1 << 0)
  static let integer = CellTypes(rawValue: 1 << 1)
  static let boolean = CellTypes(rawValue: 1 << 2)
  static let date = CellTypes(rawValue: 1 << 3)
  /// Date and time without a zone. A date alone counts as its midnight.
  static let localTimestamp = CellTypes(rawValue: 1 << 4)
  /// Date and time with `Z` or an offset from UTC.
  static let zonedTimestamp = CellTypes(rawValue: 1 << 5)
  static let decimal = CellTypes(rawValue: 1 << 6)
  static let text = CellTypes(rawValue: 1 << 7)

  /// The types of a column before any cell was seen, and of a cell without a value.
  static let any = CellTypes(rawValue: .max)

  /// Returns the types as which a cell can be read; never empty.
  static func of(_ cell: CellBytes) -> CellTypes {
    if isMissing(cell) { return cell.isEmpty ? .any : .any.subtracting(.empty) }
    guard let first = cell.first else { return .text }
    // Most often a word: it begins with neither a digit, a sign, a point nor a blank, nor like a word that stands for a value.
    switch first {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: " "), UInt8(ascii: "\t"):
      break
    case UInt8(ascii: "t"), UInt8(ascii: "T"), UInt8(ascii: "f"), UInt8(ascii: "F"):
      return CellText.boolean(cell) != nil ? [.boolean, .text] : .text
    case UInt8(ascii: "i"), UInt8(ascii: "I"), UInt8(ascii: "n"), UInt8(ascii: "N"):
      return CellText.double(cell) != nil ? [.decimal, .text] : .text
    default: return .text
    }
    var types: CellTypes = .text
    if CellText.integer(cell, as: Int64.self) != nil { types.insert(.integer) }
    if CellText.boolean(cell) != nil { types.insert(.boolean) }
    if CellText.double(cell) != nil { types.insert(.decimal) }
    if CellText.days(cell) != nil { types.insert(.date) }
    if let (_, isZoned) = CellText.milliseconds(cell) { types.insert(isZoned ? .zonedTimestamp : .localTimestamp) }
    return types
  }

  /// How to read the cells of a column with these types.
  var reading: CellReading {
    if contains(.empty) { return .missing }
    if contains(.missing) { return .missingText }
    if contains(.integer) { return .int64 }
    if contains(.boolean) { return .boolean }
    if contains(.date) { return .date32 }
    if contains(.localTimestamp) { return .localTimestamp }
    if contains(.zonedTimestamp) { return .zonedTimestamp }
    return contains(.decimal) ? .double : .string
  }

  /// Returns whether the cell is one of the spellings of "no value" that Arrow and pandas recognize.
  static func isMissing(_ cell: CellBytes) -> Bool {
    switch cell.count {
    case 0: true
    case 2: cell.equals("NA")
    case 3: cell.equals("nan") || cell.equals("NaN") || cell.equals("N/A") || cell.equals("n/a") || cell.equals("#NA")
    case 4:
      cell.equals("NULL") || cell.equals("null") || cell.equals("#N/A") || cell.equals("-nan") || cell.equals("-NaN")
    case 6: cell.equals("1.#IND")
    case 7: cell.equals("-1.#IND") || cell.equals("1.#QNAN")
    case 8: cell.equals("#N/A N/A") || cell.equals("-1.#QNAN")
    default: false
    }
  }
}

/// How the cells of one column of a text file are read.
enum CellReading: UInt8, Sendable {
  /// Skipped: the column is not requested.
  case skip
  /// Not stored: only the possible types are collected.
  case classify
  /// Expected to be empty in every row.
  case missing
  /// Expected to be a spelling of "no value", such as `NA`, in every row. The text is kept, as its meaning is unknown.
  case missingText
  case int32, int64, uint32, uint64, float, double
  /// `true` and `false`, stored as 1 and 0 of type int32, as in GraphScope.
  case boolean
  case date32
  /// A date and time, with or without a zone.
  case timestamp
  case localTimestamp, zonedTimestamp
  case string

  /// Returns the reading for the name of a type, as clients write it; nil if the name is unknown.
  init?(typeName: String) {
    switch typeName.lowercased() {
    case "int32_t", "int32", "int", "i": self = .int32
    case "int64_t", "int64", "long", "l": self = .int64
    case "uint32_t", "uint32", "uint": self = .uint32
    case "uint64_t", "uint64", "ulong": self = .uint64
    case "float", "f": self = .float
    case "double", "d": self = .double
    case "std::string", "string", "str": self = .string
    case "bool", "b": self = .boolean
    case "date32", "date32[day]", "date[32][day]", "date[32]": self = .date32
    case let name where name.hasPrefix("timestamp"): self = .timestamp
    default: return nil
    }
  }

  /// The type names that clients can write.
  static let typeNames = "int32_t, int64_t, uint32_t, uint64_t, float, double, std::string, bool, date32, timestamp[ms]"

  /// The type of the resulting column; nil if there is none.
  var columnType: ColumnType? {
    switch self {
    case .skip, .classify: nil
    case .int32, .boolean: .int32
    case .int64: .int64
    case .uint32: .uint32
    case .uint64: .uint64
    case .float: .float
    case .double: .double
    case .date32: .date32
    case .timestamp, .localTimestamp, .zonedTimestamp: .timestampMilliseconds
    case .string, .missing, .missingText: .string
    }
  }

  /// The type with its article, for messages.
  var phrase: String {
    switch self {
    case .boolean: "a bool"
    case .timestamp, .localTimestamp, .zonedTimestamp: "a timestamp (such as 2017-10-17 09:45:38)"
    case .date32: "a date (such as 2017-10-17)"
    case .int32, .int64: "an \(self)"
    default: "a \(self)"
    }
  }
}
