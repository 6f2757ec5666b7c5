import Foundation
import GRDB

/// Reads entries and transactions from the tables, within one SQLite transaction and thus from a single snapshot.
struct SQLiteReading {
  let db: Database

  /// The newest revision.
  func head() throws -> Revision {
    try Int64.fetchOne(db.cachedStatement(sql: "SELECT max(revision) FROM transactions")) ?? 0
  }

  /// Returns the newest revision, or an earlier one whose state is still known.
  func readable(_ revision: Revision?) throws -> Revision {
    let head = try head()
    guard let revision else { return head }
    guard revision <= head else { throw futureRevision(revision, newest: head) }
    let floor = try Meta.number(.floor, db)
    guard revision >= floor else { throw compactedRevision(revision, oldest: floor) }
    return revision
  }

  /// Returns the entry of a key at a revision.
  func entry(_ key: String, at revision: Revision) throws -> StateEntry? {
    let sql = """
      SELECT \(SQLiteVersion.columns) FROM versions v WHERE v.key = ? AND v.place < ? ORDER BY v.place DESC LIMIT 1
      """
    let row = try Row.fetchOne(
      db.cachedStatement(sql: sql), arguments: [key, SQLiteSchema.place(revision + 1)])
    return try row.flatMap { try SQLiteVersion($0).entry }
  }

  /// Returns the current entries with a prefix.
  func currentEntries(prefix: String) throws -> [StateEntry] {
    let sql = """
      SELECT \(SQLiteVersion.columns) FROM entries e JOIN versions v ON v.place = e.place
      WHERE e.key >= CAST(? AS TEXT) AND (? OR e.key < CAST(? AS TEXT)) ORDER BY e.key
      """
    return try entries(sql, prefix: prefix, [])
  }

  /// Returns the entries with a prefix at a revision.
  func entries(prefix: String, at revision: Revision) throws -> [StateEntry] {
    let sql = """
      SELECT \(SQLiteVersion.columns) FROM versions v INDEXED BY versions_key
      WHERE v.key >= CAST(? AS TEXT) AND (? OR v.key < CAST(? AS TEXT)) AND v.created > 0
        AND v.place = (SELECT max(w.place) FROM versions w WHERE w.key = v.key AND w.place < ?)
      ORDER BY v.key
      """
    return try entries(sql, prefix: prefix, [SQLiteSchema.place(revision + 1)])
  }

  private func entries(_ sql: String, prefix: String, _ more: StatementArguments) throws -> [StateEntry] {
    let range = PrefixRange(prefix)
    let rows = try Row.fetchCursor(db.cachedStatement(sql: sql), arguments: range.arguments + more)
    var entries: [StateEntry] = []
    while let row = try rows.next() {
      if let entry = try SQLiteVersion(row).entry { entries.append(entry) }
    }
    return entries
  }

  // MARK: - Transactions

  /// Returns the transactions after a revision in order: at most `limit`, and fewer if they carry more than `byteBound` bytes.
  /// - Parameter prefix: Restricts the transactions and their changes to keys with this prefix; nil for all.
  /// - Throws: `StateStoreError` of code `compacted` if the history does not reach back that far.
  func records(after revision: Revision, prefix: String?, limit: Int, byteBound: Int) throws -> RecordPage {
    let floor = try Meta.number(.floor, db)
    guard revision >= max(0, floor - 1) else { throw compactedRevision(revision, oldest: floor) }
    let head = try head()
    guard limit > 0, revision < head else { return RecordPage(records: [], scannedTo: max(revision, head)) }
    let rows = try Row.fetchCursor(
      db.cachedStatement(sql: prefix == nil ? Self.allRecords : Self.matchingRecords),
      arguments: [revision] + (prefix.map { PrefixRange($0).arguments } ?? []))
    return try page(of: rows, limit: limit, byteBound: byteBound, head: head)
  }

  private static let columns = """
    t.revision, t.time, t.id, t.author, t.summary, \(SQLiteVersion.columns)
    """
  private static let places = """
    v.place >= t.revision << \(SQLiteSchema.placeBits) AND v.place < (t.revision + 1) << \(SQLiteSchema.placeBits)
    """
  /// Selects all transactions with their changes.
  static let allRecords = """
    SELECT \(columns) FROM transactions t LEFT JOIN versions v ON \(places) WHERE t.revision > ?
    ORDER BY t.revision, v.place
    """
  /// Selects the transactions that change certain keys, with these changes.
  // The unary plus keeps SQLite from using the index of keys: transactions are read in order, and few at a time.
  static let matchingRecords = """
    SELECT \(columns) FROM transactions t CROSS JOIN versions v ON \(places) WHERE t.revision > ?
      AND +v.key >= CAST(? AS TEXT) AND (? OR +v.key < CAST(? AS TEXT))
    ORDER BY t.revision, v.place
    """

  private func page(of rows: RowCursor, limit: Int, byteBound: Int, head: Revision) throws -> RecordPage {
    var records: [StateRecord] = []
    var size = 0
    while let row = try rows.next() {
      let revision: Int64 = row[0]
      if records.last?.revision != revision {
        if records.count == limit || size >= byteBound {
          return RecordPage(records: records, scannedTo: records.last!.revision)
        }
        records.append(
          StateRecord(
            revision: revision, timeMilliseconds: row[1], id: row[2], author: row[3], summary: row[4], changes: []))
        size += 256
      }
      guard let change = try Self.change(row) else { continue }
      records[records.count - 1].changes.append(change)
      if case .put(_, let value, _) = change { size += value.count }
    }
    return RecordPage(records: records, scannedTo: head)
  }

  private static func change(_ row: Row) throws -> StateChange? {
    guard !(row[5] as DatabaseValue).isNull else { return nil }
    let version = try SQLiteVersion(row, from: 5)
    guard !version.isDeletion else { return .delete(version.key) }
    return .put(
      version.key, version.value,
      lease: version.lease.map {
        StateLease(id: $0, timeToLive: .milliseconds(version.leaseMilliseconds ?? 0))
      })
  }
}

/// The keys that begin with a prefix, as a range of bytes: `low <= key`, and `key < high` unless it is unbounded.
struct PrefixRange {
  let arguments: StatementArguments

  init(_ prefix: String) {
    var high = Array(prefix.utf8)
    // No byte of UTF-8 is 0xff, so the next larger byte always exists.
    if let last = high.popLast() { high.append(last + 1) }
    arguments = [Data(prefix.utf8), high.isEmpty, Data(high)]
  }
}
