import Foundation
import GRDB

/// The tables of a store and how those of older formats become those of this one.
///
/// A *version* is what a transaction made of a key. It has a *place*: the transaction's revision and its turn in it, so
/// that the versions of a revision lie together, and those of a key in the index are in order.
struct SQLiteSchema: Sendable {
  /// Marks the file as a state store ("GSst"), in its header.
  static let applicationID: Int32 = 0x4753_7374
  /// Bits of a place below the revision: more than the changes of any transaction.
  static let placeBits: Int64 = 16

  /// The format that this program writes.
  var format: Int
  /// What makes the format `n + 1` of the format `n`.
  var migrations: [Int: @Sendable (Database) throws -> Void]

  /// The format of this program.
  static let current = SQLiteSchema(format: 1, migrations: [:])

  /// The first place of a revision.
  static func place(_ revision: Revision) -> Int64 { revision << placeBits }

  /// Makes the tables of format 1 in an empty database.
  static func create(_ db: Database) throws {
    try db.execute(
      sql: """
        CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE transactions(
          revision INTEGER PRIMARY KEY, time INTEGER NOT NULL, id TEXT NOT NULL, author TEXT NOT NULL,
          summary TEXT NOT NULL);
        CREATE UNIQUE INDEX transactions_id ON transactions(id);
        -- A version whose "created" is 0 is the deletion of its key. An empty value is NULL.
        CREATE TABLE versions(
          place INTEGER PRIMARY KEY, key TEXT NOT NULL, created INTEGER NOT NULL, lease INTEGER,
          lease_milliseconds INTEGER, value BLOB);
        CREATE INDEX versions_key ON versions(key);
        CREATE TABLE entries(key TEXT PRIMARY KEY, place INTEGER NOT NULL, lease INTEGER) WITHOUT ROWID;
        CREATE INDEX entries_lease ON entries(lease) WHERE lease IS NOT NULL;
        CREATE TABLE leases(id INTEGER PRIMARY KEY, milliseconds INTEGER NOT NULL);
        """)
    try db.execute(sql: "PRAGMA application_id = \(applicationID)")
    try Meta.set(.format, "1", db)
    try Meta.set(.floor, "0", db)
    try Meta.set(.swept, "0", db)
  }

  /// Brings a database of an older format to this one, step by step.
  func migrate(_ db: Database, from old: Int) throws {
    for step in old..<format {
      guard let migration = migrations[step] else {
        throw StateStoreError(.damaged, "there is no way from format \(step) of the state store to format \(step + 1)")
      }
      try migration(db)
      try Meta.set(.format, String(step + 1), db)
    }
  }
}

/// The store's few facts about itself.
enum Meta: String {
  /// The format of the tables.
  case format
  /// Who wrote last.
  case writer
  /// The oldest revision whose state is known.
  case floor
  /// The place up to which compaction has come.
  case swept

  static func text(_ name: Meta, _ db: Database) throws -> String? {
    try String.fetchOne(
      db.cachedStatement(sql: "SELECT value FROM meta WHERE name = ?"), arguments: [name.rawValue])
  }

  static func number(_ name: Meta, _ db: Database) throws -> Int64 {
    let text = try text(name, db)
    guard let text, let number = Int64(text), number >= 0 else {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "'\(name.rawValue)' in meta is '\(text ?? "missing")'")
    }
    return number
  }

  static func set(_ name: Meta, _ value: String, _ db: Database) throws {
    try db.cachedStatement(sql: "INSERT OR REPLACE INTO meta(name, value) VALUES (?, ?)")
      .execute(arguments: [name.rawValue, value])
  }
}
