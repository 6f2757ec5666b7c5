/// The persistent state of the coordinator: keys with JSON values, changed only by atomic transactions in a single total order.
///
/// The store is a journal. Every transaction gets the next *revision*; until the history is compacted, the state at an earlier
/// revision can be listed, and the changes between two revisions can be read together with their authors.
public protocol StateStore: Sendable {
  /// Applies all changes of a transaction, or none. Once this returns, the transaction survives the process.
  ///
  /// A transaction whose id was already applied is not applied again; its revision is returned. Callers may therefore repeat a
  /// transaction whose outcome is unknown.
  /// - Returns: The transaction's revision.
  /// - Throws: `StateStoreError`; of code `conflict` if a condition does not hold.
  func commit(_ transaction: StateTransaction) async throws -> Revision

  /// Returns the entry of a key, now or at a revision; nil if there is none.
  /// - Throws: `StateStoreError`; of code `compacted` if the revision is older than the history.
  func entry(_ key: String, at revision: Revision?) async throws -> StateEntry?

  /// Returns the entries of all keys that begin with `prefix`, in order, now or at a revision.
  /// - Throws: `StateStoreError`; of code `compacted` if the revision is older than the history.
  func entries(prefix: String, at revision: Revision?) async throws -> StateSnapshot

  /// Returns the existing and future transactions after a revision that touch keys beginning with `prefix`, each once and in
  /// order. The stream ends when its task is cancelled or the store is closed; it throws `StateStoreError`, of code `compacted`
  /// if the history does not reach back that far: list the entries and follow the changes from there.
  func changes(prefix: String, after revision: Revision) -> AsyncThrowingStream<StateRecord, any Error>

  /// Returns at most `limit` transactions after a revision, in order, with their authors.
  /// - Throws: `StateStoreError`.
  func history(after revision: Revision, limit: Int) async throws -> [StateRecord]

  /// Grants a lease: keys put with it are deleted unless it is renewed within `timeToLive`.
  /// - Throws: `StateStoreError`.
  func grantLease(timeToLive: Duration) async throws -> StateLease

  /// Extends a lease by its time to live from now.
  /// - Throws: `StateStoreError`; of code `leaseExpired` if it has ended: a lease never comes back.
  func renewLease(_ lease: StateLease) async throws

  /// Ends a lease and deletes its keys; does nothing if it has already ended.
  /// - Throws: `StateStoreError`.
  func revokeLease(_ lease: StateLease) async throws

  /// Discards what was overwritten or deleted before a revision; the state at that revision and later stays known.
  /// - Throws: `StateStoreError`.
  func compact(before revision: Revision) async throws

  /// Verifies that the store is still the one that was opened: a store operated separately may have been emptied since.
  /// - Throws: `StateStoreError`; of code `replaced` if it is another store.
  func verify() async throws

  /// Verifies, before a leader continues the work of another one, that the store has everything committed, and remembers its
  /// progress from then on.
  /// - Throws: `StateStoreError`; of code `replaced` if it is another store, `damaged` if something is missing.
  func takeOver() async throws

  /// Ends all streams and releases files and connections; later calls throw `StateStoreError` of code `closed`.
  func close() async
}

extension StateStore {
  /// Does nothing: a store held by one process cannot be replaced while open.
  public func verify() async throws {}

  /// Does nothing: a store held by one process was verified when it was opened.
  public func takeOver() async throws {}
}

/// The number of a transaction in a store's order; 0 before the first.
public typealias Revision = Int64

/// A set of changes and conditions that is applied atomically.
public struct StateTransaction: Sendable, Equatable {
  /// The unique id: a second transaction of the same id changes nothing.
  public var id: String
  /// The author: a principal, or `coordinator`.
  public var author: String
  /// A description in a few words, for example `open session`.
  public var summary: String
  /// The conditions that must hold for it to be applied.
  public var conditions: [StateCondition]
  /// The changes, at most one per key.
  public var changes: [StateChange]
  /// Whether it may use the reserve of a bounded store, which is for transactions that free space and for operators: a session
  /// must be closable even if its tenant has filled the store.
  public var mayUseReserve: Bool

  /// Creates a transaction; by default with a random id.
  public init(
    id: String = randomStateID(), author: String, summary: String, conditions: [StateCondition] = [],
    changes: [StateChange], mayUseReserve: Bool = false
  ) {
    self.mayUseReserve = mayUseReserve
    self.id = id
    self.author = author
    self.summary = summary
    self.conditions = conditions
    self.changes = changes
  }
}

