/// A column by name or by position.
public enum ColumnReference: Sendable, Equatable, CustomStringConvertible {
  case name(String)
  case index(Int)

  /// Parses a column as the client writes it: a number is a position. A text that merely resembles one, such as `007` or `+5`, is
  /// a name.
  public init(_ text: String) {
    if let index = Int(text), index >= 0, String(index) == text { self = .index(index) } else { self = .name(text) }
  }

  /// The name, or the position as text.
  public var description: String {
    switch self {
    case .name(let name): name
    case .index(let index): String(index)
    }
  }
}

/// How to read a delimited text file.
public struct CSVOptions: Sendable, Equatable {
  /// The byte between fields.
  public var delimiter: UInt8
  /// Whether the first row names the columns; otherwise they are `f0`, `f1`, ….
  public var hasHeader: Bool
  /// The requested columns, id columns first, with the C++ name of their type, or nil to infer it.
  public var columns: [(reference: ColumnReference, type: String?)]
  /// Whether to read all other columns, too, in file order.
  public var includesAllColumns: Bool
  /// The number of leading `columns` that are ids, which must have a value in every row.
  public var requiredColumnCount: Int

  /// Creates options for one file.
  public init(
    delimiter: UInt8 = UInt8(ascii: ","), hasHeader: Bool = true,
    columns: [(reference: ColumnReference, type: String?)] = [], includesAllColumns: Bool = true,
    requiredColumnCount: Int = 0
  ) {
    self.delimiter = delimiter
    self.hasHeader = hasHeader
    self.columns = columns
    self.includesAllColumns = includesAllColumns
    self.requiredColumnCount = requiredColumnCount
  }

  /// Returns whether all parts are equal.
  public static func == (left: CSVOptions, right: CSVOptions) -> Bool {
    left.delimiter == right.delimiter && left.hasHeader == right.hasHeader
      && left.includesAllColumns == right.includesAllColumns
      && left.requiredColumnCount == right.requiredColumnCount
      && left.columns.elementsEqual(right.columns) { $0.reference == $1.reference && $0.type == $1.type }
  }
}
