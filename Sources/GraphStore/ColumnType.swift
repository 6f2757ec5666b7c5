/// The type of a column's values, as stored: little-endian and, except for strings, of fixed width.
public enum ColumnType: String, Sendable, Codable, CaseIterable {
  case int32, int64, uint32, uint64, float, double, string
  /// Days since 1970-01-01 in an Int32.
  case date32
  /// Milliseconds since 1970-01-01 UTC in an Int64.
  case timestampMilliseconds
  /// Lists of numbers, one list per row. Stored like strings, with the numbers' bytes in place of characters.
  case int32List, int64List, floatList, doubleList

  /// Whether values vary in size, so that they are stored as offsets and bytes.
  public var isVariable: Bool { self == .string || element != nil }

  /// The type of the elements of a list; nil for other types.
  public var element: ColumnType? {
    switch self {
    case .int32List: .int32
    case .int64List: .int64
    case .floatList: .float
    case .doubleList: .double
    case .int32, .int64, .uint32, .uint64, .float, .double, .string, .date32, .timestampMilliseconds: nil
    }
  }

  /// The type of lists of such values; nil if there is none.
  public var list: ColumnType? { Self.allCases.first { $0.element == self } }

  /// Bytes of one value or, for values of varying size, of one offset.
  public var stride: Int {
    switch self {
    case .int32, .uint32, .float, .date32: 4
    case .int64, .uint64, .double, .string, .timestampMilliseconds, .int32List, .int64List, .floatList, .doubleList: 8
    }
  }
}

/// The number of a vertex within its label: dense, from 0, in the order in which vertices were first seen.
public typealias VertexNumber = UInt32