/// Returns an unguessable id: 16 lower-case letters and digits from the system's random source.
public func randomStateID() -> String {
  let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
  var text: [UInt8] = []
  text.reserveCapacity(16)
  // Each random number costs a system call; two of them suffice for 16 letters.
  for _ in 0..<2 {
    var bits = UInt64.random(in: .min ... .max)
    for _ in 0..<8 {
      text.append(alphabet[Int(bits % 36)])
      bits /= 36
    }
  }
  return String(decoding: text, as: UTF8.self)
}

/// A condition that must hold when a transaction is applied.
public enum StateCondition: Sendable, Equatable {
  /// The key does not exist.
  case absent(String)
  /// The key exists.
  case present(String)
  /// The key was last changed by the transaction of this revision.
  case unchanged(String, since: Revision)
}

/// A change of one key.
public enum StateChange: Sendable, Equatable {
  /// Sets the value; with a lease, the key is deleted when the lease ends.
  case put(String, [UInt8], lease: StateLease? = nil)
  /// Deletes the key; does nothing if it does not exist.
  case delete(String)

  /// The key that changes.
  public var key: String {
    switch self {
    case .put(let key, _, _), .delete(let key): key
    }
  }
}

/// A key, its value, and the revisions of its creation and last change.
public struct StateEntry: Sendable, Equatable {
  /// The key.
  public var key: String
  /// The value: JSON in UTF-8.
  public var value: [UInt8]
  /// The revision of the transaction that created the key.
  public var created: Revision
  /// The revision of the transaction that last set the value.
  public var modified: Revision

  /// Creates an entry.
  public init(key: String, value: [UInt8], created: Revision, modified: Revision) {
    self.key = key
    self.value = value
    self.created = created
    self.modified = modified
  }
}

/// The entries at one revision.
public struct StateSnapshot: Sendable, Equatable {
  /// The revision of the snapshot.
  public var revision: Revision
  /// The entries in the order of their keys.
  public var entries: [StateEntry]

  /// Creates a snapshot.
  public init(revision: Revision, entries: [StateEntry]) {
    self.revision = revision
    self.entries = entries
  }
}

/// An applied transaction.
public struct StateRecord: Sendable, Equatable {
  /// Its revision.
  public var revision: Revision
  /// When it was applied, in milliseconds since 1970 by the clock of the process that applied it.
  public var timeMilliseconds: Int64
  /// The transaction's id.
  public var id: String
  /// The author; `lease` if a lease expired.
  public var author: String
  /// A description in a few words.
  public var summary: String
  /// The changes; in streams with a prefix, only those of keys that begin with it.
  public var changes: [StateChange]

  /// Creates a record.
  public init(
    revision: Revision, timeMilliseconds: Int64, id: String, author: String, summary: String, changes: [StateChange]
  ) {
    self.revision = revision
    self.timeMilliseconds = timeMilliseconds
    self.id = id
    self.author = author
    self.summary = summary
    self.changes = changes
  }
}

/// A lease: keys put with it are deleted unless it is renewed in time.
public struct StateLease: Sendable, Hashable {
  /// The id assigned by the store.
  public var id: Int64
  /// How long it lasts without renewal.
  public var timeToLive: Duration

  /// Creates a lease from its id and time to live.
  public init(id: Int64, timeToLive: Duration) {
    self.id = id
    self.timeToLive = timeToLive
  }
}

/// An error of a state store.
public struct StateStoreError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure.
  public enum Code: String, Sendable {
    /// A condition of the transaction does not hold.
    case conflict
    /// The history does not reach back to the revision.
    case compacted
    /// The lease has ended.
    case leaseExpired
    /// A key, value or transaction is invalid for the store.
    case invalidArgument
    /// The store has reached its maximum size, or the disk is full.
    case full
    /// The store cannot be reached or did not respond in time; a transaction may or may not have been applied.
    case unavailable
    /// The store denies access.
    case permissionDenied
    /// This process was the leader, but no longer is.
    case deposed
    /// The stored data is damaged, or committed data is missing.
    case damaged
    /// The store is not the one that was used before.
    case replaced
    /// The store was written by a newer version.
    case tooNew
    /// Another process holds the store.
    case inUse
    /// The store was closed.
    case closed
  }

  /// The kind of failure.
  public let code: Code
  /// What failed, why, and what to do.
  public let message: String

  /// Creates an error.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
