import Foundation
import GRDB

/// Opens the database of a store after verifying that it is one and that it is complete.
struct SQLiteOpening {
  /// The store's directory.
  let directory: String
  let options: SQLiteStateStore.Options
  let schema: SQLiteSchema

  /// The number of journal pages that triggers a checkpoint, which delays one commit by milliseconds.
  private static let checkpointPages = 4_000

  /// The path of the database file.
  var path: String { Self.path(in: directory) }
  private var errors: SQLiteErrors { SQLiteErrors(path: path) }

  static func path(in directory: String) -> String { directory + "/state.db" }

  /// An opened store.
  struct Opened {
    var pool: DatabasePool
    var seal: StateSealFile
    /// A remark for the operator.
    var remark: String?
  }

  /// Opens the store. Changes nothing before the store is known to be intact and to contain everything committed.
  /// - Throws: `StateStoreError`.
  func open(lastNote: String) throws -> Opened {
    do {
      let journalSize = try existingSize(path + "-wal") ?? 0
      guard try existingSize(path) != nil else {
        try sealing.requireNew()
        guard journalSize == 0 else {
          throw errors.lost("the file is missing, but its journal 'state.db-wal' exists")
        }
        try create(identity: try sealing.prepare())
        return try begin(openPool(), nil)
      }
      try SQLiteHeader(path: path, errors: errors).check(hasJournal: journalSize > 0)
      let (format, remark) = try inspect(isTouched: journalSize > 0 || lastNote != fingerprint)
      if format < 2 { _ = try sealing.prepare() }
      let pool = try openPool()
      try migrate(pool, from: format)
      return try begin(pool, remark)
    } catch {
      throw errors.translated(error)
    }
  }

  private func begin(_ pool: DatabasePool, _ remark: String?) throws -> Opened {
    Opened(pool: pool, seal: try sealing.begin(try pool.read { try SQLiteSealing.Standing($0) }), remark: remark)
  }

  private var sealing: SQLiteSealing { SQLiteSealing(directory: directory) }

  /// Examines the database without changing anything: a writer would, on closing, checkpoint the remains of a damaged journal and
  /// remove it.
  /// - Parameter isTouched: Whether the database was written to since its last orderly close.
  /// - Returns: The format of the tables, not newer than that of this program, and a remark, if any.
  private func inspect(isTouched: Bool) throws -> (format: Int, remark: String?) {
    if isTouched { try checkJournal() }
    var configuration = Configuration()
    configuration.readonly = true
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    return try queue.read { db in
      let format = try checkFormat(db)
      if isTouched { try quickCheck(db) }
      let remark = try sealing.check(SQLiteSealing.Standing(db))
      if format >= 2 { try SQLiteVersion.checkCurrent(db) }
      return (format, remark)
    }
  }

  /// Checks the journal. SQLite regards a journal as ended at the first wrong checksum. Data written by a process survives its
  /// death, so a bad frame followed by good ones means damage. After a crash of the machine, it need not.
  private func checkJournal() throws {
    guard case .seal(let seal) = try sealing.read(), seal.boot == StateSeal.currentBoot else { return }
    guard let frame = try SQLitePages(path: path).damagedFrame else { return }
    throw errors.lost(
      "\(frame == 0 ? "the header" : "frame \(frame)") of its journal 'state.db-wal' is damaged, and revision "
        + "\(seal.revision) had been committed")
  }

  private let fingerprint: String?

  init(directory: String, options: SQLiteStateStore.Options, schema: SQLiteSchema = .current) {
    self.directory = directory
    self.options = options
    self.schema = schema
    // Determined before SQLite touches the file.
    fingerprint = fileFingerprint(Self.path(in: directory))
  }

