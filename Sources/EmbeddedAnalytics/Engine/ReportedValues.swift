import GraphStore
import JSON
import Wire

/// Attributes of nodes and edges as the client's networkx library reads them. Dates are days, timestamps milliseconds since
/// 1970-01-01 UTC, as in exported arrays.
extension Column {
  /// Writes a value in MessagePack.
  func write(_ row: Int, _ writer: inout MessagePackWriter) {
    switch type {
    case .int32, .date32: writer.int(Int64(values(as: Int32.self)[row]))
    case .int64, .timestampMilliseconds: writer.int(values(as: Int64.self)[row])
    case .uint32: writer.uint(UInt64(values(as: UInt32.self)[row]))
    case .uint64: writer.uint(values(as: UInt64.self)[row])
    case .float: writer.double(Double(values(as: Float.self)[row]))
    case .double: writer.double(values(as: Double.self)[row])
    case .string: writer.string(strings[row].assumingMemoryBound(to: UInt8.self))
    case .int32List: list(row, Int32.self, &writer) { $1.int(Int64($0)) }
    case .int64List: list(row, Int64.self, &writer) { $1.int($0) }
    case .floatList: list(row, Float.self, &writer) { $1.double(Double($0)) }
    case .doubleList: list(row, Double.self, &writer) { $1.double($0) }
    }
  }

  /// Returns a value as JSON. Numbers that are not finite are null: JSON has no form for them, and the client's parser accepts none.
  func json(_ row: Int) -> String {
    switch type {
    case .int32, .date32: "\(values(as: Int32.self)[row])"
    case .int64, .timestampMilliseconds: "\(values(as: Int64.self)[row])"
    case .uint32: "\(values(as: UInt32.self)[row])"
    case .uint64: "\(values(as: UInt64.self)[row])"
    case .float: Self.json(Double(values(as: Float.self)[row]))
    case .double: Self.json(values(as: Double.self)[row])
    case .string: JSONValue.string(String(decoding: strings[row], as: UTF8.self)).encoded
    case .int32List: Self.json(elements(row, Int32.self).map { "\($0)" })
    case .int64List: Self.json(elements(row, Int64.self).map { "\($0)" })
    case .floatList: Self.json(elements(row, Float.self).map { Self.json(Double($0)) })
    case .doubleList: Self.json(elements(row, Double.self).map { Self.json($0) })
    }
  }

  private func elements<T: BitwiseCopyable>(_ row: Int, _ type: T.Type) -> [T] {
    let bytes = strings[row]
    return (0..<bytes.count / MemoryLayout<T>.size).map {
      bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: type)
    }
  }

  private func list<T: BitwiseCopyable>(
    _ row: Int, _ type: T.Type, _ writer: inout MessagePackWriter, _ write: (T, inout MessagePackWriter) -> Void
  ) {
    let elements = elements(row, type)
    writer.array(elements.count)
    for element in elements { write(element, &writer) }
  }

  private static func json(_ elements: [String]) -> String { "[" + elements.joined(separator: ",") + "]" }

  private static func json(_ value: Double) -> String { JSONValue.double(value).encoded }
}
