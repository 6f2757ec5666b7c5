import Foundation
import GRDB
import Support

extension SQLiteStateStore {
  /// Writes a copy of the current state of the store to a new file, while commits continue.
  /// - Throws: `StateStoreError`; of code `invalidArgument` if the file exists.
  public func backup(to path: String) async throws {
    try requireOpen()
    try await Self.onThread { [pool, errors] in try copyDatabase(pool, to: path, replacing: false, errors) }
  }

  /// Writes a copy of the store in a directory, whether or not another process is using it. In the process that has the store
  /// open, use `backup(to:)`.
  /// - Throws: `StateStoreError`; of code `invalidArgument` if there is no store or the file exists.
  public static func backup(of directory: String, to path: String) async throws {
    try await onThread {
      let source = SQLiteOpening.path(in: directory)
      guard fileSize(source) != nil else {
        throw StateStoreError(.invalidArgument, "there is no state store in '\(directory)'")
      }
      let errors = SQLiteErrors(path: source)
      do {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        let queue = try DatabaseQueue(path: source, configuration: configuration)
        defer { try? queue.close() }
        let id = try queue.inDatabase { try Int32.fetchOne($0, sql: "PRAGMA application_id") }
        guard id == SQLiteSchema.applicationID else { throw errors.damaged("the file is not a state store") }
        try copyDatabase(queue, to: path, replacing: false, errors)
      } catch {
        throw errors.translated(error)
      }
    }
  }

  /// Replaces the store in a directory that no process is using by a backup. The backup is verified first; the replaced database
  /// is kept next to it.
  /// - Returns: The path of the replaced database; nil if there was none.
  /// - Throws: `StateStoreError`: `inUse`; `damaged` or `tooNew` if the backup is; `invalidArgument` if it cannot be read. The
  ///   store is unchanged then.
  public static func restore(from backup: String, to directory: String) async throws -> String? {
    try await onThread {
      try makeStateDirectory(directory)
      let lock = try SQLiteLock(directory: directory)
      defer { lock.release(note: lock.lastNote) }
      let draft = SQLiteOpening.path(in: directory) + ".restoring"
      defer { removeDatabase(draft) }
      removeDatabase(draft)
      try copyFiles(backup, to: draft)
      let standing = try verify(draft, named: backup)
      let replaced = try setAside(directory, as: "replaced")
      try moveDurably(draft, to: SQLiteOpening.path(in: directory))
      try SQLiteSealing(directory: directory).seal(standing)
      return replaced
    }
  }

  /// Copies a database and, if it was copied from a running store, its journal.
  private static func copyFiles(_ backup: String, to draft: String) throws {
    for suffix in ["", "-wal"] where suffix.isEmpty || fileSize(backup + suffix) ?? 0 > 0 {
      do {
        try makeEmptyFile(draft + suffix, SQLiteErrors(path: draft))
        let source = try FileHandle(forReadingFrom: URL(fileURLWithPath: backup + suffix))
        let target = try FileHandle(forWritingTo: URL(fileURLWithPath: draft + suffix))
        while let chunk = try source.read(upToCount: 1 << 20), !chunk.isEmpty { try target.write(contentsOf: chunk) }
        try source.close()
        try target.close()
      } catch let error as StateStoreError {
        throw error
      } catch {
        throw StateStoreError(
          .invalidArgument, "cannot copy the backup '\(backup + suffix)': \(error.localizedDescription)")
      }
    }
  }

  /// Verifies every page of a copy and merges its journal into it. The copy gets a new identity, because its revisions will
  /// differ from those that followed in the original store.
  private static func verify(_ draft: String, named backup: String) throws -> SQLiteSealing.Standing {
    let errors = SQLiteErrors(path: backup)
    do {
      try SQLiteHeader(path: draft, errors: errors).check(hasJournal: fileSize(draft + "-wal") ?? 0 > 0)
      let queue = try DatabaseQueue(path: draft)
      let standing = try queue.inDatabase { db in
        let format = try Meta.number(.format, db)
        guard format <= SQLiteSchema.current.format else {
          throw StateStoreError(
            .tooNew,
            "the backup '\(backup)' has format \(format), written by \(try Meta.text(.writer, db) ?? "?"); this program "
              + "supports formats up to \(SQLiteSchema.current.format). Restore it with the program that wrote it")
        }
        let answer = try String.fetchOne(db, sql: "PRAGMA integrity_check(1)")
        guard answer == "ok" else { throw errors.damaged(answer ?? "the integrity check returned nothing") }
        try db.execute(sql: "PRAGMA journal_mode = DELETE")
        try db.inTransaction {
          try SQLiteSchema.current.migrate(db, from: Int(format))
          try Meta.set(.identity, randomStateID(), db)
          return .commit
        }
        try SQLiteVersion.checkCurrent(db)
        return try SQLiteSealing.Standing(db)
      }
      try queue.close()
      return standing
    } catch {
      throw errors.translated(error)
    }
  }

  /// Renames the files of the store in a directory.
  /// - Returns: The new path; nil if there is no store.
  static func setAside(_ directory: String, as reason: String) throws -> String? {
    let path = SQLiteOpening.path(in: directory)
    var stem = "\(path).\(reason)-\(nowMilliseconds() / 1_000)"
    while fileSize(stem) != nil || fileSize(stem + "-wal") != nil { stem += "+" }
    // Move the journal first: a database without its journal is merely older, one with a foreign journal is broken.
    unlink(path + "-shm")
    var moved: String?
    for suffix in ["-wal", ""] where fileSize(path + suffix) != nil {
      guard rename(path + suffix, stem + suffix) == 0 else { throw fileError("cannot rename", path + suffix) }
      moved = stem
    }
    return moved
  }

  /// Removes a database and its journals.
  static func removeDatabase(_ path: String) {
    for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) }
  }

  /// Runs blocking work on a thread outside the cooperative pool.
  static func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(with: Result { try body() }) }
    }
  }
}