  /// Creates an empty database under a temporary name, so that a store exists completely or not at all.
  private func create(identity: String) throws {
    let draft = path + ".new"
    SQLiteStateStore.removeDatabase(draft)
    try makeEmptyFile(draft, errors)
    let queue = try DatabaseQueue(path: draft)
    try queue.write { db in
      try schema.create(db, identity: identity)
      try Meta.set(.writer, options.writer, db)
    }
    try queue.close()
    try moveDurably(draft, to: path)
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
      // Overwrite deleted rows, so that a repair never recovers them.
      try db.execute(
        sql: """
          PRAGMA secure_delete = ON;
          PRAGMA max_page_count = \(pages);
          PRAGMA journal_size_limit = 67108864;
          PRAGMA wal_autocheckpoint = \(Self.checkpointPages);
          """)
    }
    let pool = try DatabasePool(path: path, configuration: configuration)
    // Set after the creation of the pool, which chooses "normal" for write-ahead journals.
    if options.synchronous == .full {
      try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
    }
    return pool
  }

  private func checkFormat(_ db: Database) throws -> Int {
    let (format, writer) = (try Meta.number(.format, db), try Meta.text(.writer, db) ?? "?")
    guard format <= schema.format else {
      let backup = (2...schema.format + 1).map { "\(path).before-v\($0)" }.last { fileSize($0) != nil }
      throw StateStoreError(
        .tooNew,
        "the state store '\(path)' has format \(format), written by \(writer); this program supports formats up to "
          + "\(schema.format). Run that program, or restore a backup with 'gscoordinator state restore --from "
          + "\(backup ?? "<backup>")'")
    }
    guard format >= 1 else { throw errors.damaged("its format number is \(format)") }
    return Int(format)
  }

  private func quickCheck(_ db: Database) throws {
    let answer = try String.fetchOne(db, sql: "PRAGMA quick_check(1)")
    guard answer == "ok" else { throw errors.damaged(answer ?? "the integrity check returned nothing") }
  }

  private func migrate(_ pool: DatabasePool, from format: Int) throws {
    if format < schema.format {
      try copyDatabase(pool, to: "\(path).before-v\(format + 1)", replacing: true, errors)
    }
    try pool.write { db in
      try schema.migrate(db, from: format)
      if try Meta.text(.writer, db) != options.writer { try Meta.set(.writer, options.writer, db) }
      // A store of an earlier version gets the identity that its seal already has.
      if try Meta.text(.identity, db) == nil { try Meta.set(.identity, try sealing.prepare(), db) }
    }
  }
}

/// The first bytes of a database file (https://www.sqlite.org/fileformat.html#the_database_header).
struct SQLiteHeader {
  let path: String
  let errors: SQLiteErrors

  /// Detects damage that SQLite would take for an empty database or notice too late.
  func check(hasJournal: Bool) throws {
    let (header, size) = try read()
    guard size > 0 else { throw errors.damaged("the file is empty") }
    guard header.count == 100, header.starts(with: Array("SQLite format 3\0".utf8)) else {
      throw errors.damaged(
        "the file is not a database; it begins with \(header.prefix(16).map { String($0, radix: 16) })")
    }
    guard number(header, 68) == Int64(SQLiteSchema.applicationID) else {
      throw errors.damaged("the file is a database of another application")
    }
    // While there is a journal, the file may lag behind it.
    guard !hasJournal else { return }
    let pageSize = max(512, Int64(header[16]) << 8 | Int64(header[17]))
    let pages = number(header, 28)
    guard size >= pages * pageSize else {
      throw errors.damaged("the file has \(size) bytes, but its header says \(pages * pageSize)")
    }
  }

  /// - Returns: The first 100 bytes, and the size of the file.
  private func read() throws -> ([UInt8], Int64) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fileError("cannot open", path) }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { throw fileError("cannot read", path) }
    guard info.st_mode & S_IFMT == S_IFREG else { throw errors.damaged("it is not a regular file") }
    var header = [UInt8](repeating: 0, count: 100)
    let count = pread(descriptor, &header, header.count, 0)
    guard count >= 0 else { throw fileError("cannot read", path) }
    return (Array(header.prefix(count)), Int64(info.st_size))
  }

  private func number(_ bytes: [UInt8], _ offset: Int) -> Int64 {
    bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int64($1) }
  }
}
