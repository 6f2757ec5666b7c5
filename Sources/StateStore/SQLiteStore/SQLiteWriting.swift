import GRDB
import Support

/// The outcome of a transaction.
enum AppliedTransaction {
  /// It was applied at this revision and changed these keys.
  case new(Revision, keys: [String])
  /// A transaction of the same id was applied before, at this revision.
  case repeated(Revision)
}

/// Applies transactions to the tables. Runs on the writer's queue, within a SQLite transaction.
struct SQLiteWriting {
  let options: SQLiteStateStore.Options
  /// Returns the time to live of a live lease; nil otherwise.
  let timeToLive: @Sendable (Int64) -> Duration?

  private static let insertTransaction =
    "INSERT INTO transactions(revision, time, id, author, summary) VALUES (?, ?, ?, ?, ?)"
  private static let current =
    "SELECT e.place, v.created FROM entries e JOIN versions v ON v.place = e.place WHERE e.key = ?"

  /// Applies a transaction, already checked by `StateLimits`, as the successor of `head`. All reasons to reject it are checked
  /// before the first write, so a rejection leaves nothing to undo.
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

  /// Writes a transaction without checks.
  /// - Returns: The keys that changed.
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

  /// - Returns: False if there was nothing to delete.
  private func write(_ change: StateChange, place: Int64, _ db: Database) throws -> Bool {
    switch change {
    case .put(let key, let value, let lease):
      let old = try Row.fetchOne(db.cachedStatement(sql: Self.current), arguments: [key])
      let created = old.map { $0[1] as Int64 } ?? place >> SQLiteSchema.placeBits
      try SQLiteVersion(place: place, key: key, created: created, lease: lease, value: value).insert(db)
      try db.cachedStatement(sql: "INSERT OR REPLACE INTO entries(key, place, lease) VALUES (?, ?, ?)")
        .execute(arguments: [key, place, lease?.id])
    case .delete(let key):
      try db.cachedStatement(sql: "DELETE FROM entries WHERE key = ?").execute(arguments: [key])
      guard db.changesCount > 0 else { return false }
      try SQLiteVersion(place: place, key: key, created: 0, lease: nil, value: []).insert(db)
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
          .full, "the lease \(id) has \(options.leaseKeyBound) keys, which is the limit: use another lease")
      }
    }
  }
}
