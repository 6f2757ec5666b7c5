import Foundation
import GRDB
import Wire

/// What a repair saved and what is lost.
public struct StateRepairReport: Sendable, Equatable {
  /// Where the damaged database is now.
  public var damagedPath: String
  /// Keys that are in the repaired store.
  public var savedKeys = 0
  /// Keys that were there, and whose values could not be read.
  public var lostKeys: [String] = []
  /// Keys that have an earlier value now, since the newest could not be read.
  public var outdatedKeys: [String] = []
  /// Keys that may have been deleted: no list of the keys that there were could be read for them.
  public var unconfirmedKeys: [String] = []
  /// Keys whose value is not JSON, and may be damaged.
  public var suspectKeys: [String] = []
  /// Rows that could not be read, of whatever table.
  public var unreadableRows = 0
  /// The revision of the repair. What was before it is forgotten.
  public var revision: Revision = 0
}

extension SQLiteStateStore {
  /// Makes a whole store of what can be read in a damaged one: the newest state; the history begins anew. The damaged
  /// files are kept beside it.
  /// - Returns: what was saved and lost; nil when the store is not damaged and nothing was done.
  /// - Throws: `StateStoreError`: `inUse`, `tooNew`, `damaged` when nothing can be read, or `full`.
  public static func repair(directory: String) async throws -> StateRepairReport? {
    try await onThread {
      let lock = try SQLiteLock(directory: directory)
      defer { lock.release(note: lock.lastNote) }
      let path = SQLiteOpening.path(in: directory)
      guard fileSize(path) != nil || fileSize(path + "-wal") != nil else {
        throw StateStoreError(.invalidArgument, "there is no state store in '\(directory)'")
      }
      if try isWhole(path) { return nil }
      return try rebuild(directory)
    }
  }

  /// Whether SQLite finds no fault, in its indexes neither.
  private static func isWhole(_ path: String) throws -> Bool {
    do {
      try SQLiteHeader(path: path, errors: SQLiteErrors(path: path)).check(hasJournal: fileSize(path + "-wal") ?? 0 > 0)
      let queue = try DatabaseQueue(path: path)
      defer { try? queue.close() }
      return try queue.inDatabase { db in
        guard try String.fetchOne(db, sql: "PRAGMA integrity_check(1)") == "ok" else { return false }
        _ = try Meta.number(.format, db)
        _ = try Meta.number(.floor, db)
        _ = try Meta.number(.swept, db)
        _ = try SQLiteReading(db: db).currentEntries(prefix: "\u{10ffff}")
        return true
      }
    } catch {
      let error = SQLiteErrors(path: path).translated(error)
      if error.code == .damaged || error.code == .invalidArgument { return false }
      throw error
    }
  }

  private static func rebuild(_ directory: String) throws -> StateRepairReport {
    let path = SQLiteOpening.path(in: directory)
    let errors = SQLiteErrors(path: path)
    let salvage = SQLiteSalvage(try SQLitePages(path: path))
    guard !salvage.isEmpty else {
      throw StateStoreError(
        .damaged,
        "nothing in '\(path)' can be read as a state store. Restore a backup with 'gscoordinator state restore --from "
          + "<backup>', or move the file away to begin with an empty store")
    }
    if let format = salvage.format, format > SQLiteSchema.current.format {
      throw StateStoreError(
        .tooNew, "the state store '\(path)' has format \(format): repair it with the program that wrote it")
    }
    let draft = path + ".repairing"
    removeDatabase(draft)
    defer { removeDatabase(draft) }
    do {
      try makeEmptyFile(draft, errors)
      let queue = try DatabaseQueue(path: draft)
      var report = StateRepairReport(damagedPath: "")
      try queue.write { db in
        try SQLiteSchema.create(db)
        report = try write(salvage, db)
      }
      try queue.close()
      report.damagedPath = try setAside(directory, as: "damaged") ?? path
      try moveDurably(draft, to: path, errors)
      return report
    } catch {
      throw errors.translated(error)
    }
  }

  private static func write(_ salvage: SQLiteSalvage, _ db: Database) throws -> StateRepairReport {
    var report = StateRepairReport(damagedPath: "", unreadableRows: salvage.unreadableRows)
    for (id, milliseconds) in salvage.leases { try write(lease: id, milliseconds: milliseconds, db) }
    for key in salvage.newest.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      let version = salvage.newest[key]!
      let name = String(decoding: key, as: UTF8.self)
      let listed = salvage.entries[key]
      // The newest that was found is a deletion, and nothing says that the key came back.
      if version.created == 0, listed == nil || listed! <= version.place { continue }
      guard version.created > 0, let content = salvage.content(of: version) else {
        report.lostKeys.append(name)
        continue
      }
      if listed == nil { report.unconfirmedKeys.append(name) }
      if let listed, listed > version.place { report.outdatedKeys.append(name) }
      if !isJSON(content.value) { report.suspectKeys.append(name) }
      if let lease = content.lease, salvage.leases[lease] == nil {
        try write(lease: lease, milliseconds: content.milliseconds ?? 60_000, db)
      }
      try db.cachedStatement(sql: "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)").execute(
        arguments: [
          version.place, name, version.created, content.lease, content.milliseconds,
          content.value.isEmpty ? nil : Data(content.value),
        ])
      try db.cachedStatement(sql: "INSERT INTO entries VALUES (?, ?, ?)")
        .execute(arguments: [name, version.place, content.lease])
      report.savedKeys += 1
    }
    report.lostKeys += salvage.entries.keys.filter { salvage.newest[$0] == nil }.map {
      String(decoding: $0, as: UTF8.self)
    }
    report.lostKeys.sort()
    report.revision = salvage.head + 1
    try writeRecord(report, db)
    return report
  }

  /// The repair is the first transaction of the new history.
  private static func writeRecord(_ report: StateRepairReport, _ db: Database) throws {
    try db.execute(
      sql: "INSERT INTO transactions VALUES (?, ?, ?, ?, ?)",
      arguments: [
        report.revision, nowMilliseconds(), "repair-" + randomStateID(), "repair",
        "saved \(report.savedKeys) keys of a damaged store, lost \(report.lostKeys.count)",
      ])
    try Meta.set(.floor, String(report.revision), db)
    try Meta.set(.writer, "repair", db)
  }

  private static func write(lease: Int64, milliseconds: Int64, _ db: Database) throws {
    try db.cachedStatement(sql: "INSERT OR IGNORE INTO leases VALUES (?, ?)")
      .execute(arguments: [lease, min(max(1, milliseconds), 365 * 86_400_000)])
  }

  private static func isJSON(_ value: [UInt8]) -> Bool {
    String(validating: value, as: UTF8.self).map { (try? JSONValue(parsing: $0)) != nil } ?? false
  }
}
