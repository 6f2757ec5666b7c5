/// An argument of a query: one of the wrapper messages of `data_types.proto`, packed into an Any. Arguments have no names.
///
/// The Python client sends bool, int64, double, string and bytes; native clients may send the others.
public enum QueryArgument: Sendable, Equatable {
  /// A Boolean value.
  case bool(Bool)
  /// A signed 32-bit integer.
  case int32(Int32)
  /// An unsigned 32-bit integer.
  case uint32(UInt32)
  /// A signed 64-bit integer.
  case int64(Int64)
  /// An unsigned 64-bit integer.
  case uint64(UInt64)
  /// A single-precision float.
  case float(Float)
  /// A double-precision float.
  case double(Double)
  /// A text.
  case string(String)
  /// Bytes.
  case bytes([UInt8])
}
