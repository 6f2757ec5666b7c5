import Foundation
import GRDB

/// What a transaction became.
enum AppliedTransaction {
  /// It has this revision and changed these keys.
  case new(Revision, keys: [String])
  /// One of its id was applied before.
  case repeated(Revision)
}

/// Applies transactions to the tables. It runs on the writer's queue, inside a transaction of SQLite.
struct SQLiteWriting {
  let options: SQLiteStateStore.Options
  /// The time to live of a lease that lives.
  let timeToLive: @Sendable (Int64) -> Duration?

  private static let insertTransaction =
    "INSERT INTO transactions(revision, time, id, author, summary) VALUES (?, ?, ?, ?, ?)"
  private static let insertVersion =
    "INSERT INTO versions(place, key, created, lease, lease_milliseconds, value) VALUES (?, ?, ?, ?, ?, ?)"
  private static let current =
    "SELECT e.place, v.created FROM entries e JOIN versions v ON v.place = e.place WHERE e.key = ?"

  /// Applies a transaction that `StateLimits` has checked as the one after `head`. Whatever forbids it is found before
  /// the first write, so that a refusal leaves nothing to undo.
  func apply(_ transaction: StateTransaction, after head: Revision, _ db: Database) throws -> AppliedTransaction {
    let known = try Int64.fetchOne(
      db.cachedStatement(sql: "SELECT revision FROM transactions WHERE id = ?"), arguments: [transaction.id])
    if let known { return .repeated(known) }
    for condition in transaction.conditions {
      let modified = try modified(condition.key, db)
      guard condition.holds(modified: modified) else { throw condition.conflict(modified: modified) }
    }
    try checkLeases(transaction.changes, db)
    return .new(head + 1, keys: try write(transaction, revision: head + 1, db))
  }

  /// Writes a transaction without asking whether it may be.
  /// - Returns: the keys that changed.
  func write(_ transaction: StateTransaction, revision: Revision, _ db: Database) throws -> [String] {
    try db.cachedStatement(sql: Self.insertTransaction).execute(
      arguments: [revision, nowMilliseconds(), transaction.id, transaction.author, transaction.summary])
    var place = SQLiteSchema.place(revision)
    var keys: [String] = []
    for change in transaction.changes where try write(change, place: place, db) {
      place += 1
      keys.append(change.key)
    }
    return keys
  }

  /// - Returns: false when there was nothing to delete.
  private func write(_ change: StateChange, place: Int64, _ db: Database) throws -> Bool {
    let insert = try db.cachedStatement(sql: Self.insertVersion)
    switch change {
    case .put(let key, let value, let lease):
      let old = try Row.fetchOne(db.cachedStatement(sql: Self.current), arguments: [key])
      let created = old.map { $0[1] as Int64 } ?? place >> SQLiteSchema.placeBits
      try insert.execute(
        arguments: [
          place, key, created, lease?.id, lease?.timeToLive.wholeMilliseconds, value.isEmpty ? nil : Data(value),
        ])
      try db.cachedStatement(sql: "INSERT OR REPLACE INTO entries(key, place, lease) VALUES (?, ?, ?)")
        .execute(arguments: [key, place, lease?.id])
    case .delete(let key):
      try db.cachedStatement(sql: "DELETE FROM entries WHERE key = ?").execute(arguments: [key])
      guard db.changesCount > 0 else { return false }
      try insert.execute(arguments: [place, key, 0, nil, nil, nil])
    }
    return true
  }

  private func modified(_ key: String, _ db: Database) throws -> Revision? {
    try Int64.fetchOne(db.cachedStatement(sql: "SELECT place FROM entries WHERE key = ?"), arguments: [key])
      .map { $0 >> SQLiteSchema.placeBits }
  }

  private func checkLeases(_ changes: [StateChange], _ db: Database) throws {
    var keys: [Int64: Int] = [:]
    for case .put(_, _, let lease?) in changes { keys[lease.id, default: 0] += 1 }
    for (id, added) in keys {
      guard timeToLive(id) != nil else { throw leaseExpired(id) }
      let count = try Int.fetchOne(
        db.cachedStatement(sql: "SELECT count(*) FROM entries WHERE lease = ?"), arguments: [id])
      guard (count ?? 0) + added <= options.leaseKeyBound else {
        throw StateStoreError(
          .full, "the lease \(id) has \(options.leaseKeyBound) keys, which is the bound: take another lease")
      }
    }
  }
}
