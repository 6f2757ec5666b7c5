import Foundation
import GRDB
import JSON
import Support

/// The result of a repair: what was saved and what was lost.
public struct StateRepairReport: Sendable, Equatable {
  /// The new path of the damaged database; nil if there was none, or if it is intact and stays in place.
  public var damagedPath: String?
  /// The last committed revision, if the data found ends before it.
  public var committedRevision: Revision?
  /// The last revision found.
  public var foundRevision: Revision = 0
  /// The number of keys in the repaired store.
  public var savedKeys = 0
  /// Keys that existed, but whose values could not be read.
  public var lostKeys: [String] = []
  /// Keys that have an earlier value because the newest one could not be read.
  public var outdatedKeys: [String] = []
  /// Keys that may have been deleted: the list of existing keys could not be read for them.
  public var unconfirmedKeys: [String] = []
  /// Keys whose value is not JSON and may be damaged.
  public var suspectKeys: [String] = []
  /// The number of rows that could not be read, in all tables.
  public var unreadableRows = 0
  /// The revision of the repair. The history before it is discarded.
  public var revision: Revision = 0
}

extension SQLiteStateStore {
  /// Builds an intact store from everything readable in a damaged one: the newest state, with a new history. The damaged files
  /// are kept next to it. A store that lacks committed data, or is missing entirely, is accepted as it is, and its seal is
  /// renewed.
  /// - Returns: What was saved and lost; nil if the store is not damaged and nothing was done.
  /// - Throws: `StateStoreError`: `inUse`, `tooNew`, `full`, or `damaged` if nothing is readable and nothing indicates that there
  ///   was a store.
  public static func repair(directory: String) async throws -> StateRepairReport? {
    try await onThread {
      let lock = try SQLiteLock(directory: directory)
      defer { lock.release(note: lock.lastNote) }
      let path = SQLiteOpening.path(in: directory)
      let sealing = SQLiteSealing(directory: directory)
      let seal = try sealing.read()
      guard try existingSize(path) != nil || existingSize(path + "-wal") != nil || seal.isOfStore else {
        throw StateStoreError(.invalidArgument, "there is no state store in '\(directory)'")
      }
      switch try condition(path, sealing) {
      case .whole: return nil
      case .unsealed(let standing): return try accept(standing, sealing)
      case .damaged: return try rebuild(directory, seal)
      }
    }
  }

  private enum Condition {
    case whole
    /// SQLite finds no fault and no transaction is known to be missing, but the seal does not match the store.
    case unsealed(SQLiteSealing.Standing)
    case damaged
  }

  /// Determines whether SQLite finds no fault, including in indexes, and everything committed is present.
  private static func condition(_ path: String, _ sealing: SQLiteSealing) throws -> Condition {
    do {
      try SQLiteHeader(path: path, errors: SQLiteErrors(path: path)).check(hasJournal: fileSize(path + "-wal") ?? 0 > 0)
      if case .seal(let seal) = try sealing.read(), seal.boot == StateSeal.currentBoot,
        try SQLitePages(path: path).damagedFrame != nil
      {
        return .damaged
      }
      var configuration = Configuration()
      configuration.readonly = true
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      defer { try? queue.close() }
      let standing = try queue.inDatabase { try soundStanding($0) }
      guard let standing else { return .damaged }
      guard !sealing.accepts(standing) else { return .whole }
      if case .seal(let seal) = try sealing.read(), standing.head < seal.revision { return .damaged }
      return .unsealed(standing)
    } catch {
      let error = SQLiteErrors(path: path).translated(error)
      if error.code == .damaged || error.code == .invalidArgument { return .damaged }
      throw error
    }
  }

  private static func soundStanding(_ db: Database) throws -> SQLiteSealing.Standing? {
    guard try String.fetchOne(db, sql: "PRAGMA integrity_check(1)") == "ok" else { return nil }
    let format = try Meta.number(.format, db)
    _ = try Meta.number(.floor, db)
    _ = try Meta.number(.swept, db)
    if format >= 2 { try SQLiteVersion.checkCurrent(db) }
    return try SQLiteSealing.Standing(db)
  }

