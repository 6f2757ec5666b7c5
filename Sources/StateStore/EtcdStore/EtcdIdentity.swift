import Foundation
import Synchronization

// The identity of the store. etcd is operated separately: its data may be wiped, or the address may lead to another cluster. A
// store found empty for such a reason must not be mistaken for one in which all sessions were closed.
extension EtcdStateStore {
  /// Returns the path of the file in a workspace that remembers the store.
  static func sealPath(in directory: String) -> String { directory + "/etcd.seal" }

  /// Compares the store with the remembered one, or remembers it; marks an etcd without state as a store.
  /// - Throws: `StateStoreError`.
  func identify() async throws {
    guard let memory else { return try await mark() }
    switch try StateSealFile.read(memory) {
    case .seal(let seal):
      identity.withLock { $0 = seal.identity }
      try await verify()
    case .damaged:
      throw lost(.damaged, "the file '\(memory)', which records the store's identity, is damaged")
    case .none:
      try await mark()
      try remember(revision: 0)
    }
  }

  /// Verifies that the store is still the one that was opened; see `StateStore`.
  public func verify() async throws {
    let ranges = [layout.format, layout.identity].map { EtcdOperation(request_range: EtcdRange(key: $0)) }
    let answer: EtcdTransactionResponse = try await call("kv/txn", EtcdTransaction(success: ranges))
    let parts = answer.responses?.map(\.response_range) ?? []
    guard parts.count == ranges.count else {
      throw StateStoreError(
        .unavailable, "etcd's answer is unexpected: it answered a request for two ranges with \(parts.count) responses."
      )
    }
    try checkMarks(format: parts[0]?.kvs?.first?.value, identity: parts[1]?.kvs?.first?.value)
  }

  /// Checks the marks of the store, which must be present and belong to this store.
  func checkMarks(format: Data?, identity found: Data?) throws {
    guard format != nil || found != nil else {
      throw lost(.replaced, "it is empty: its data was deleted, or the endpoints are those of another etcd")
    }
    try checkFormat(format)
    let found = String(decoding: found ?? Data(), as: UTF8.self)
    let expected = identity.withLock { $0 }
    guard found == expected else {
      throw lost(.replaced, "it is the store '\(found)', but the store '\(expected)' was used before")
    }
  }

  /// Verifies that everything committed by an earlier leader is present; see `StateStore`.
  public func takeOver() async throws {
    try await verify()
    guard let memory else { return }
    // Every transaction puts the header.
    let header: EtcdRangeResponse = try await call("kv/range", EtcdRange(key: layout.header, keys_only: true))
    let last = header.kvs?.first?.modified ?? 0
    if case .seal(let seal) = try StateSealFile.read(memory), seal.revision > last {
      throw lost(
        .damaged,
        "revision \(seal.revision) had been committed, but the last revision found is \(last): an older snapshot was restored"
      )
    }
    let new = StateSeal(identity: identity.withLock { $0 }, revision: last, durable: last)
    let file = try StateSealFile(reopening: memory, new)
    seal.withLock { $0 = file }
  }

  /// Accepts the current store as the expected one, whatever was remembered.
  /// - Returns: The number of its entries.
  public static func accept(_ configuration: EtcdConfiguration, rememberedIn directory: String) async throws -> Int {
    let store = try await open(configuration)
    do {
      let entries = try await store.entries(prefix: "", at: nil).entries.count
      let identity = store.identity.withLock { $0 }
      _ = try StateSealFile(
        creating: sealPath(in: directory), StateSeal(identity: identity, revision: 0, durable: 0))
      await store.close()
      return entries
    } catch {
      await store.close()
      throw error
    }
  }

  /// Marks an etcd without state, or one written by a version without identities, and reads the identity.
  private func mark() async throws {
    let marks = [(layout.format, String(EtcdLayout.format)), (layout.identity, randomStateID())]
    for (key, value) in marks {
      let answer: EtcdTransactionResponse = try await call(
        "kv/txn",
        EtcdTransaction(
          compare: [EtcdCompare(key: key, target: "VERSION", version: 0)],
          success: [EtcdOperation(request_put: EtcdPut(key: key, value: Data(value.utf8)))],
          failure: [EtcdOperation(request_range: EtcdRange(key: key))]))
      let found =
        answer.succeeded == true ? Data(value.utf8) : answer.responses?.first?.response_range?.kvs?.first?.value
      if key == layout.format { try checkFormat(found) } else { identity.withLock { $0 = text(found) } }
    }
  }

  private func text(_ data: Data?) -> String { String(decoding: data ?? Data(), as: UTF8.self) }

  private func remember(revision: Revision) throws {
    guard let memory else { return }
    _ = try StateSealFile(
      creating: memory, StateSeal(identity: identity.withLock { $0 }, revision: revision, durable: revision))
  }

  private func lost(_ code: StateStoreError.Code, _ evidence: String) -> StateStoreError {
    let workspace = memory.map { " --workspace \($0.prefix(upTo: $0.lastIndex(of: "/") ?? $0.startIndex))" } ?? ""
    return StateStoreError(
      code,
      "The state in etcd at \(configuration.endpoints.joined(separator: ", ")) below '\(configuration.prefix)' is not the "
        + "expected one: \(evidence). Nothing was changed. Correct etcd.endpoints or etcd.prefix, restore etcd's data "
        + "(etcdctl snapshot restore), or continue with the present state: 'gscoordinator state repair\(workspace) --set "
        + "state=etcd …' accepts it and recovers sessions from their directories.")
  }
}
