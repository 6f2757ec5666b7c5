/// A state store for the leader of one term. Every transaction demands, besides its own conditions, that the leader's
/// key is still the one of the term: a deposed leader changes nothing, whatever it believes.
///
/// Reading, and leases, are not fenced: they change nothing of anybody else's.
public struct FencedStateStore: StateStore {
  private let store: any StateStore
  private let currentTerm: @Sendable () -> LeadershipTerm?

  /// The store as the leader of a term may use it.
  public init(_ store: any StateStore, _ term: LeadershipTerm) {
    self.store = store
    currentTerm = { term.isCurrent ? term : nil }
  }

  /// The store as a candidate may use it: as the leader in whichever term it leads, and not at all as a standby.
  public init(_ store: any StateStore, of election: LeaderElection) {
    self.store = store
    currentTerm = { if case .leading(let term) = election.role { term } else { nil } }
  }

  /// Applies a transaction if we still lead.
  /// - Throws: `StateStoreError` as of the store; of code `deposed` when we lead no more: stop, and follow the new
  ///   leader.
  public func commit(_ transaction: StateTransaction) async throws -> Revision {
    guard let term = currentTerm() else { throw deposed(transaction) }
    var fenced = transaction
    fenced.conditions.append(.unchanged(term.key, since: term.revision))
    do {
      return try await store.commit(fenced)
    } catch let error as StateStoreError where error.code == .conflict {
      guard try await store.entry(term.key, at: nil)?.modified == term.revision else {
        term.seat.refused(in: term.revision)
        throw deposed(transaction)
      }
      throw error
    }
  }

  private func deposed(_ transaction: StateTransaction) -> StateStoreError {
    StateStoreError(
      .deposed,
      "\(transaction.summary): this coordinator does not lead; this is not applied now. Ask the leader.")
  }

  /// A key's value, now or at a revision.
  public func entry(_ key: String, at revision: Revision?) async throws -> StateEntry? {
    try await store.entry(key, at: revision)
  }

  /// All keys that begin with `prefix`, now or at a revision.
  public func entries(prefix: String, at revision: Revision?) async throws -> StateSnapshot {
    try await store.entries(prefix: prefix, at: revision)
  }

  /// The transactions after a revision that touch keys beginning with `prefix`.
  public func changes(prefix: String, after revision: Revision) -> AsyncThrowingStream<StateRecord, any Error> {
    store.changes(prefix: prefix, after: revision)
  }

  /// At most `limit` transactions after a revision.
  public func history(after revision: Revision, limit: Int) async throws -> [StateRecord] {
    try await store.history(after: revision, limit: limit)
  }

  /// Makes a lease.
  public func grantLease(timeToLive: Duration) async throws -> StateLease {
    try await store.grantLease(timeToLive: timeToLive)
  }

  /// Prolongs a lease.
  public func renewLease(_ lease: StateLease) async throws { try await store.renewLease(lease) }

  /// Ends a lease and deletes its keys.
  public func revokeLease(_ lease: StateLease) async throws { try await store.revokeLease(lease) }

  /// Forgets history, if we still lead.
  public func compact(before revision: Revision) async throws {
    guard currentTerm() != nil else {
      throw StateStoreError(.deposed, "The history is not compacted: this coordinator does not lead.")
    }
    try await store.compact(before: revision)
  }

  /// Closes the store itself.
  public func close() async { await store.close() }
}
