import Dispatch
import GRDB
import Synchronization

/// Compares a store with its seal, to detect missing transactions.
///
/// | seal                      | database                        | meaning                                        |
/// |---------------------------|---------------------------------|------------------------------------------------|
/// | none, or of revision 0    | none                            | a new store                                    |
/// | none, or of revision 0    | without identity                | a store of an earlier version, without seals   |
/// | none or damaged           | with an identity                | an error: it may be out of date                |
/// | of a later revision       | none                            | an error: the database is missing              |
/// | of another identity       | any                             | an error: the database was replaced            |
/// | requires revision *r*     | ends before *r*                 | an error: transactions are lost                |
/// | requires revision *r*     | ends at *r* or later            | the expected store                             |
///
/// The database may be ahead of the seal, by the last transactions that a process committed before it died.
struct SQLiteSealing {
  /// The store's directory.
  let directory: String

  /// Returns the path of the seal.
  static func path(in directory: String) -> String { directory + "/state.seal" }

  private var path: String { Self.path(in: directory) }
  private var errors: SQLiteErrors { SQLiteErrors(path: SQLiteOpening.path(in: directory)) }

  /// The identity and revisions recorded in the database.
  struct Standing: Sendable, Equatable {
    var identity: String?
    var head: Revision
  }

  /// Reads the seal in the directory.
  func read() throws -> StateSealFile.Found { try StateSealFile.read(path) }

  /// Verifies that a missing database is a new store rather than a lost one.
  /// - Throws: `StateStoreError` of code `damaged`.
  func requireNew() throws {
    switch try read() {
    case .none: return
    case .damaged: throw errors.lost("the file is missing, and its seal '\(path)' is damaged")
    case .seal(let seal):
      guard seal.revision > 0 else { return }
      throw errors.lost("the file is missing, but revision \(seal.revision) had been committed")
    }
  }

  /// Verifies that a database is the sealed one and contains everything that it must.
  /// - Returns: A remark, if a crash of the machine has cost transactions.
  /// - Throws: `StateStoreError` of code `damaged`.
  func check(_ database: Standing) throws -> String? {
    switch try read() {
    case .seal(let seal) where seal.revision > 0: return try check(database, against: seal)
    case .none where database.identity != nil:
      throw errors.lost(
        "its seal '\(path)' is missing, so it is unknown whether revision \(database.head) is the last")
    case .damaged:
      throw errors.lost(
        "its seal '\(path)' is damaged, so it is unknown whether revision \(database.head) is the last")
    case .none, .seal: return nil
    }
  }

  /// Returns whether a database is the sealed one and contains everything that it must.
  func accepts(_ database: Standing) -> Bool {
    do {
      _ = try check(database)
      return true
    } catch {
      return false
    }
  }

  private func check(_ database: Standing, against seal: StateSeal) throws -> String? {
    guard database.identity == seal.identity else {
      throw errors.lost(
        "the store that was here had committed revision \(seal.revision), but the file is another store, at revision "
          + "\(database.head)")
    }
    guard database.head >= seal.required else {
      throw errors.lost(
        "revision \(seal.revision) had been committed, but the last revision found is \(database.head): the file or "
          + "its journal 'state.db-wal' was truncated, damaged, removed, or replaced by an older copy")
    }
    guard database.head < seal.revision else { return nil }
    return
      "the state store '\(errors.path)' lost its last transactions when the machine crashed: revision \(seal.revision) "
      + "had been committed, but \(database.head) is the last on the disk. To lose none, set state_sync to full"
  }

  /// Writes a new seal for a store that is intact or was accepted as such.
  func seal(_ database: Standing) throws {
    _ = try StateSealFile(
      creating: path,
      StateSeal(identity: database.identity ?? "", revision: database.head, durable: database.head))
  }

  /// Creates a seal that requires nothing, before the store is created, so that a store with an identity always has a seal.
  /// - Returns: The identity for the store.
  func prepare() throws -> String {
    if case .seal(let seal) = try read() { return seal.identity }
    let identity = randomStateID()
    _ = try StateSealFile(creating: path, StateSeal(identity: identity, revision: 0, durable: 0))
    return identity
  }

  /// Continues the seal of an opened store that has a revision.
  func begin(_ database: Standing) throws -> StateSealFile {
    var seal = StateSeal(identity: database.identity ?? "", revision: database.head, durable: database.head)
    // Data written since the machine booted may not be on disk yet.
    if case .seal(let last) = try read(), last.boot == seal.boot { seal.durable = min(last.durable, database.head) }
    return try StateSealFile(reopening: path, seal)
  }
}

extension SQLiteSealing.Standing {
  /// Reads the standing of a database.
  init(_ db: Database) throws {
    self.init(identity: try Meta.text(.identity, db), head: try SQLiteReading(db: db).head())
  }
}

extension SQLiteStateStore {
  /// How long commits may wait to be flushed to disk; see `Options.Synchronous.normal`.
  private static let flushPause = DispatchTimeInterval.seconds(5)

  /// Records committed transactions in the seal, then notifies followers.
  func committed(_ applied: [(revision: Revision, keys: [String])]) {
    if let last = applied.last { seal.note(last.revision, isDurable: options.synchronous == .full) }
    bell.ring(applied)
    guard options.synchronous == .normal, !flushing.exchange(true, ordering: .relaxed) else { return }
    DispatchQueue.global(qos: .utility).asyncAfter(deadline: .now() + Self.flushPause) { [weak self] in
      self?.flush()
    }
  }

  /// Flushes the journal to disk, and records the revision that survives a crash of the machine.
  func flush() {
    flushing.store(false, ordering: .relaxed)
    let head = bell.head
    // Checkpointed data is on disk already. Without a journal, there is nothing else.
    guard !isClosed, (try? synchronize(path + "-wal")) != nil else { return }
    seal.noteDurable(head)
  }
}
