import GRDB
import Synchronization

extension SQLiteStateStore {
  /// The number of rows deleted in one transaction; commits run in between.
  private static let slice = 256

  /// Discards what was overwritten or deleted before a revision; see `StateStore`. Reads of older revisions fail from then on;
  /// the space is released in slices, and this returns when that is done.
  public func compact(before revision: Revision) async throws {
    try requireOpen()
    try await raiseFloor(to: revision)
    while try await write(Self.sweepSlice) {}
  }

  /// Compacts in the background if the history has exceeded its limit.
  func startSweep() {
    let bound = options.historyBound
    if bell.head - floor.withLock({ $0 }) > Revision(bound + bound / 10) { makeRoom(keeping: bound) }
  }

  /// Compacts in the background, keeping only some transactions: when the store is full, its history is shortened.
  func makeRoom(keeping transactions: Int) {
    let isDue = sweeping.withLock { isRunning in
      guard !isRunning, bell.head - Revision(transactions) > floor.withLock({ $0 }) else { return false }
      isRunning = true
      return true
    }
    guard isDue else { return }
    // Not a child task: the transaction that found the store full must not wait for it, and `close` waits for its last write.
    Task { [weak self] in
      // If the disk is full, the next transaction tries again.
      try? await self?.compactToNewest(transactions)
      self?.sweeping.withLock { $0 = false }
    }
  }

  private func compactToNewest(_ transactions: Int) async throws {
    try await compact(before: bell.head - Revision(transactions))
  }

  /// Makes the state before a revision unreadable; `compact` then deletes it.
  func raiseFloor(to revision: Revision) async throws {
    let reached = try await write { db in
      let head = try SQLiteReading(db: db).head()
      guard revision <= head else { throw futureRevision(revision, newest: head) }
      let floor = try Meta.number(.floor, db)
      if revision > floor { try Meta.set(.floor, String(revision), db) }
      return max(floor, revision)
    }
    floor.withLock { $0 = max($0, reached) }
  }

  /// Deletes a slice of the discarded rows: versions superseded by those between the end of the last slice and the floor, and
  /// transactions before the floor.
  /// - Returns: Whether more rows remain.
  @Sendable private static func sweepSlice(_ db: Database) throws -> Bool {
    let floor = try Meta.number(.floor, db)
    let end = SQLiteSchema.place(floor + 1)
    let rows = try Row.fetchAll(
      db.cachedStatement(
        sql: "SELECT place, key, created FROM versions WHERE place >= ? AND place < ? ORDER BY place LIMIT ?"),
      arguments: [try Meta.number(.swept, db), end, slice])
    let deleteOlder = try db.cachedStatement(sql: "DELETE FROM versions WHERE key = ? AND place < ?")
    let delete = try db.cachedStatement(sql: "DELETE FROM versions WHERE place = ?")
    for row in rows {
      let place: Int64 = row[0]
      let (key, created): (String, Int64) = (try row.part(1), try row.part(2))
      try deleteOlder.execute(arguments: [key, place])
      // A deletion matters only at its own revision and later, where the absence of a version means the same.
      if created == 0, place < SQLiteSchema.place(floor) { try delete.execute(arguments: [place]) }
    }
    let isLast = rows.count < slice
    // Versions at the floor stay; they are examined again when the floor rises.
    let swept = isLast ? SQLiteSchema.place(floor) : (rows.last![0] as Int64) + 1
    try Meta.set(.swept, String(swept), db)
    try db.cachedStatement(
      sql: """
        DELETE FROM transactions WHERE revision IN
          (SELECT revision FROM transactions WHERE revision < ? ORDER BY revision LIMIT ?)
        """
    ).execute(arguments: [floor, slice])
    return !isLast || db.changesCount == slice
  }
}
