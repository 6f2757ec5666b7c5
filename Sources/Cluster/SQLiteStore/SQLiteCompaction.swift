import GRDB

extension SQLiteStateStore {
  /// Rows that are deleted in one transaction; commits come in between.
  private static let slice = 256

  /// Forgets what was overwritten or deleted before a revision; see `StateStore`. Reads of older revisions fail from
  /// now on; the space is given back slice by slice, and this returns when that is done.
  public func compact(before revision: Revision) async throws {
    try requireOpen()
    try await raiseFloor(to: revision)
    while try await write(Self.sweepSlice) {}
  }

  /// Compacts in the background when the history has outgrown its bound.
  func startSweep() {
    let bound = Revision(options.historyBound)
    let excess = bell.head - floor.withLock { $0 } > bound + bound / 10
    let isFirst = sweeping.withLock { isRunning in
      defer { if excess { isRunning = true } }
      return !isRunning
    }
    guard excess, isFirst else { return }
    Task { [weak self] in
      // A full disk: the next transaction tries again.
      try? await self?.compactToBound()
      self?.sweeping.withLock { $0 = false }
    }
  }

  private func compactToBound() async throws {
    try await compact(before: bell.head - Revision(options.historyBound))
  }

  /// Makes what is before a revision unreadable; `compact` then deletes it.
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

  /// Deletes some of what is forgotten: the versions that those from where the last slice ended up to the floor have
  /// superseded, and transactions before the floor.
  /// - Returns: whether there is more.
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
      try deleteOlder.execute(arguments: [row[1] as String, place])
      // A deletion needs to be known only at its own revision and after, where the absence of a version says the same.
      if row[2] as Int64 == 0, place < SQLiteSchema.place(floor) { try delete.execute(arguments: [place]) }
    }
    let isLast = rows.count < slice
    // Versions at the floor stay; they are looked at again when the floor rises.
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
