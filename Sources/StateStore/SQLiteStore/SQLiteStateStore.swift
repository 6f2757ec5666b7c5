import Foundation
import GRDB
import Synchronization

/// The embedded state store: a SQLite database in a directory, held by one process at a time.
///
/// A single writer, on a queue of its own, writes transactions that arrive together in one group, each still atomic. Every read
/// sees one snapshot and never waits for the writer. Nothing runs on the threads of the cooperative pool.
///
/// Leases run on the clock of this process: when the store is reopened, every lease has its full time to live ahead.
public final class SQLiteStateStore: StateStore {
  /// The store's directory.
  public let directory: String
  /// The path of the database file.
  public var path: String { SQLiteOpening.path(in: directory) }

  let pool: DatabasePool
  let options: Options
  let bell: RevisionBell
  let keeper = LeaseKeeper()
  let sweeping = Mutex(false)
  let seal: StateSealFile
  /// Whether a flush of the journal is scheduled.
  let flushing = Atomic(false)
  /// A remark for the operator about the opening: a crash of the machine has cost transactions.
  public let openingRemark: String?
  let floor: Mutex<Revision>
  private let lock: SQLiteLock
  private let queue: SQLiteCommitQueue
  private let closing = Mutex<Task<Void, Never>?>(nil)
  let writing: SQLiteWriting

  var errors: SQLiteErrors { SQLiteErrors(path: path) }
  private var room: SQLiteRoom { SQLiteRoom(options: options) }

  /// Opens the store in a directory, creating both if necessary. Blocks the thread during disk access; after an unclean end,
  /// checks the entire database. Does not open a store that lacks committed data.
  /// - Throws: `StateStoreError`: `inUse`, `tooNew`, `damaged`, `permissionDenied` or `full`.
  public convenience init(directory: String, options: Options = Options()) throws {
    try self.init(directory: directory, options: options, schema: .current)
  }

  init(directory: String, options: Options, schema: SQLiteSchema) throws {
    try makeStateDirectory(directory)
    self.directory = directory
    self.options = options
    lock = try SQLiteLock(directory: directory)
    let errors = SQLiteErrors(path: SQLiteOpening.path(in: directory))
    do {
      let opened = try SQLiteOpening(directory: directory, options: options, schema: schema).open(
        lastNote: lock.lastNote)
      (pool, seal, openingRemark) = (opened.pool, opened.seal, opened.remark)
    } catch {
      lock.release(note: lock.lastNote)
      throw error
    }
    do {
      let (head, floor, leases) = try pool.read { db in
        (try SQLiteReading(db: db).head(), try Meta.number(.floor, db), try Self.leases(db))
      }
      bell = RevisionBell(head: head)
      self.floor = Mutex(floor)
      for lease in leases { keeper.grant(lease) }
    } catch {
      throw errors.translated(error)
    }
    queue = SQLiteCommitQueue(bound: options.waitingBound, byteBound: options.waitingByteBound)
    writing = SQLiteWriting(options: options) { [keeper] id in keeper.timeToLive(id) }
    keeper.start { [weak self] id in try await self?.deleteKeys(of: id) }
    startSweep()
  }

  deinit {
    keeper.close()
    bell.close()
  }

  private static func leases(_ db: Database) throws -> [StateLease] {
    try Row.fetchAll(db, sql: "SELECT id, milliseconds FROM leases").map { row in
      StateLease(id: row[0], timeToLive: .milliseconds(row[1] as Int64))
    }
  }

  // MARK: - Writing

  /// Applies a transaction; see `StateStore`.
  public func commit(_ transaction: StateTransaction) async throws -> Revision {
    try options.limits.check(transaction)
    return try await withCheckedThrowingContinuation { continuation in
      guard queue.add(SQLiteCommitQueue.Waiting(transaction: transaction, continuation: continuation)) else { return }
      pool.asyncWriteWithoutTransaction { db in self.drain(db) }
    }
  }

  /// Writes the queued transactions, group by group.
  private func drain(_ db: Database) {
    while true {
      let group = queue.take()
      if group.isEmpty { break }
      write(group, db)
    }
    startSweep()
  }

  private func write(_ group: [SQLiteCommitQueue.Waiting], _ db: Database) {
    var outcomes: [Result<Revision, any Error>] = []
    var applied: [(revision: Revision, keys: [String])] = []
    var usesReserve = false
    do {
      try db.inTransaction(.immediate) {
        for waiting in group { outcomes.append(try outcome(of: waiting.transaction, &applied, db)) }
        usesReserve = try room.isLow(db)
        if usesReserve, !group.allSatisfy(\.transaction.mayUseReserve) { throw room.error }
        return .commit
      }
    } catch {
      // A disk failure affects the whole group, unless a single transaction requires too much.
      if group.count > 1 {
        for waiting in group { write([waiting], db) }
      } else {
        let error = errors.translated(error)
        if error.code == .full { makeRoom(keeping: options.historyBound / 100) }
        for waiting in group { waiting.continuation.resume(throwing: error) }
      }
      return
    }
    committed(applied)
    if usesReserve { makeRoom(keeping: 0) }
    for (waiting, outcome) in zip(group, outcomes) { waiting.continuation.resume(with: outcome) }
  }

