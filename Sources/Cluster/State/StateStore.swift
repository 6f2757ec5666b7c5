/// Where the coordinator keeps what it must not forget: keys with JSON values, changed only by whole transactions, in
/// an order that everybody sees alike.
///
/// The store is a journal. Every transaction gets the next *revision*; the state at an earlier revision can be listed,
/// and what changed between two revisions can be told together with who did it, until the history is compacted.
public protocol StateStore: Sendable {
  /// Applies all changes of a transaction, or none. When this returns, the transaction survives the process.
  ///
  /// A transaction whose id was applied already is not applied again; its revision is returned. Callers may therefore
  /// repeat a transaction whose outcome they did not learn.
  /// - Returns: the transaction's revision.
  /// - Throws: `StateStoreError`; of code `conflict` when a condition does not hold.
  func commit(_ transaction: StateTransaction) async throws -> Revision

  /// A key's value, now or at a revision; nil when there is none.
  /// - Throws: `StateStoreError`; of code `compacted` when the revision is older than the history.
  func entry(_ key: String, at revision: Revision?) async throws -> StateEntry?

  /// All keys that begin with `prefix`, in their order, now or at a revision.
  /// - Throws: `StateStoreError`; of code `compacted` when the revision is older than the history.
  func entries(prefix: String, at revision: Revision?) async throws -> StateSnapshot

  /// The transactions after a revision that touch keys beginning with `prefix`, those that are there and those to come,
  /// each once and in order. The stream ends when its task is cancelled or the store is closed; it throws
  /// `StateStoreError`, of code `compacted` when the history does not reach back: list the entries and watch from there.
  func changes(prefix: String, after revision: Revision) -> AsyncThrowingStream<StateRecord, any Error>

  /// At most `limit` transactions after a revision, in order: who did what.
  /// - Throws: `StateStoreError`.
  func history(after revision: Revision, limit: Int) async throws -> [StateRecord]

  /// Makes a lease: keys put with it disappear when it is not renewed within `timeToLive`.
  /// - Throws: `StateStoreError`.
  func grantLease(timeToLive: Duration) async throws -> StateLease

  /// Prolongs a lease by its time to live from now.
  /// - Throws: `StateStoreError`; of code `leaseExpired` when it is too late: a lease never comes back.
  func renewLease(_ lease: StateLease) async throws

  /// Ends a lease; its keys are deleted. One that is over is no error.
  /// - Throws: `StateStoreError`.
  func revokeLease(_ lease: StateLease) async throws

  /// Forgets what was overwritten or deleted before a revision; the state at it and after it stays known.
  /// - Throws: `StateStoreError`.
  func compact(before revision: Revision) async throws

  /// Ends all streams and releases files and connections; later calls throw `StateStoreError` of code `closed`.
  func close() async
}

/// The number of a transaction in a store's order; 0 before the first.
public typealias Revision = Int64

/// A change of several keys that happens as one.
public struct StateTransaction: Sendable, Equatable {
  /// Makes the transaction one of its kind: a second one of the same id changes nothing.
  public var id: String
  /// Who wants it: a principal, or `coordinator`.
  public var author: String
  /// What it does, in a few words, for example `open session`.
  public var summary: String
  /// What must hold for it to be applied.
  public var conditions: [StateCondition]
  /// What changes; every key at most once.
  public var changes: [StateChange]

  /// A transaction; its id is random unless given.
  public init(
    id: String = randomStateID(), author: String, summary: String, conditions: [StateCondition] = [],
    changes: [StateChange]
  ) {
    self.id = id
    self.author = author
    self.summary = summary
    self.conditions = conditions
    self.changes = changes
  }
}

/// 16 letters and digits in lower case from the system's random source: they cannot be guessed.
public func randomStateID() -> String {
  let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
  var text: [UInt8] = []
  text.reserveCapacity(16)
  // A random number costs a system call: two of them are enough for 16 letters.
  for _ in 0..<2 {
    var bits = UInt64.random(in: .min ... .max)
    for _ in 0..<8 {
      text.append(alphabet[Int(bits % 36)])
      bits /= 36
    }
  }
  return String(decoding: text, as: UTF8.self)
}

/// What must hold at the moment a transaction is applied.
public enum StateCondition: Sendable, Equatable {
  /// There is no such key.
  case absent(String)
  /// There is such a key.
  case present(String)
  /// The key was last changed by the transaction of that revision.
  case unchanged(String, since: Revision)
}

/// A change of one key.
public enum StateChange: Sendable, Equatable {
  /// Sets the value; with a lease the key disappears when the lease ends.
  case put(String, [UInt8], lease: StateLease? = nil)
  /// Removes the key; one that is not there is no error.
  case delete(String)

  /// The key that changes.
  public var key: String {
    switch self {
    case .put(let key, _, _), .delete(let key): key
    }
  }
}

/// A key, its value and when it was set.
public struct StateEntry: Sendable, Equatable {
  /// The key.
  public var key: String
  /// The value: JSON in UTF-8.
  public var value: [UInt8]
  /// The transaction that made the key.
  public var created: Revision
  /// The transaction that last set the value.
  public var modified: Revision

  /// An entry.
  public init(key: String, value: [UInt8], created: Revision, modified: Revision) {
    self.key = key
    self.value = value
    self.created = created
    self.modified = modified
  }
}

/// Entries as they were together at one moment.
public struct StateSnapshot: Sendable, Equatable {
  /// The moment.
  public var revision: Revision
  /// The entries in the order of their keys.
  public var entries: [StateEntry]

  /// A snapshot.
  public init(revision: Revision, entries: [StateEntry]) {
    self.revision = revision
    self.entries = entries
  }
}

/// A transaction that was applied.
public struct StateRecord: Sendable, Equatable {
  /// Its place in the order.
  public var revision: Revision
  /// When it was applied, in milliseconds since 1970 by the clock of whoever applied it.
  public var timeMilliseconds: Int64
  /// The transaction's id.
  public var id: String
  /// Who wanted it; `lease` when a lease ran out.
  public var author: String
  /// What it does.
  public var summary: String
  /// What changed; in streams with a prefix only the keys that begin with it.
  public var changes: [StateChange]

  /// A record.
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

/// A promise to delete keys unless it is renewed in time.
public struct StateLease: Sendable, Hashable {
  /// The store's number for it.
  public var id: Int64
  /// How long it lasts without renewal.
  public var timeToLive: Duration

  /// Names a lease.
  public init(id: Int64, timeToLive: Duration) {
    self.id = id
    self.timeToLive = timeToLive
  }
}

/// Why a store did not do what it was asked.
public struct StateStoreError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure.
  public enum Code: String, Sendable {
    /// A condition of the transaction does not hold.
    case conflict
    /// The history does not reach back to the revision.
    case compacted
    /// The lease is over.
    case leaseExpired
    /// A key, value or transaction that the store cannot take.
    case invalidArgument
    /// The store is larger than it can take: a bound of its own, or a full disk.
    case full
    /// The store cannot be reached, or did not answer in time: whether a transaction was applied is not known.
    case unavailable
    /// The store refuses who asks.
    case permissionDenied
    /// Whoever asks was the leader of several coordinators and is it no more.
    case deposed
    /// What is stored is damaged.
    case damaged
    /// What is stored was written by a newer version.
    case tooNew
    /// Another process holds the store.
    case inUse
    /// The store was closed.
    case closed
  }

  /// The kind of failure.
  public let code: Code
  /// What failed, why and what to do.
  public let message: String

  /// Makes an error.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
