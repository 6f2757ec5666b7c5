/// Types of the values in a result archive, with their numbers in that format. They are unrelated to ``DataType``.
public enum ArchiveType: Int32, Sendable, CaseIterable {
  /// A type that the client cannot read.
  case undefined = -1
  case void = 0
  /// One byte, 0 or 1.
  case bool = 1
  case int32 = 2
  case uint32 = 3
  case int64 = 4
  case uint64 = 5
  case float = 6
  case double = 7
  /// The size as a 64-bit integer, followed by UTF-8.
  case string = 8

  /// Size of a value in bytes; nil for strings, whose size varies.
  public var stride: Int? {
    switch self {
    case .undefined, .void: 0
    case .bool: 1
    case .int32, .uint32, .float: 4
    case .int64, .uint64, .double: 8
    case .string: nil
    }
  }
}

/// Strings stored contiguously: string `i` is `bytes[offsets[i]..<offsets[i + 1]]`.
public struct StringColumn {
  /// The offset of each string, followed by the end of the last one. The offsets never decrease.
  public var offsets: UnsafeBufferPointer<UInt64>
  /// The strings in UTF-8.
  public var bytes: UnsafeRawBufferPointer

  /// Creates a column that refers to the caller's memory.
  public init(offsets: UnsafeBufferPointer<UInt64>, bytes: UnsafeRawBufferPointer) {
    precondition(offsets.last ?? 0 <= UInt64(bytes.count), "the offsets of a string column reach beyond its bytes")
    self.offsets = offsets
    self.bytes = bytes
  }

  subscript(row: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[Int(offsets[row])..<Int(offsets[row + 1])])
  }
}

/// A column to write. It refers to memory that the caller keeps alive.
public enum ArchiveColumn {
  case bool(UnsafeBufferPointer<Bool>)
  case int32(UnsafeBufferPointer<Int32>)
  case uint32(UnsafeBufferPointer<UInt32>)
  case int64(UnsafeBufferPointer<Int64>)
  case uint64(UnsafeBufferPointer<UInt64>)
  case float(UnsafeBufferPointer<Float>)
  case double(UnsafeBufferPointer<Double>)
  case strings(StringColumn)

  /// The type of the values in the archive.
  public var type: ArchiveType {
    switch self {
    case .bool: .bool
    case .int32: .int32
    case .uint32: .uint32
    case .int64: .int64
    case .uint64: .uint64
    case .float: .float
    case .double: .double
    case .strings: .string
    }
  }

  /// The number of rows.
  public var count: Int {
    switch self {
    case .bool(let values): values.count
    case .int32(let values): values.count
    case .uint32(let values): values.count
    case .int64(let values): values.count
    case .uint64(let values): values.count
    case .float(let values): values.count
    case .double(let values): values.count
    case .strings(let values): max(0, values.offsets.count - 1)
    }
  }
}

/// Writes results in the form that the Python client reads: arrays, data frames and answers to reports, little-endian and
/// unaligned. The size of an archive is computed first; the archive is then written into one allocation.
public enum ResultArchive {
  /// Returns an archive of a tensor: its dimensions, type, and values in row-major order.
  ///
  /// - Parameters:
  ///   - column: The values.
  ///   - shape: The dimensions, whose product is the number of values; nil for one dimension.
  ///   - rows: The indices of the values to write, in this order; nil for all.
  public static func array(
    _ column: ArchiveColumn, shape: [Int]? = nil, rows: UnsafeBufferPointer<UInt32>? = nil
  ) -> [UInt8] {
    let count = rows?.count ?? column.count
    let shape = shape ?? [count]
    precondition(shape.reduce(1, *) == count, "the dimensions of an array do not give its number of values")
    return write(8 + 8 * shape.count + 4 + 8 + column.byteCount(rows)) { writer in
      writer.put(Int64(shape.count))
      for dimension in shape { writer.put(Int64(dimension)) }
      writer.put(column.type.rawValue)
      writer.put(Int64(count))
      column.write(to: &writer, rows)
    }
  }