  /// - Throws: Errors of SQLite; a rejection by the store is an outcome.
  private func outcome(
    of transaction: StateTransaction, _ applied: inout [(revision: Revision, keys: [String])], _ db: Database
  ) throws -> Result<Revision, any Error> {
    do {
      switch try writing.apply(transaction, after: applied.last?.revision ?? bell.head, db) {
      case .new(let revision, let keys):
        applied.append((revision, keys))
        return .success(revision)
      case .repeated(let revision): return .success(revision)
      }
    } catch let error as StateStoreError {
      return .failure(error)
    }
  }

  /// Runs a closure in a transaction of the writer.
  func write<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      pool.asyncWriteWithoutTransaction { [errors] db in
        continuation.resume(
          with: Result {
            do {
              var result: T?
              try db.inTransaction(.immediate) {
                result = try body(db)
                return .commit
              }
              return result!
            } catch {
              throw errors.translated(error)
            }
          })
      }
    }
  }

  // MARK: - Reading

  /// Runs a closure in a transaction that sees a single snapshot.
  func read<T: Sendable>(_ body: @escaping @Sendable (SQLiteReading) throws -> T) async throws -> T {
    if queue.isClosed { throw storeClosed() }
    return try await withCheckedThrowingContinuation { continuation in
      pool.asyncRead { [errors] database in
        continuation.resume(
          with: Result {
            do { return try body(SQLiteReading(db: try database.get())) } catch { throw errors.translated(error) }
          })
      }
    }
  }

  /// Returns the entry of a key; see `StateStore`.
  public func entry(_ key: String, at revision: Revision?) async throws -> StateEntry? {
    try options.limits.check(key: key)
    return try await read { try $0.entry(key, at: try $0.readable(revision)) }
  }

  /// Returns the entries with a prefix; see `StateStore`.
  public func entries(prefix: String, at revision: Revision?) async throws -> StateSnapshot {
    try options.limits.check(prefix: prefix)
    return try await read { reading in
      let moment = try reading.readable(revision)
      return StateSnapshot(
        revision: moment,
        entries: revision == nil
          ? try reading.currentEntries(prefix: prefix) : try reading.entries(prefix: prefix, at: moment))
    }
  }

  /// Returns applied transactions; see `StateStore`. Returns fewer than `limit` if they carry more than 16 MiB.
  public func history(after revision: Revision, limit: Int) async throws -> [StateRecord] {
    try await read {
      try $0.records(after: revision, prefix: nil, limit: limit, byteBound: 16 << 20).records
    }
  }

  /// Follows the transactions after a revision that touch a prefix; see `StateStore`. The stream is for a single reader; unread
  /// transactions stay in the database.
  public func changes(prefix: String, after revision: Revision) -> AsyncThrowingStream<StateRecord, any Error> {
    followRecords(prefix: prefix, after: revision, bell: bell) { [weak self, limits = options.limits] _, position in
      try limits.check(prefix: prefix)
      guard let self else { throw storeClosed() }
      return try await read {
        try $0.records(after: position, prefix: prefix, limit: 256, byteBound: 1 << 20)
      }
    }
  }

  // MARK: - Closing

  /// Whether `close` was called.
  var isClosed: Bool { queue.isClosed }

  /// The number of transactions that wait for the writer.
  var waitingCount: Int { queue.count }

  func requireOpen() throws(StateStoreError) { if queue.isClosed { throw storeClosed() } }

  /// Ends all streams and closes the database; accepted transactions are still written.
  public func close() async {
    let task = closing.withLock { task -> Task<Void, Never> in
      if let task { return task }
      _ = queue.close()
      // Not a child task of the first caller: all callers wait for the same end, which the cancellation of one does not stop.
      let new = Task { await self.closeFiles() }
      task = new
      return new
    }
    await task.value
  }

  private func closeFiles() async {
    keeper.close()
    bell.close()
    // Wait for the writer's queue.
    _ = try? await write { _ in }
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async { [pool, lock, path, seal, bell] in
        // The last connection to close removes the journal. Readers cannot, because they are read-only.
        try? pool.barrierWriteWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        pool.invalidateReadOnlyConnections()
        let isClosed = (try? pool.close()) != nil
        // Without a note, the next process to open the database checks all of it.
        let isWhole = isClosed && fileSize(path + "-wal") ?? 0 == 0
        if isWhole { seal.noteDurable(bell.head) }
        lock.release(note: isWhole ? fileFingerprint(path) : nil)
        continuation.resume()
      }
    }
  }
}

/// Creates the directory of a store, accessible only to its owner.
func makeStateDirectory(_ directory: String) throws {
  do {
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  } catch {
    throw StateStoreError(
      .permissionDenied,
      "cannot create the directory '\(directory)': \(error.localizedDescription). Create it, or choose another")
  }
}
