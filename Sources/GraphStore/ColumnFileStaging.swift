import Glibc
import Synchronization
import Workers

/// Creates the files of a table's columns in a directory that may contain files of other tables, too.
struct ColumnFileStaging: Sendable {
  private static let tables = Atomic<Int>(0)
  private let prefix: String
  private let storage: any StorageAccount

  /// Chooses names for a new table's files in `directory`. The files are charged to `storage`.
  init(directory: String, storage: any StorageAccount) {
    self.storage = storage
    let table = Self.tables.add(1, ordering: .relaxed).newValue
    prefix = "\(directory)/table-\(table)"
  }

  /// Creates the file of a column's values, all zeros: `count` values or, for strings, `count + 1` offsets. Removes files made
  /// for the column before.
  func values(column: Int, type: ColumnType, count: Int) throws(GraphStoreError) -> MappedFile {
    let path = "\(prefix)-\(column).values"
    unlink(path)
    unlink("\(prefix)-\(column).characters")
    return try MappedFile.create(
      path: path, byteCount: (type.isVariable ? count + 1 : count) * type.stride, storage: storage)
  }

  /// Creates the file of a column's characters.
  func characters(column: Int, byteCount: Int) throws(GraphStoreError) -> MappedFile {
    try MappedFile.create(path: "\(prefix)-\(column).characters", byteCount: byteCount, storage: storage)
  }

  /// Creates the file of a column's characters when their number is not yet known.
  func writer(column: Int) throws(GraphStoreError) -> ColumnFileWriter {
    try ColumnFileWriter(path: "\(prefix)-\(column).characters", storage: storage)
  }
}

/// A growing file to which several threads write non-overlapping parts.
///
/// It is open only while a part is written, because a table can have more columns than a process may have open files.
final class ColumnFileWriter: Sendable {
  private let path: String
  private let byteCount = Atomic<Int>(0)
  private let reservation: StorageReservation

  /// Creates an empty file whose bytes are charged to `storage`.
  init(path: String, storage: any StorageAccount) throws(GraphStoreError) {
    self.path = path
    reservation = try storage.reserve(0, as: .mappedFile)
    _ = try MappedFile.create(path: path, byteCount: 0)
  }

  /// Reserves room for parts of the given sizes after everything reserved before, and returns the offset of each.
  func reserve(_ byteCounts: [Int]) throws(GraphStoreError) -> [Int] {
    try reservation.extend(by: byteCounts.reduce(0, +))
    var end = byteCount.load(ordering: .relaxed)
    let starts = byteCounts.map { count in
      defer { end += count }
      return end
    }
    byteCount.store(end, ordering: .relaxed)
    return starts
  }

  /// Writes a part.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(GraphStoreError) {
    guard !bytes.isEmpty else { return }
    let descriptor = open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("cannot open", path) }
    defer { close(descriptor) }
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .system("cannot write to", path) }
      done += count
    }
  }

  /// Maps the file for reading. Call it when all parts have been written.
  func finish() throws(GraphStoreError) -> MappedFile {
    try MappedFile.open(path: path, reservation: reservation)
  }
}
