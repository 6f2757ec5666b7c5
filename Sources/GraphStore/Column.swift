/// One immutable column of values, backed by mapped files.
public struct Column: Sendable {
  /// The column's name, as in the schema.
  public let name: String
  /// The type of its values.
  public let type: ColumnType
  /// Number of values.
  public let count: Int
  /// Fixed-width values; for strings `count + 1` offsets (UInt64) into `characters`.
  public let data: MappedFile
  /// UTF-8 bytes of all strings, one after the other; nil for fixed-width types.
  public let characters: MappedFile?

  /// Wraps files that hold `count` values of `type`.
  public init(name: String, type: ColumnType, count: Int, data: MappedFile, characters: MappedFile? = nil) {
    self.name = name
    self.type = type
    self.count = count
    self.data = data
    self.characters = characters
  }

  /// The same column under another name.
  public func renamed(_ name: String) -> Column {
    Column(name: name, type: type, count: count, data: data, characters: characters)
  }

  /// The values of a fixed-width column. `T` must have the stride of `type`. Valid as long as the column lives.
  public func values<T: BitwiseCopyable>(as type: T.Type) -> UnsafeBufferPointer<T> {
    precondition(MemoryLayout<T>.stride == self.type.stride && self.type != .string)
    return UnsafeBufferPointer(rebasing: data.values(as: type).prefix(count))
  }

  /// The values of a string column. Valid as long as the column lives.
  public var strings: StringValues {
    precondition(type == .string)
    return StringValues(
      offsets: UnsafeBufferPointer(rebasing: data.values(as: UInt64.self).prefix(count + 1)),
      bytes: UnsafeRawBufferPointer(characters!.bytes))
  }
}

/// The strings of a column, seen where they lie. Valid as long as the column lives.
public struct StringValues: @unchecked Sendable {
  // @unchecked: points into immutable mappings.

  /// `count + 1` ascending offsets into `bytes`; empty when there are no strings.
  public let offsets: UnsafeBufferPointer<UInt64>
  /// UTF-8 of all strings, one after the other.
  public let bytes: UnsafeRawBufferPointer

  /// Wraps offsets and bytes that outlive this value.
  public init(offsets: UnsafeBufferPointer<UInt64>, bytes: UnsafeRawBufferPointer) {
    self.offsets = offsets
    self.bytes = bytes
  }

  /// Number of strings.
  public var count: Int { max(0, offsets.count - 1) }

  /// The UTF-8 bytes of one string.
  public subscript(index: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[Int(offsets[index])..<Int(offsets[index + 1])])
  }
}

/// Named columns of equal length, as a loader delivers them.
public struct Table: Sendable {
  /// The columns in file order.
  public let columns: [Column]
  /// Number of rows.
  public let rowCount: Int
  /// Where the rows come from, as the user knows it, for messages; empty when it has no name.
  public let origin: String

  /// What its files were taken for. A column lets go of it when it is not mapped any more; who made the directory that
  /// the files are in holds it until they are removed.
  public var reservations: [StorageReservation] {
    columns.flatMap { [$0.data.reservation, $0.characters?.reservation].compactMap(\.self) }
  }

  /// Makes a table of columns that all hold `rowCount` values.
  public init(columns: [Column], rowCount: Int, origin: String = "") {
    self.columns = columns
    self.rowCount = rowCount
    self.origin = origin
  }
}
