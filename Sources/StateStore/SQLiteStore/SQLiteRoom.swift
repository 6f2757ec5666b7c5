import GRDB

/// How much of its maximum size a database uses. The last part is reserved for transactions that free space, and for operators: a
/// client that has filled the store must be able to give space back, so that others are affected only briefly.
struct SQLiteRoom {
  let options: SQLiteStateStore.Options

  private static let pageSize: Int64 = 4_096

  /// Returns whether only the reserve is left, as seen within a transaction.
  func isLow(_ db: Database) throws -> Bool {
    let ordinary = max(16, (options.maximumBytes - options.reservedBytes) / Self.pageSize)
    let pages = try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA page_count")) ?? 0
    guard pages > ordinary else { return false }
    return pages - (try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA freelist_count")) ?? 0) > ordinary
  }

  /// The error of a transaction that may not use the reserve.
  var error: DatabaseError {
    DatabaseError(
      resultCode: .SQLITE_FULL,
      message: "the limit is \(options.maximumBytes) bytes, the last of which are reserved for closing and unloading")
  }
}