  /// Accepts an intact store as the expected one.
  private static func accept(
    _ standing: SQLiteSealing.Standing, _ sealing: SQLiteSealing
  ) throws -> StateRepairReport {
    try sealing.seal(standing)
    return StateRepairReport(foundRevision: standing.head, revision: standing.head)
  }

  private static func rebuild(_ directory: String, _ seal: StateSealFile.Found) throws -> StateRepairReport {
    let path = SQLiteOpening.path(in: directory)
    let errors = SQLiteErrors(path: path)
    let salvage = SQLiteSalvage(try SQLitePages(path: path))
    guard seal.isOfStore || !salvage.isEmpty else {
      throw StateStoreError(
        .damaged,
        "nothing in '\(path)' can be read as a state store. Restore a backup with 'gscoordinator state restore --from "
          + "<backup>', or move the file away to start with an empty store")
    }
    if let format = salvage.format, format > SQLiteSchema.current.format {
      throw StateStoreError(
        .tooNew,
        "the state store '\(path)' has format \(format), which this program does not support: repair it with the program "
          + "that wrote it"
      )
    }
    let draft = path + ".repairing"
    removeDatabase(draft)
    defer { removeDatabase(draft) }
    do {
      try makeEmptyFile(draft, errors)
      let queue = try DatabaseQueue(path: draft)
      let (report, standing) = try queue.write { db in
        try SQLiteSchema.current.create(db, identity: randomStateID())
        let report = try write(salvage, after: seal, db)
        return (report, try SQLiteSealing.Standing(db))
      }
      try queue.close()
      var complete = report
      complete.damagedPath = try setAside(directory, as: "damaged")
      try moveDurably(draft, to: path)
      try SQLiteSealing(directory: directory).seal(standing)
      return complete
    } catch {
      throw errors.translated(error)
    }
  }

  /// Writes the saved entries, and the record of the repair after all revisions that may have existed.
  private static func write(
    _ salvage: SQLiteSalvage, after seal: StateSealFile.Found, _ db: Database
  ) throws -> StateRepairReport {
    var report = try write(salvage, db)
    report.foundRevision = salvage.head
    if case .seal(let seal) = seal, seal.revision > salvage.head { report.committedRevision = seal.revision }
    report.revision = max(salvage.head, report.committedRevision ?? 0) + 1
    try writeRecord(report, db)
    return report
  }

  private static func write(_ salvage: SQLiteSalvage, _ db: Database) throws -> StateRepairReport {
    var report = StateRepairReport(unreadableRows: salvage.unreadableRows)
    for (id, milliseconds) in salvage.leases { try write(lease: id, milliseconds: milliseconds, db) }
    for key in salvage.newest.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      let version = salvage.newest[key]!
      let name = String(decoding: key, as: UTF8.self)
      let listed = salvage.entries[key]
      // The newest version found is a deletion, and nothing indicates that the key was created again.
      if version.created == 0, listed == nil || listed! <= version.place { continue }
      guard version.created > 0, let content = salvage.content(of: version) else {
        report.lostKeys.append(name)
        continue
      }
      if listed == nil { report.unconfirmedKeys.append(name) }
      if let listed, listed > version.place { report.outdatedKeys.append(name) }
      if !isJSON(content.value) { report.suspectKeys.append(name) }
      if let lease = content.lease, salvage.leases[lease] == nil {
        try write(lease: lease, milliseconds: content.leaseMilliseconds ?? 60_000, db)
      }
      try content.insert(db)
      try db.cachedStatement(sql: "INSERT INTO entries VALUES (?, ?, ?)")
        .execute(arguments: [name, version.place, content.lease])
      report.savedKeys += 1
    }
    report.lostKeys += salvage.entries.keys.filter { salvage.newest[$0] == nil }.map {
      String(decoding: $0, as: UTF8.self)
    }
    report.lostKeys.sort()
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

extension StateSealFile.Found {
  /// Whether this indicates that there was a store.
  fileprivate var isOfStore: Bool {
    switch self {
    case .none: false
    case .damaged: true
    case .seal(let seal): seal.revision > 0
    }
  }
}
