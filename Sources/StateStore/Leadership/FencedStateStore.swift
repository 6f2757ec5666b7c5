/// A state store for the leader of one term. Every transaction additionally requires that the leader's key is still that of the
/// term, so a deposed leader changes nothing, whatever it believes.
///
/// Reads and leases are not fenced, because they change no data of others.
public struct FencedStateStore: StateStore {
  private let store: any StateStore
  private let currentTerm: @Sendable () -> LeadershipTerm?

  /// Creates a store for the leader of a term.
  public init(_ store: any StateStore, _ term: LeadershipTerm) {
    self.store = store
    currentTerm = { term.isCurrent ? term : nil }
  }

  /// Creates a store for a candidate: usable in any term in which it leads, and not at all as a standby.
  public init(_ store: any StateStore, of election: LeaderElection) {
    self.store = store
    currentTerm = { if case .leading(let term) = election.role { term } else { nil } }
  }

  /// Applies a transaction if this process still leads.
  /// - Throws: `StateStoreError` as the underlying store; of code `deposed` if this process no longer leads: stop, and follow the
  ///   new leader.
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
      "\(transaction.summary): this coordinator is not the leader, so the change was not applied. Ask the leader.")
  }

  /// Returns the entry of a key, now or at a revision; see `StateStore`.
  public func entry(_ key: String, at revision: Revision?) async throws -> StateEntry? {
    try await store.entry(key, at: revision)
  }

  /// Returns the entries with a prefix, now or at a revision; see `StateStore`.
  public func entries(prefix: String, at revision: Revision?) async throws -> StateSnapshot {
    try await store.entries(prefix: prefix, at: revision)
  }

  /// Follows the transactions after a revision that touch keys with a prefix; see `StateStore`.
  public func changes(prefix: String, after revision: Revision) -> AsyncThrowingStream<StateRecord, any Error> {
    store.changes(prefix: prefix, after: revision)
  }

  /// Returns at most `limit` transactions after a revision; see `StateStore`.
  public func history(after revision: Revision, limit: Int) async throws -> [StateRecord] {
    try await store.history(after: revision, limit: limit)
  }

  /// Grants a lease; see `StateStore`.
  public func grantLease(timeToLive: Duration) async throws -> StateLease {
    try await store.grantLease(timeToLive: timeToLive)
  }

  /// Renews a lease; see `StateStore`.
  public func renewLease(_ lease: StateLease) async throws { try await store.renewLease(lease) }

  /// Ends a lease and deletes its keys; see `StateStore`.
  public func revokeLease(_ lease: StateLease) async throws { try await store.revokeLease(lease) }

  /// Discards history, if this process still leads; see `StateStore`.
  public func compact(before revision: Revision) async throws {
    guard currentTerm() != nil else {
      throw StateStoreError(.deposed, "The history was not compacted: this coordinator is not the leader.")
    }
    try await store.compact(before: revision)
  }

  /// Verifies that the store is the one that was opened; see `StateStore`.
  public func verify() async throws { try await store.verify() }

  /// Verifies that everything committed by earlier leaders is present; see `StateStore`.
  public func takeOver() async throws { try await store.takeOver() }

  /// Closes the underlying store.
  public func close() async { await store.close() }
}
