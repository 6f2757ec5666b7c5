import Foundation
import GRDB
import Synchronization

/// The embedded state store: a SQLite database in a directory that one process holds at a time.
///
/// Transactions that arrive together are written together, each still whole on its own, by one writer on a queue of its
/// own; reads see one moment each and never wait for the writer. Nothing runs on the threads of the cooperative pool.
///
/// A lease is kept by the clock of this process: after the store was opened again, every lease has its whole time to
/// live before it.
public final class SQLiteStateStore: StateStore {
  /// The store's directory.
  public let directory: String
  /// The database file.
  public var path: String { SQLiteOpening.path(in: directory) }

  let pool: DatabasePool
  let options: Options
  let bell: RevisionBell
  let keeper = LeaseKeeper()
  let sweeping = Mutex(false)
  let floor: Mutex<Revision>
  private let lock: SQLiteLock
  private let queue: SQLiteCommitQueue
  private let closing = Mutex<Task<Void, Never>?>(nil)
  private let writing: SQLiteWriting

  var errors: SQLiteErrors { SQLiteErrors(path: path) }

  /// Opens the store in a directory, making both if need be. Opening blocks the thread for as long as the disk takes;
  /// after an unclean end the whole database is checked.
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
      pool = try SQLiteOpening(directory: directory, options: options, schema: schema).open(lastNote: lock.lastNote)
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

  /// Writes what waits, group by group.
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
    do {
      try db.inTransaction(.immediate) {
        for waiting in group { outcomes.append(try outcome(of: waiting.transaction, &applied, db)) }
        return .commit
      }
    } catch {
      // The failure of the disk is everybody's unless it is one transaction that asks too much.
      if group.count > 1 {
        for waiting in group { write([waiting], db) }
      } else {
        for waiting in group { waiting.continuation.resume(throwing: errors.translated(error)) }
      }
      return
    }
    bell.ring(applied)
    for (waiting, outcome) in zip(group, outcomes) { waiting.continuation.resume(with: outcome) }
  }

  /// - Throws: what SQLite throws; a refusal of the store is an outcome.
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

  /// Runs a body in a transaction of the writer.
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

  /// Runs a body in a transaction that sees one moment.
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

  /// A key's value; see `StateStore`.
  public func entry(_ key: String, at revision: Revision?) async throws -> StateEntry? {
    try options.limits.check(key: key)
    return try await read { try $0.entry(key, at: try $0.readable(revision)) }
  }

  /// The entries with a prefix; see `StateStore`.
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

  /// Transactions that were applied; see `StateStore`. Fewer than `limit` come when they carry more than 16 MiB.
  public func history(after revision: Revision, limit: Int) async throws -> [StateRecord] {
    try await read {
      try $0.records(after: revision, prefix: nil, limit: limit, byteBound: 16 << 20).records
    }
  }

  /// The transactions after a revision that touch a prefix; see `StateStore`. The stream is for one reader; what it has
  /// not read stays in the database.
  public func changes(prefix: String, after revision: Revision) -> AsyncThrowingStream<StateRecord, any Error> {
    followRecords(prefix: prefix, after: revision, bell: bell) { [weak self, limits = options.limits] _, position in
      try limits.check(prefix: prefix)
      guard let self else { throw storeClosed() }
      return try await read {
        try $0.records(after: position, prefix: prefix, limit: 256, byteBound: 1 << 20)
      }
    }
  }

  // MARK: - Leases

  /// Makes a lease; see `StateStore`.
  public func grantLease(timeToLive: Duration) async throws -> StateLease {
    try options.limits.check(timeToLive: timeToLive)
    try requireOpen()
    guard keeper.count < options.leaseBound else {
      throw StateStoreError(.full, "the store has \(options.leaseBound) leases: revoke some or let them run out")
    }
    // Random, so that no lease of another time, for example before a restored backup, is ever taken for this one.
    let milliseconds = timeToLive.wholeMilliseconds
    let lease = StateLease(id: .random(in: 1...Int64.max), timeToLive: .milliseconds(milliseconds))
    try await write { db in
      try db.cachedStatement(sql: "INSERT INTO leases(id, milliseconds) VALUES (?, ?)")
        .execute(arguments: [lease.id, milliseconds])
    }
    keeper.grant(lease)
    return lease
  }

  /// Prolongs a lease; see `StateStore`. Nothing is written for it.
  public func renewLease(_ lease: StateLease) async throws {
    try requireOpen()
    guard keeper.renew(lease.id) else { throw leaseExpired(lease.id) }
  }

  /// Ends a lease; see `StateStore`.
  public func revokeLease(_ lease: StateLease) async throws {
    try requireOpen()
    let lived = keeper.end(lease.id)
    do {
      try await deleteKeys(of: lease.id)
      keeper.forget(lease.id)
    } catch {
      // It is over all the same; its keys are deleted when that is possible again.
      if lived { keeper.delete(lease.id) }
      throw error
    }
  }

  /// Deletes the keys of a lease that is over, and the lease.
  private func deleteKeys(of id: Int64) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      pool.asyncWriteWithoutTransaction { db in
        continuation.resume(
          with: Result {
            do {
              if let applied = try self.writeDeletion(of: id, db) { self.bell.ring([applied]) }
            } catch {
              throw self.errors.translated(error)
            }
          })
      }
    }
  }

  private func writeDeletion(of id: Int64, _ db: Database) throws -> (revision: Revision, keys: [String])? {
    var applied: (revision: Revision, keys: [String])?
    try db.inTransaction(.immediate) {
      let keys = try String.fetchAll(
        db.cachedStatement(sql: "SELECT key FROM entries WHERE lease = ? ORDER BY key"), arguments: [id])
      try db.cachedStatement(sql: "DELETE FROM leases WHERE id = ?").execute(arguments: [id])
      guard !keys.isEmpty else { return .commit }
      let transaction = StateTransaction(
        author: "lease", summary: "lease is over", changes: keys.map { .delete($0) })
      let revision = bell.head + 1
      applied = (revision, try writing.write(transaction, revision: revision, db))
      return .commit
    }
    return applied
  }

  // MARK: - Closing

  /// Whether `close` was called.
  var isClosed: Bool { queue.isClosed }

  /// Transactions that wait for the writer.
  var waitingCount: Int { queue.count }

  func requireOpen() throws(StateStoreError) { if queue.isClosed { throw storeClosed() } }

  /// Ends all streams and closes the database; transactions that were accepted are still written.
  public func close() async {
    let task = closing.withLock { task -> Task<Void, Never> in
      if let task { return task }
      _ = queue.close()
      let new = Task { await self.closeFiles() }
      task = new
      return new
    }
    await task.value
  }

  private func closeFiles() async {
    keeper.close()
    bell.close()
    // What is in the writer's queue comes first.
    _ = try? await write { _ in }
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async { [pool, lock, path] in
        // Whoever closes last removes the journal, which the readers cannot, since they only read.
        try? pool.barrierWriteWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        pool.invalidateReadOnlyConnections()
        let isClosed = (try? pool.close()) != nil
        // Without a note the next one to open the database checks all of it.
        let isWhole = isClosed && fileSize(path + "-wal") ?? 0 == 0
        lock.release(note: isWhole ? fileFingerprint(path) : nil)
        continuation.resume()
      }
    }
  }
}

/// Makes the directory of a store, for its owner alone.
func makeStateDirectory(_ directory: String) throws {
  do {
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  } catch {
    throw StateStoreError(
      .permissionDenied,
      "cannot make the directory '\(directory)': \(error.localizedDescription). Make it, or choose another")
  }
}
