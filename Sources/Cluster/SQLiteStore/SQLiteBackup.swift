import Foundation
import GRDB

extension SQLiteStateStore {
  /// Writes a copy of the store as it is at this moment to a new file, while commits go on.
  /// - Throws: `StateStoreError`; of code `invalidArgument` when the file is there already.
  public func backup(to path: String) async throws {
    try requireOpen()
    try await Self.onThread { [pool, errors] in try copyDatabase(pool, to: path, replacing: false, errors) }
  }

  /// Writes a copy of the store in a directory that another process may be using, or nobody. In the process that has it
  /// open, `backup(to:)` does it.
  /// - Throws: `StateStoreError`; of code `invalidArgument` when there is no store or the file is there already.
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
        guard id == SQLiteSchema.applicationID else { throw errors.damaged("it is not a state store") }
        try copyDatabase(queue, to: path, replacing: false, errors)
      } catch {
        throw errors.translated(error)
      }
    }
  }

  /// Puts a backup in the place of the store in a directory that no process uses. The backup is checked first; the
  /// replaced database is kept beside it.
  /// - Returns: the file that the replaced database became; nil when there was none.
  /// - Throws: `StateStoreError`: `inUse`, `damaged` or `tooNew` when the backup is, `invalidArgument` when it cannot be
  ///   read. Then the store is as it was.
  public static func restore(from backup: String, to directory: String) async throws -> String? {
    try await onThread {
      try makeStateDirectory(directory)
      let lock = try SQLiteLock(directory: directory)
      defer { lock.release(note: lock.lastNote) }
      let draft = SQLiteOpening.path(in: directory) + ".restoring"
      defer { removeDatabase(draft) }
      removeDatabase(draft)
      try copyFiles(backup, to: draft)
      try verify(draft, named: backup)
      let replaced = try setAside(directory, as: "replaced")
      try moveDurably(draft, to: SQLiteOpening.path(in: directory), SQLiteErrors(path: draft))
      return replaced
    }
  }

  /// Copies a database and, when it was copied from a running store, its journal.
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

  /// Checks every page of a copy, and makes it one file.
  private static func verify(_ draft: String, named backup: String) throws {
    let errors = SQLiteErrors(path: backup)
    do {
      try SQLiteHeader(path: draft, errors: errors).check(hasJournal: fileSize(draft + "-wal") ?? 0 > 0)
      let queue = try DatabaseQueue(path: draft)
      try queue.inDatabase { db in
        let format = try Meta.number(.format, db)
        guard format <= SQLiteSchema.current.format else {
          throw StateStoreError(
            .tooNew,
            "the backup '\(backup)' has format \(format), written by \(try Meta.text(.writer, db) ?? "?"); this program "
              + "knows formats up to \(SQLiteSchema.current.format). Restore it with that program")
        }
        let answer = try String.fetchOne(db, sql: "PRAGMA integrity_check(1)")
        guard answer == "ok" else { throw errors.damaged(answer ?? "the check has no answer") }
        try db.execute(sql: "PRAGMA journal_mode = DELETE")
      }
      try queue.close()
    } catch {
      throw errors.translated(error)
    }
  }

  /// Gives the files of the store in a directory another name.
  /// - Returns: the new name; nil when there is no store.
  static func setAside(_ directory: String, as reason: String) throws -> String? {
    let path = SQLiteOpening.path(in: directory)
    var stem = "\(path).\(reason)-\(nowMilliseconds() / 1_000)"
    while fileSize(stem) != nil || fileSize(stem + "-wal") != nil { stem += "+" }
    // The journal first: a database without its journal is older, one with a journal that is not its own is broken.
    unlink(path + "-shm")
    var moved: String?
    for suffix in ["-wal", ""] where fileSize(path + suffix) != nil {
      guard rename(path + suffix, stem + suffix) == 0 else { throw fileError("cannot rename", path + suffix) }
      moved = stem
    }
    return moved
  }

  /// Removes a database with its journals.
  static func removeDatabase(_ path: String) {
    for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) }
  }

  /// Runs work that blocks on a thread that may be blocked.
  static func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(with: Result { try body() }) }
    }
  }
}
