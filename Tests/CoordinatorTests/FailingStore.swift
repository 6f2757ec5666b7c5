import StateStore

/// A store that rejects every commit while it is set to.
actor FailingStore: StateStore {
  private let store = InMemoryStateStore()
  private var isFailing = false

  func fail(_ isFailing: Bool) { self.isFailing = isFailing }

  func commit(_ transaction: StateTransaction) async throws -> Revision {
    if isFailing { throw StateStoreError(.full, "no space is left") }
    return try await store.commit(transaction)
  }
  func entry(_ key: String, at revision: Revision?) async throws -> StateEntry? {
    try await store.entry(key, at: revision)
  }
  func entries(prefix: String, at revision: Revision?) async throws -> StateSnapshot {
    try await store.entries(prefix: prefix, at: revision)
  }
  nonisolated func changes(prefix: String, after revision: Revision) -> AsyncThrowingStream<StateRecord, any Error> {
    store.changes(prefix: prefix, after: revision)
  }
  func history(after revision: Revision, limit: Int) async throws -> [StateRecord] { [] }
  func grantLease(timeToLive: Duration) async throws -> StateLease { StateLease(id: 1, timeToLive: timeToLive) }
  func renewLease(_ lease: StateLease) async throws {}
  func revokeLease(_ lease: StateLease) async throws {}
  func compact(before revision: Revision) async throws {}
  func close() async {}
}
