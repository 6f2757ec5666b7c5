/// The type of a column's values, as stored: little-endian and, except for strings, of fixed width.
public enum ColumnType: String, Sendable, Codable, CaseIterable {
  case int32, int64, uint32, uint64, float, double, string
  /// Days since 1970-01-01 in an Int32.
  case date32
  /// Milliseconds since 1970-01-01 UTC in an Int64.
  case timestampMilliseconds

  /// Bytes of one value or, for strings, of one offset.
  public var stride: Int {
    switch self {
    case .int32, .uint32, .float, .date32: 4
    case .int64, .uint64, .double, .string, .timestampMilliseconds: 8
    }
  }
}

/// The number of a vertex within its label: dense, from 0, in the order in which vertices were first seen.
public typealias VertexNumber = UInt32
