import Foundation
import GRDB
import Support

/// A row of the table of versions, with a checksum: SQLite itself has none, so a flipped bit in a value would be read as if it
/// had been written.
struct SQLiteVersion {
  var place: Int64
  var key: String
  /// 0 for the deletion of the key.
  var created: Revision
  var lease: Int64?
  var leaseMilliseconds: Int64?
  var value: [UInt8]

  /// The columns in the order of this type, for queries of the table `v`.
  static let columns = "v.place, v.key, v.created, v.lease, v.lease_milliseconds, v.value, v.checksum"
  private static let insertion = "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?)"

  /// Reads the columns starting at the given index.
  /// - Throws: `DatabaseError` if the row is not what was written.
  init(_ row: Row, from first: Int = 0) throws {
    // A damaged row may hold values of any type.
    place = try row.part(first)
    key = try row.part(first + 1)
    created = try row.part(first + 2)
    lease = Int64.fromDatabaseValue(row[first + 3])
    leaseMilliseconds = Int64.fromDatabaseValue(row[first + 4])
    value = (try? row.withUnsafeData(atIndex: first + 5) { data in data.map { [UInt8]($0) } }) ?? []
    guard try row.part(first + 6) == checksum else {
      throw DatabaseError(
        resultCode: .SQLITE_CORRUPT, message: "the value of '\(key)' at \(place) is not what was written")
    }
  }

  /// Creates a new row.
  init(place: Int64, key: String, created: Revision, lease: StateLease?, value: [UInt8]) {
    self.place = place
    self.key = key
    self.created = created
    self.lease = lease?.id
    leaseMilliseconds = lease?.timeToLive.wholeMilliseconds
    self.value = value
  }

  /// Whether this version deletes its key.
  var isDeletion: Bool { created == 0 }

  /// The entry of the key; nil if it was deleted.
  var entry: StateEntry? {
    guard created > 0 else { return nil }
    return StateEntry(key: key, value: value, created: created, modified: place >> SQLiteSchema.placeBits)
  }

  /// Inserts the row into the table.
  func insert(_ db: Database) throws {
    try db.cachedStatement(sql: Self.insertion).execute(
      arguments: [place, key, created, lease, leaseMilliseconds, value.isEmpty ? nil : Data(value), checksum])
  }

  /// The checksum of all columns.
  var checksum: Int64 {
    var sum = [place, created, lease ?? 0, leaseMilliseconds ?? 0].withUnsafeBytes { stateChecksum($0) }
    var key = key
    sum = key.withUTF8 { stateChecksum(UnsafeRawBufferPointer($0), seed: sum) }
    sum = value.withUnsafeBytes { stateChecksum($0, seed: sum) }
    return Int64(bitPattern: sum)
  }

  /// Migrates from format 1, which had no checksums, to format 2; existing rows are assumed correct.
  @Sendable static func addChecksums(_ db: Database) throws {
    try db.execute(sql: "ALTER TABLE versions ADD COLUMN checksum INTEGER")
    let update = try db.makeStatement(sql: "UPDATE versions SET checksum = ? WHERE place = ?")
    var last = Int64.min
    while true {
      let rows = try Row.fetchAll(
        db, sql: "SELECT * FROM versions WHERE place > ? ORDER BY place LIMIT 256", arguments: [last])
      guard let end = rows.last else { return }
      for row in rows {
        let version = SQLiteVersion(unchecked: row)
        try update.execute(arguments: [version.checksum, version.place])
      }
      last = end[0]
    }
  }

  private init(unchecked row: Row) {
    let lease = (row[3] as Int64?).map { StateLease(id: $0, timeToLive: .milliseconds(row[4] as Int64? ?? 0)) }
    let value = (try? row.withUnsafeData(atIndex: 5) { data in data.map { [UInt8]($0) } }) ?? []
    self.init(place: row[0], key: row[1], created: row[2], lease: lease, value: value)
    leaseMilliseconds = row[4]
  }

  /// Verifies every current key and its value.
  /// - Throws: `DatabaseError` if a row is not what was written.
  static func checkCurrent(_ db: Database) throws {
    let rows = try Row.fetchCursor(
      db, sql: "SELECT e.key, \(columns) FROM entries e LEFT JOIN versions v ON v.place = e.place")
    while let row = try rows.next() {
      let key: String = try row.part(0)
      guard !(row[1] as DatabaseValue).isNull else {
        throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the value of '\(key)' is missing")
      }
      let version = try SQLiteVersion(row, from: 1)
      guard version.key == key, !version.isDeletion else {
        throw DatabaseError(
          resultCode: .SQLITE_CORRUPT, message: "the value of '\(key)' is that of '\(version.key)'")
      }
    }
  }
}

extension Row {
  /// Returns a column, which must exist and have the given type.
  /// - Throws: `DatabaseError` otherwise.
  func part<Value: DatabaseValueConvertible>(_ index: Int) throws -> Value {
    guard let value = Value.fromDatabaseValue(self[index]) else {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a column of a row has the wrong type")
    }
    return value
  }
}
