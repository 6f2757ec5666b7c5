/// Values read from a result archive.
public enum ArchiveValues: Sendable, Equatable {
  /// Values of a type without data, of which only the number is known.
  case none(ArchiveType, count: Int)
  case bool([Bool])
  case int32([Int32])
  case uint32([UInt32])
  case int64([Int64])
  case uint64([UInt64])
  case float([Float])
  case double([Double])
  case strings([String])

  /// The number of values.
  public var count: Int {
    switch self {
    case .none(_, let count): count
    case .bool(let values): values.count
    case .int32(let values): values.count
    case .uint32(let values): values.count
    case .int64(let values): values.count
    case .uint64(let values): values.count
    case .float(let values): values.count
    case .double(let values): values.count
    case .strings(let values): values.count
    }
  }
}

extension ResultArchive {
  /// Reads a tensor.
  ///
  /// Archives come from engines in other processes, so every size is checked against the available bytes before memory is
  /// allocated. Strings that are not valid UTF-8 are repaired, as the client does.
  /// - Throws: `WireError` when the bytes are not such an archive.
  public static func readArray(
    _ bytes: UnsafeRawBufferPointer
  ) throws(WireError) -> (shape: [Int], values: ArchiveValues) {
    var reader = ArchiveReader(bytes: bytes)
    let dimensions = try reader.size(atLeast: 8, what: "number of dimensions")
    var shape: [Int] = []
    var product = 1
    for _ in 0..<dimensions {
      let dimension = try reader.size(atLeast: 0, what: "dimension")
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
      guard !overflow else { throw reader.refuse("dimension", dimension) }
      product = next
      shape.append(dimension)
    }
    let type = try reader.type()
    let count = try reader.size(atLeast: type.stride ?? 8, what: "number of values")
    guard count == product else { throw reader.refuse("number of values", count) }
    let values = try reader.values(type, count)
    try reader.finish()
    return (shape, values)
  }

  /// Reads a table. All columns have the same number of rows.
  /// - Throws: `WireError` when the bytes are not such an archive.
  public static func readDataframe(
    _ bytes: UnsafeRawBufferPointer
  ) throws(WireError) -> [(name: String, values: ArchiveValues)] {
    var reader = ArchiveReader(bytes: bytes)
    let columnCount = try reader.size(atLeast: 0, what: "number of columns")
    let rowCount = try reader.size(atLeast: 0, what: "number of rows")
    guard columnCount <= reader.remaining / 12 else { throw reader.refuse("number of columns", columnCount) }
    var columns: [(name: String, values: ArchiveValues)] = []
    for _ in 0..<columnCount {
      let name = try reader.string()
      let type = try reader.type()
      columns.append((name, try reader.values(type, rowCount)))
    }
    try reader.finish()
    return columns
  }
}

private struct ArchiveReader {
  let bytes: UnsafeRawBufferPointer
  var offset = 0
  var remaining: Int { bytes.count - offset }

  mutating func take<T: BitwiseCopyable>(_: T.Type, what: StaticString) throws(WireError) -> T {
    guard remaining >= MemoryLayout<T>.size else {
      throw WireError(.malformed, "A result archive is truncated.", evidence: "\(what) at byte \(offset)")
    }
    defer { offset += MemoryLayout<T>.size }
    return bytes.loadUnaligned(fromByteOffset: offset, as: T.self)
  }

  /// Reads a number of elements, each of which takes at least `size` bytes.
  mutating func size(atLeast size: Int, what: StaticString) throws(WireError) -> Int {
    let value = try take(Int64.self, what: what)
    guard value >= 0, size == 0 || value <= Int64(remaining / size) else { throw refuse(what, Int(value)) }
    return Int(value)
  }

  mutating func type() throws(WireError) -> ArchiveType {
    let number = try take(Int32.self, what: "type")
    guard let type = ArchiveType(rawValue: number) else {
      throw WireError(.unknownValue, "A result archive contains an unknown type.", evidence: "type \(number)")
    }
    return type
  }

  mutating func string() throws(WireError) -> String {
    let count = try size(atLeast: 1, what: "size of a string")
    defer { offset += count }
    return String(decoding: bytes[offset..<offset + count], as: UTF8.self)
  }

  mutating func values(_ type: ArchiveType, _ count: Int) throws(WireError) -> ArchiveValues {
    switch type {
    case .undefined, .void: return .none(type, count: count)
    case .bool: return .bool(try array(UInt8.self, count).map { $0 != 0 })
    case .int32: return .int32(try array(Int32.self, count))
    case .uint32: return .uint32(try array(UInt32.self, count))
    case .int64: return .int64(try array(Int64.self, count))
    case .uint64: return .uint64(try array(UInt64.self, count))
    case .float: return .float(try array(Float.self, count))
    case .double: return .double(try array(Double.self, count))
    case .string:
      guard count <= remaining / 8 else { throw refuse("number of strings", count) }
      var strings: [String] = []
      strings.reserveCapacity(count)
      for _ in 0..<count { strings.append(try string()) }
      return .strings(strings)
    }
  }

  private mutating func array<T: BitwiseCopyable>(_: T.Type, _ count: Int) throws(WireError) -> [T] {
    guard count <= remaining / MemoryLayout<T>.size else { throw refuse("number of values", count) }
    let byteCount = count * MemoryLayout<T>.size
    defer { offset += byteCount }
    let source = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + byteCount])
    return [T](unsafeUninitializedCapacity: count) { memory, written in
      UnsafeMutableRawBufferPointer(memory).copyMemory(from: source)
      written = count
    }
  }

  func finish() throws(WireError) {
    guard remaining == 0 else {
      throw WireError(
        .malformed, "A result archive has extra bytes at its end.",
        evidence: "\(remaining) bytes are left")
    }
  }

  func refuse(_ what: StaticString, _ value: Int) -> WireError {
    WireError(
      .malformed, "A size in a result archive is out of range.",
      evidence: "\(what) \(value) at byte \(offset) of \(bytes.count)")
  }
}
