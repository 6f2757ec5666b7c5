import Foundation
import GRDB

/// Opens the database of a store, after making sure that it is one and that it is whole.
struct SQLiteOpening {
  /// The store's directory.
  let directory: String
  let options: SQLiteStateStore.Options
  let schema: SQLiteSchema

  /// Pages of the journal at which it is carried over into the database, which holds up one commit for milliseconds.
  private static let checkpointPages = 4_000

  /// The database file.
  var path: String { Self.path(in: directory) }
  private var errors: SQLiteErrors { SQLiteErrors(path: path) }

  static func path(in directory: String) -> String { directory + "/state.db" }

  /// - Throws: `StateStoreError`.
  func open(lastNote: String) throws -> DatabasePool {
    do {
      let journalSize = fileSize(path + "-wal") ?? 0
      guard fileSize(path) != nil else {
        guard journalSize == 0 else {
          throw errors.damaged("the file is missing, but its journal 'state.db-wal' is there")
        }
        try create()
        return try openPool()
      }
      try SQLiteHeader(path: path, errors: errors).check(hasJournal: journalSize > 0)
      let pool = try openPool()
      let format = try checkFormat(pool)
      if journalSize > 0 || lastNote != fingerprint { try quickCheck(pool) }
      try migrate(pool, from: format)
      return pool
    } catch {
      throw errors.translated(error)
    }
  }

  private let fingerprint: String?

  init(directory: String, options: SQLiteStateStore.Options, schema: SQLiteSchema = .current) {
    self.directory = directory
    self.options = options
    self.schema = schema
    // Taken before SQLite touches the file.
    fingerprint = fileFingerprint(Self.path(in: directory))
  }

  /// Makes an empty database under another name, so that a store exists whole or not at all.
  private func create() throws {
    let draft = path + ".new"
    SQLiteStateStore.removeDatabase(draft)
    try makeEmptyFile(draft, errors)
    let queue = try DatabaseQueue(path: draft)
    try queue.write { db in
      try SQLiteSchema.create(db)
      try schema.migrate(db, from: 1)
      try Meta.set(.writer, options.writer, db)
    }
    try queue.close()
    try moveDurably(draft, to: path, errors)
  }

  private func openPool() throws -> DatabasePool {
    var configuration = Configuration()
    configuration.label = "state store"
    configuration.foreignKeysEnabled = false
    configuration.busyMode = .timeout(5)
    configuration.maximumReaderCount = 4
    let options = options
    configuration.prepareDatabase { db in
      guard !db.configuration.readonly else { return }
      let pages = max(16, options.maximumBytes / 4_096)
      // Deleted rows are overwritten, so that a repair never finds them again.
      try db.execute(
        sql: """
          PRAGMA secure_delete = ON;
          PRAGMA max_page_count = \(pages);
          PRAGMA journal_size_limit = 67108864;
          PRAGMA wal_autocheckpoint = \(Self.checkpointPages);
          """)
    }
    let pool = try DatabasePool(path: path, configuration: configuration)
    // After the pool, which chooses "normal" for write-ahead journals.
    if options.synchronous == .full {
      try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
    }
    return pool
  }

  /// - Returns: the format of the tables, which is not newer than ours.
  private func checkFormat(_ pool: DatabasePool) throws -> Int {
    let (format, writer) = try pool.read { db in (try Meta.number(.format, db), try Meta.text(.writer, db) ?? "?") }
    guard format <= schema.format else {
      let backup = (2...schema.format + 1).map { "\(path).before-v\($0)" }.last { fileSize($0) != nil }
      throw StateStoreError(
        .tooNew,
        "the state store '\(path)' has format \(format), written by \(writer); this program knows formats up to "
          + "\(schema.format). Run that program, or go back to a backup with 'gscoordinator state restore --from "
          + "\(backup ?? "<backup>")'")
    }
    guard format >= 1 else { throw errors.damaged("it claims to have format \(format)") }
    return Int(format)
  }

  private func quickCheck(_ pool: DatabasePool) throws {
    let answer = try pool.writeWithoutTransaction { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
    guard answer == "ok" else { throw errors.damaged(answer ?? "the check has no answer") }
  }

  private func migrate(_ pool: DatabasePool, from format: Int) throws {
    if format < schema.format {
      try copyDatabase(pool, to: "\(path).before-v\(format + 1)", replacing: true, errors)
    }
    try pool.write { db in
      try schema.migrate(db, from: format)
      if try Meta.text(.writer, db) != options.writer { try Meta.set(.writer, options.writer, db) }
    }
  }
}

/// The first bytes of a database file (https://www.sqlite.org/fileformat.html#the_database_header).
struct SQLiteHeader {
  let path: String
  let errors: SQLiteErrors

  /// Finds what SQLite would take for an empty database, or notice only later.
  func check(hasJournal: Bool) throws {
    let (header, size) = try read()
    guard size > 0 else { throw errors.damaged("the file is empty") }
    guard header.count == 100, header.starts(with: Array("SQLite format 3\0".utf8)) else {
      throw errors.damaged(
        "the file is not a database; it begins with \(header.prefix(16).map { String($0, radix: 16) })")
    }
    guard number(header, 68) == Int64(SQLiteSchema.applicationID) else {
      throw errors.damaged("the file is a database of another program")
    }
    // While there is a journal, the file may lag behind it.
    guard !hasJournal else { return }
    let pageSize = max(512, Int64(header[16]) << 8 | Int64(header[17]))
    let pages = number(header, 28)
    guard size >= pages * pageSize else {
      throw errors.damaged("the file has \(size) bytes, but its header says \(pages * pageSize)")
    }
  }

  /// - Returns: the first 100 bytes, and how many the file has.
  private func read() throws -> ([UInt8], Int64) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fileError("cannot open", path) }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { throw fileError("cannot read", path) }
    guard info.st_mode & S_IFMT == S_IFREG else { throw errors.damaged("it is not a file") }
    var header = [UInt8](repeating: 0, count: 100)
    let count = pread(descriptor, &header, header.count, 0)
    guard count >= 0 else { throw fileError("cannot read", path) }
    return (Array(header.prefix(count)), Int64(info.st_size))
  }

  private func number(_ bytes: [UInt8], _ offset: Int) -> Int64 {
    bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int64($1) }
  }
}
