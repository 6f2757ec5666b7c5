import GraphStore
import QueryValues

extension Column {
  /// The value of a row, as queries see it.
  func value(at row: Int) -> Value {
    switch type {
    case .int32: .integer(Int64(values(as: Int32.self)[row]))
    case .int64: .integer(values(as: Int64.self)[row])
    case .uint32: .integer(Int64(values(as: UInt32.self)[row]))
    case .uint64: .integer(Int64(clamping: values(as: UInt64.self)[row]))
    case .float: .float(Double(values(as: Float.self)[row]))
    case .double: .float(values(as: Double.self)[row])
    case .string: .string(String(decoding: strings[row], as: UTF8.self))
    case .date32: .temporal(.date(days: Int64(values(as: Int32.self)[row])))
    case .timestampMilliseconds:
      .temporal(.dateTime(ZonedDateTime(milliseconds: values(as: Int64.self)[row])))
    case .int32List: .list(numbers(row, Int32.self) { .integer(Int64($0)) })
    case .int64List: .list(numbers(row, Int64.self) { .integer($0) })
    case .floatList: .list(numbers(row, Float.self) { .float(Double($0)) })
    case .doubleList: .list(numbers(row, Double.self) { .float($0) })
    }
  }

  private func numbers<T: BitwiseCopyable>(_ row: Int, _ type: T.Type, _ value: (T) -> Value) -> [Value] {
    let bytes = strings[row]
    return (0..<bytes.count / MemoryLayout<T>.stride).map {
      value(bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.stride, as: T.self))
    }
  }
}

extension ZonedDateTime {
  /// An instant in UTC, in milliseconds since 1970.
  fileprivate convenience init(milliseconds: Int64) {
    let seconds = milliseconds >= 0 ? milliseconds / 1000 : (milliseconds - 999) / 1000
    self.init(
      seconds: seconds, nanoseconds: Int32(milliseconds - seconds * 1000) * 1_000_000, offset: 0, zone: nil)
  }
}
