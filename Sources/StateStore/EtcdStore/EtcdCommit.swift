import Foundation
import Support
import Synchronization

// Translation of transactions to those of etcd.
//
// An etcd transaction requires that the key of its id is absent, and creates this key. It may therefore be sent any number of
// times, to any members, and is applied once, whatever the network does to requests and responses: a repetition finds the key and
// reads the revision from it.
extension EtcdStateStore {
  /// Applies all changes of a transaction, or none; once, however often it is sent.
  /// - Throws: `StateStoreError`; of code `unavailable` if no member responded within the retry budget: the transaction may have
  ///   been applied, or may yet be; repeat it to find out.
  public func commit(_ transaction: StateTransaction) async throws -> Revision {
    try limits.check(transaction)
    var lease = try await leaseForIDs()
    for attempt in 1...2 {
      let request = request(transaction, idLease: lease)
      try checkSize(request)
      do {
        let answer: EtcdTransactionResponse = try await client.call("kv/txn", request)
        if answer.succeeded == true, let revision = answer.header?.revision?.value {
          seal.withLock { $0 }?.note(revision, isDurable: true)
          return revision
        }
        return try revisionOrConflict(transaction, answer)
      } catch EtcdFailure.refused(.leaseNotFound, _) where attempt == 1 {
        // Either the store's own lease has expired, because this process slept or etcd was unreachable, or the caller's lease
        // has.
        idLease.withLock { $0 = nil }
        lease = try await leaseForIDs()
      } catch EtcdFailure.refused(let refusal, let text) {
        throw StateStoreError(etcd: refusal, text)
      }
    }
    throw StateStoreError(.leaseExpired, "A lease of the transaction has expired. Grant a new one.")
  }

  private func request(_ transaction: StateTransaction, idLease: StateLease) -> EtcdTransaction {
    let header = EtcdTransactionHeader(
      id: transaction.id, author: transaction.author, summary: transaction.summary,
      timeMilliseconds: nowMilliseconds())
    let id = layout.id(transaction.id)
    var request = EtcdTransaction()
    request.compare = [
      EtcdCompare(key: id, target: "VERSION", version: 0),
      EtcdCompare(key: layout.format, target: "VALUE", value: Data(String(EtcdLayout.format).utf8)),
      EtcdCompare(key: layout.identity, target: "VALUE", value: Data(identity.withLock { $0 }.utf8)),
    ]
    request.compare += transaction.conditions.map { compare($0) }
    request.success = transaction.changes.map { operation($0) }
    request.success += [
      EtcdOperation(request_put: EtcdPut(key: layout.header, value: (try? JSONEncoder().encode(header)) ?? Data())),
      EtcdOperation(request_put: EtcdPut(key: id, value: Data(), lease: EtcdNumber(idLease.id))),
    ]
    // Reads the cause of a failure at the same moment.
    request.failure = [
      EtcdOperation(request_range: EtcdRange(key: id)), EtcdOperation(request_range: EtcdRange(key: layout.format)),
      EtcdOperation(request_range: EtcdRange(key: layout.identity)),
    ]
    request.failure += transaction.conditions.map {
      EtcdOperation(request_range: EtcdRange(key: layout.key($0.key), keys_only: true))
    }
    return request
  }

  private func compare(_ condition: StateCondition) -> EtcdCompare {
    switch condition {
    case .absent(let key): EtcdCompare(key: layout.key(key), target: "VERSION", version: 0)
    case .present(let key): EtcdCompare(key: layout.key(key), target: "VERSION", result: "GREATER", version: 0)
    case .unchanged(let key, let since):
      EtcdCompare(key: layout.key(key), target: "MOD", mod_revision: EtcdNumber(since))
    }
  }

  private func operation(_ change: StateChange) -> EtcdOperation {
    switch change {
    case .put(let key, let value, let lease):
      EtcdOperation(
        request_put: EtcdPut(key: layout.key(key), value: Data(value), lease: lease.map { EtcdNumber($0.id) }))
    case .delete(let key): EtcdOperation(request_delete_range: EtcdDelete(key: layout.key(key)))
    }
  }

  /// Interprets the response to a transaction that was not applied by this request.
  private func revisionOrConflict(
    _ transaction: StateTransaction, _ answer: EtcdTransactionResponse
  ) throws -> Revision {
    let ranges = answer.responses?.map(\.response_range) ?? []
    guard ranges.count == transaction.conditions.count + 3 else {
      throw StateStoreError(
        .unavailable, "etcd's answer is unexpected: it answered a transaction with \(ranges.count) responses.")
    }
    if let applied = ranges[0]?.kvs?.first { return applied.modified }
    try checkMarks(format: ranges[1]?.kvs?.first?.value, identity: ranges[2]?.kvs?.first?.value)
    for (condition, range) in zip(transaction.conditions, ranges.dropFirst(3)) {
      let modified = range?.kvs?.first?.modified
      if !condition.holds(modified: modified) { throw condition.conflict(modified: modified) }
    }
    throw StateStoreError(
      .conflict, "\(transaction.summary): a condition of the transaction is not met. Read the state and try again.")
  }

  // MARK: Bounds

  /// Rejects requests that etcd would reject, before sending them. Sizes are those of etcd's own encoding, rounded up.
  private func checkSize(_ request: EtcdTransaction) throws {
    var size = 256
    for compare in request.compare { size += compare.key.count + (compare.value?.count ?? 0) + 32 }
    for operation in request.success + request.failure {
      size += (operation.request_put?.key.count ?? 0) + (operation.request_put?.value.count ?? 0) + 32
      size += (operation.request_delete_range?.key.count ?? 0) + (operation.request_range?.key.count ?? 0)
    }
    guard size <= configuration.maximumRequestByteCount else {
      throw StateStoreError(
        .invalidArgument,
        "A transaction of \(size) bytes exceeds etcd's limit of \(configuration.maximumRequestByteCount) bytes. "
          + "Split it, or raise etcd's --max-request-bytes together with maximumRequestByteCount.")
    }
  }

  // MARK: Ids

  /// Returns the lease for ids of new transactions: a new lease is used every sixteenth of its time to live.
  private func leaseForIDs() async throws -> StateLease {
    let now = ContinuousClock.now
    let memory = configuration.idMemory
    if let current = idLease.withLock({ $0 }), now < current.granted + memory / 16 { return current.lease }
    let lease = try await grantLease(timeToLive: memory + memory / 16)
    idLease.withLock { $0 = (lease, now) }
    return lease
  }
}
