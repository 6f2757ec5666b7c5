import Workers

/// One immutable column of values, backed by mapped files.
public struct Column: Sendable {
  /// The column's name, as in the schema.
  public let name: String
  /// The type of its values.
  public let type: ColumnType
  /// Number of values.
  public let count: Int
  /// Fixed-width values or, for strings and lists, `count + 1` offsets (UInt64) into `characters`.
  public let data: MappedFile
  /// UTF-8 bytes of all strings, or all numbers of lists, one after the other; nil for fixed-width types.
  public let characters: MappedFile?
  /// The position of the first missing value in the source of the column, such as "line 3 of '/data/e.csv'"; nil if no value is
  /// missing, or it is not known. The value itself is zero or, from a data frame, NaN.
  public let firstMissing: String?
  /// Whether the source had no value at all, so that the column's type is meaningless.
  public let isVacant: Bool

  /// Wraps files that hold `count` values of `type`.
  public init(
    name: String, type: ColumnType, count: Int, data: MappedFile, characters: MappedFile? = nil,
    firstMissing: String? = nil, isVacant: Bool = false
  ) {
    self.name = name
    self.type = type
    self.count = count
    self.data = data
    self.characters = characters
    self.firstMissing = firstMissing
    self.isVacant = isVacant
  }

  /// Returns the same column under another name.
  public func renamed(_ name: String) -> Column {
    Column(
      name: name, type: type, count: count, data: data, characters: characters, firstMissing: firstMissing,
      isVacant: isVacant)
  }

  /// Returns the values of a fixed-width column. `T` must have the stride of `type`. Valid as long as the column exists.
  public func values<T: BitwiseCopyable>(as type: T.Type) -> UnsafeBufferPointer<T> {
    precondition(MemoryLayout<T>.stride == self.type.stride && !self.type.isVariable)
    return UnsafeBufferPointer(rebasing: data.values(as: type).prefix(count))
  }

  /// The values of a string column, or the bytes of the lists of a column of lists. Valid as long as the column exists.
  public var strings: StringValues {
    precondition(type.isVariable)
    return StringValues(
      offsets: UnsafeBufferPointer(rebasing: data.values(as: UInt64.self).prefix(count + 1)),
      bytes: UnsafeRawBufferPointer(characters!.bytes))
  }
}

/// The strings of a column, accessed in place. Valid as long as the column exists.
public struct StringValues: @unchecked Sendable {
  // @unchecked: refers to immutable mappings.

  /// `count + 1` ascending offsets into `bytes`; empty if there are no strings.
  public let offsets: UnsafeBufferPointer<UInt64>
  /// UTF-8 of all strings, one after the other.
  public let bytes: UnsafeRawBufferPointer

  /// Wraps offsets and bytes that must outlive this value.
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

/// Named columns of equal length, as delivered by a loader.
public struct Table: Sendable {
  /// The columns in file order.
  public let columns: [Column]
  /// Number of rows.
  public let rowCount: Int
  /// The source of the rows as the client knows it, for messages; empty if it has no name.
  public let origin: String

  /// The reservations for its files. A column releases its reservation when it is no longer mapped; the owner of the directory
  /// that contains the files holds them until the files are removed.
  public var reservations: [StorageReservation] {
    columns.flatMap { [$0.data.reservation, $0.characters?.reservation].compactMap(\.self) }
  }

  /// Creates a table of columns that all have `rowCount` values.
  public init(columns: [Column], rowCount: Int, origin: String = "") {
    self.columns = columns
    self.rowCount = rowCount
    self.origin = origin
  }
}
