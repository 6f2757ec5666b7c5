import GraphStore

/// A numeric column of any type, read as doubles. Valid as long as the column is retained.
package enum NumericColumn {
  case int32(UnsafeBufferPointer<Int32>)
  case int64(UnsafeBufferPointer<Int64>)
  case uint32(UnsafeBufferPointer<UInt32>)
  case uint64(UnsafeBufferPointer<UInt64>)
  case float(UnsafeBufferPointer<Float>)
  case double(UnsafeBufferPointer<Double>)

  /// Returns nil for a column of texts or times.
  package init?(_ column: Column) {
    switch column.type {
    case .int32: self = .int32(column.values(as: Int32.self))
    case .int64: self = .int64(column.values(as: Int64.self))
    case .uint32: self = .uint32(column.values(as: UInt32.self))
    case .uint64: self = .uint64(column.values(as: UInt64.self))
    case .float: self = .float(column.values(as: Float.self))
    case .double: self = .double(column.values(as: Double.self))
    case .string, .date32, .timestampMilliseconds, .int32List, .int64List, .floatList, .doubleList: return nil
    }
  }

  /// The value at an index.
  package subscript(index: Int) -> Double {
    switch self {
    case .int32(let values): Double(values[index])
    case .int64(let values): Double(values[index])
    case .uint32(let values): Double(values[index])
    case .uint64(let values): Double(values[index])
    case .float(let values): Double(values[index])
    case .double(let values): values[index]
    }
  }

  /// Writes the values of some entries to `target` at the index of each entry, reading them at the entries' ordinals or, without
  /// these, at the entries themselves.
  func gather(
    _ entries: Range<Int>, by ordinals: UnsafeBufferPointer<UInt32>?, into target: UnsafeMutableBufferPointer<Double>
  ) {
    guard let ordinals else {
      for entry in entries { target[entry] = self[entry] }
      return
    }
    switch self {
    case .int32(let values): for entry in entries { target[entry] = Double(values[Int(ordinals[entry])]) }
    case .int64(let values): for entry in entries { target[entry] = Double(values[Int(ordinals[entry])]) }
    case .uint32(let values): for entry in entries { target[entry] = Double(values[Int(ordinals[entry])]) }
    case .uint64(let values): for entry in entries { target[entry] = Double(values[Int(ordinals[entry])]) }
    case .float(let values): for entry in entries { target[entry] = Double(values[Int(ordinals[entry])]) }
    case .double(let values): for entry in entries { target[entry] = values[Int(ordinals[entry])] }
    }
  }
}
