import Glibc
import Synchronization

/// Makes the files of one table's columns in a directory that may hold those of other tables too.
struct ColumnFileStaging: Sendable {
  private static let tables = Atomic<Int>(0)
  private let prefix: String

  /// Names for a new table's files in `directory`.
  init(directory: String) {
    let table = Self.tables.add(1, ordering: .relaxed).newValue
    prefix = "\(directory)/table-\(table)"
  }

  /// Makes the file of a column's values, all zeros: of `count` values, or of one more offset for strings. A file that
  /// was made for the column before is removed.
  func values(column: Int, type: ColumnType, count: Int) throws(GraphStoreError) -> MappedFile {
    let path = "\(prefix)-\(column).values"
    unlink(path)
    return try MappedFile.create(path: path, byteCount: (type == .string ? count + 1 : count) * type.stride)
  }

  /// Makes the file of a column's characters.
  func characters(column: Int, byteCount: Int) throws(GraphStoreError) -> MappedFile {
    let path = "\(prefix)-\(column).characters"
    unlink(path)
    return try MappedFile.create(path: path, byteCount: byteCount)
  }
}