  /// Returns an archive of a table: names, types and values, column by column.
  ///
  /// - Parameters:
  ///   - columns: Names and values, all of the same length. The client keeps the order.
  ///   - rows: The indices of the rows to write, in this order; nil for all.
  public static func dataframe(
    _ columns: [(name: String, values: ArchiveColumn)], rows: UnsafeBufferPointer<UInt32>? = nil
  ) -> [UInt8] {
    let count = rows?.count ?? columns.first?.values.count ?? 0
    var size = 16
    for (name, values) in columns {
      precondition(rows != nil || values.count == count, "the columns of a dataframe differ in length")
      size += 8 + name.utf8.count + 4 + values.byteCount(rows)
    }
    return write(size) { writer in
      writer.put(Int64(columns.count))
      writer.put(Int64(count))
      for (name, values) in columns {
        writer.put(Int64(name.utf8.count))
        writer.put(Array(name.utf8))
        writer.put(values.type.rawValue)
        values.write(to: &writer, rows)
      }
    }
  }

  /// Returns the answer to a report that counts.
  public static func count(_ value: Int64) -> [UInt8] { write(8) { $0.put(value) } }

  /// Returns the answer to a yes-or-no report.
  public static func flag(_ value: Bool) -> [UInt8] { [value ? 1 : 0] }

  /// Returns the answer to a report that returns JSON or MessagePack.
  public static func document(_ bytes: [UInt8]) -> [UInt8] {
    write(8 + bytes.count) { writer in
      writer.put(Int64(bytes.count))
      writer.put(bytes)
    }
  }

  /// Returns the answer to a report that returns a batch.
  ///
  /// - Parameters:
  ///   - vertex: The vertex number at which the batch begins or, in a batch of ids, at which the next one begins.
  ///   - count: The number of vertices; only in a batch of ids.
  ///   - bytes: The batch in MessagePack.
  public static func batch(vertex: UInt64, count: UInt32? = nil, _ bytes: [UInt8]) -> [UInt8] {
    write(8 + (count == nil ? 0 : 4) + 8 + bytes.count) { writer in
      writer.put(vertex)
      if let count { writer.put(count) }
      writer.put(Int64(bytes.count))
      writer.put(bytes)
    }
  }

  private static func write(_ byteCount: Int, _ body: (inout ArchiveWriter) -> Void) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: byteCount) { memory, count in
      var writer = ArchiveWriter(memory: UnsafeMutableRawBufferPointer(memory))
      body(&writer)
      precondition(writer.offset == byteCount, "an archive was not measured as it was written")
      count = byteCount
    }
  }
}

/// Writes values one after the other into memory that must be large enough.
private struct ArchiveWriter {
  let memory: UnsafeMutableRawBufferPointer
  var offset = 0

  mutating func put<T: BitwiseCopyable>(_ value: T) {
    memory.storeBytes(of: value, toByteOffset: offset, as: T.self)
    offset += MemoryLayout<T>.size
  }

  mutating func put(_ bytes: UnsafeRawBufferPointer) {
    UnsafeMutableRawBufferPointer(rebasing: memory[offset...]).copyMemory(from: bytes)
    offset += bytes.count
  }

  mutating func put(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { put($0) }
  }

  mutating func put<T: BitwiseCopyable>(_ values: UnsafeBufferPointer<T>, _ rows: UnsafeBufferPointer<UInt32>?) {
    guard let rows else { return put(UnsafeRawBufferPointer(values)) }
    for row in rows { put(values[Int(row)]) }
  }
}

extension ArchiveColumn {
  fileprivate func byteCount(_ rows: UnsafeBufferPointer<UInt32>?) -> Int {
    let count = rows?.count ?? count
    guard case .strings(let values) = self else { return count * (type.stride ?? 0) }
    if let rows { return rows.reduce(8 * count) { $0 + values[Int($1)].count } }
    guard let first = values.offsets.first, let last = values.offsets.last else { return 0 }
    return 8 * count + Int(last - first)
  }

  fileprivate func write(to writer: inout ArchiveWriter, _ rows: UnsafeBufferPointer<UInt32>?) {
    switch self {
    case .bool(let values): writer.put(values, rows)
    case .int32(let values): writer.put(values, rows)
    case .uint32(let values): writer.put(values, rows)
    case .int64(let values): writer.put(values, rows)
    case .uint64(let values): writer.put(values, rows)
    case .float(let values): writer.put(values, rows)
    case .double(let values): writer.put(values, rows)
    case .strings(let values):
      for position in 0..<(rows?.count ?? count) {
        let string = values[rows.map { Int($0[position]) } ?? position]
        writer.put(Int64(string.count))
        writer.put(string)
      }
    }
  }
}
