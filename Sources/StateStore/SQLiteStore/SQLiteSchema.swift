import Foundation
import GRDB

/// The tables of a store, and the migrations from older formats.
///
/// A *version* is the outcome of a transaction for one key. Its *place* consists of the transaction's revision and its index
/// within the transaction, so that the versions of a revision are adjacent, and those of a key are ordered in the index.
struct SQLiteSchema: Sendable {
  /// The application id in the file header, which marks a state store ("GSst").
  static let applicationID: Int32 = 0x4753_7374
  /// The number of bits of a place below the revision: enough for the changes of any transaction.
  static let placeBits: Int64 = 16

  /// The format that this schema describes.
  var format: Int
  /// The migration from format `n` to format `n + 1`, by `n`.
  var migrations: [Int: @Sendable (Database) throws -> Void]

  /// The format of this program.
  static let current = SQLiteSchema(format: 2, migrations: [1: SQLiteVersion.addChecksums])

  /// Returns the first place of a revision.
  static func place(_ revision: Revision) -> Int64 { revision << placeBits }

  /// Creates the tables of this format in an empty database.
  func create(_ db: Database, identity: String) throws {
    try Self.createFirst(db)
    try migrate(db, from: 1)
    try Meta.set(.identity, identity, db)
  }

  /// Creates the tables of format 1 in an empty database.
  private static func createFirst(_ db: Database) throws {
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

  /// Migrates a database from an older format, step by step.
  func migrate(_ db: Database, from old: Int) throws {
    for step in old..<format {
      guard let migration = migrations[step] else {
        throw StateStoreError(.damaged, "the state store cannot be migrated from format \(step) to format \(step + 1)")
      }
      try migration(db)
      try Meta.set(.format, String(step + 1), db)
    }
  }
}

/// Facts that the store records about itself.
enum Meta: String {
  /// The format of the tables.
  case format
  /// The last program that wrote to the store.
  case writer
  /// The oldest revision whose state is known.
  case floor
  /// The place up to which rows were compacted.
  case swept
  /// The identity of the store, equal to that in the seal.
  case identity

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
