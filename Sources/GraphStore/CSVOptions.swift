/// A column by name or by position.
public enum ColumnReference: Sendable, Equatable, CustomStringConvertible {
  case name(String)
  case index(Int)

  /// As the client writes it: a number is a position.
  public init(_ text: String) {
    if let index = Int(text), index >= 0 { self = .index(index) } else { self = .name(text) }
  }

  /// The name, or the position as text.
  public var description: String {
    switch self {
    case .name(let name): name
    case .index(let index): String(index)
    }
  }
}

/// How a delimited text file is to be read.
public struct CSVOptions: Sendable, Equatable {
  /// The byte between fields.
  public var delimiter: UInt8
  /// Whether the first row names the columns; otherwise they are `f0`, `f1`, ….
  public var hasHeader: Bool
  /// The columns that are wanted, the id columns first, with the C++ name of their type or nil to infer it.
  public var columns: [(reference: ColumnReference, type: String?)]
  /// Whether all other columns are wanted too, in file order.
  public var includesAllColumns: Bool
  /// How many of `columns`, from the first, are ids, which no row may lack.
  public var requiredColumnCount: Int

  /// Options for one file.
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

  /// Two options are equal when every part is.
  public static func == (left: CSVOptions, right: CSVOptions) -> Bool {
    left.delimiter == right.delimiter && left.hasHeader == right.hasHeader
      && left.includesAllColumns == right.includesAllColumns
      && left.requiredColumnCount == right.requiredColumnCount
      && left.columns.elementsEqual(right.columns) { $0.reference == $1.reference && $0.type == $1.type }
  }
}
