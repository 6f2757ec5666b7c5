import Foundation

// How a transaction becomes one of etcd's.
//
// It compares the key of its id with absence and puts it. So it may be sent any number of times, to any members, and
// whatever the network does to requests and answers it is applied once: whoever comes second finds the key and learns
// the revision from it.
extension EtcdStateStore {
  /// Applies all changes of a transaction, or none; once, however often it is sent.
  /// - Throws: `StateStoreError`; of code `unavailable` when no member answered within the retry budget: the transaction
  ///   may have been applied, or will be; repeat it to learn.
  public func commit(_ transaction: StateTransaction) async throws -> Revision {
    try limits.check(transaction)
    var lease = try await leaseForIDs()
    for attempt in 1...2 {
      let request = request(transaction, idLease: lease)
      try checkSize(request)
      do {
        let answer: EtcdTransactionResponse = try await client.call("kv/txn", request)
        if answer.succeeded == true, let revision = answer.header?.revision?.value { return revision }
        return try revisionOrConflict(transaction, answer)
      } catch EtcdFailure.refused(.leaseNotFound, _) where attempt == 1 {
        // Either our own lease is gone, because we slept or etcd was cut off from us, or the caller's.
        idLease.withLock { $0 = nil }
        lease = try await leaseForIDs()
      } catch EtcdFailure.refused(let refusal, let text) {
        throw StateStoreError(etcd: refusal, text)
      }
    }
    throw StateStoreError(.leaseExpired, "A lease of the transaction is over. Make a new one.")
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
    ]
    request.compare += transaction.conditions.map { compare($0) }
    request.success = transaction.changes.map { operation($0) }
    request.success += [
      EtcdOperation(request_put: EtcdPut(key: layout.header, value: (try? JSONEncoder().encode(header)) ?? Data())),
      EtcdOperation(request_put: EtcdPut(key: id, value: Data(), lease: EtcdNumber(idLease.id))),
    ]
    // What tells us why it was not applied, read at the same moment.
    request.failure = [
      EtcdOperation(request_range: EtcdRange(key: id)), EtcdOperation(request_range: EtcdRange(key: layout.format)),
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

  /// Reads the answer to a transaction that was not applied this time.
  private func revisionOrConflict(
    _ transaction: StateTransaction, _ answer: EtcdTransactionResponse
  ) throws -> Revision {
    let ranges = answer.responses?.map(\.response_range) ?? []
    guard ranges.count == transaction.conditions.count + 2 else {
      throw StateStoreError(.unavailable, "etcd's answer to a transaction has \(ranges.count) parts.")
    }
    if let applied = ranges[0]?.kvs?.first { return applied.modified }
    try checkFormat(ranges[1]?.kvs?.first?.value)
    for (condition, range) in zip(transaction.conditions, ranges.dropFirst(2)) {
      let modified = range?.kvs?.first?.modified
      if !condition.holds(modified: modified) { throw condition.conflict(modified: modified) }
    }
    throw StateStoreError(.conflict, "\(transaction.summary): a condition did not hold. Read the state again.")
  }

  // MARK: Bounds

  /// Refuses what etcd would refuse, before it is sent. Sizes are those of etcd's own encoding, rounded up.
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
        "A transaction of \(size) bytes is more than the \(configuration.maximumRequestByteCount) that etcd takes. "
          + "Split it, or raise etcd's --max-request-bytes together with maximumRequestByteCount.")
    }
  }

  // MARK: Ids

  /// The lease under which ids are remembered now: a new one every sixteenth of its time.
  private func leaseForIDs() async throws -> StateLease {
    let now = ContinuousClock.now
    let memory = configuration.idMemory
    if let current = idLease.withLock({ $0 }), now < current.granted + memory / 16 { return current.lease }
    let lease = try await grantLease(timeToLive: memory + memory / 16)
    idLease.withLock { $0 = (lease, now) }
    return lease
  }
}
