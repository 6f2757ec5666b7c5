import Glibc
import Support

/// A state store in memory, for temporary coordinators, whose state ends with them, and for tests.
public actor InMemoryStateStore: StateStore {
  private struct Version {
    var revision: Revision
    /// 0 if the key was deleted.
    var created: Revision
    var value: [UInt8]
    var lease: Int64?
  }

  /// Keys as bytes: Swift strings that differ only in their composition of characters compare equal.
  private var versions: [[UInt8]: [Version]] = [:]
  private var records: [StateRecord] = []
  private var revisions: [[UInt8]: Revision] = [:]
  private var head: Revision = 0
  private var floor: Revision = 0
  private var isClosed = false
  private let keeper = LeaseKeeper()
  private let bell = RevisionBell(head: 0)
  private let limits: StateLimits
  private let historyBound: Int
  private static let leaseBound = 10_000

  /// Creates an empty store.
  /// - Parameter historyBound: The number of transactions to keep; earlier ones are compacted.
  public init(limits: StateLimits = StateLimits(), historyBound: Int = 10_000) {
    self.limits = limits
    self.historyBound = historyBound
  }

  deinit {
    keeper.close()
    bell.close()
  }

  /// Applies a transaction; see `StateStore`.
  public func commit(_ transaction: StateTransaction) throws -> Revision {
    try requireOpen()
    try limits.check(transaction)
    if let revision = revisions[Array(transaction.id.utf8)] { return revision }
    for condition in transaction.conditions {
      let modified = current(Array(condition.key.utf8))?.revision
      guard condition.holds(modified: modified) else { throw condition.conflict(modified: modified) }
    }
    for case .put(_, _, let lease?) in transaction.changes where keeper.timeToLive(lease.id) == nil {
      throw leaseExpired(lease.id)
    }
    return apply(transaction)
  }

  /// Returns the entry of a key, now or at a revision; see `StateStore`.
  public func entry(_ key: String, at revision: Revision?) throws -> StateEntry? {
    try requireOpen()
    try limits.check(key: key)
    let revision = try readable(revision)
    return entry(Array(key.utf8), at: revision)
  }

  /// Returns the entries with a prefix, now or at a revision; see `StateStore`.
  public func entries(prefix: String, at revision: Revision?) throws -> StateSnapshot {
    try requireOpen()
    try limits.check(prefix: prefix)
    let revision = try readable(revision)
    let keys = versions.keys.filter { $0.starts(with: prefix.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    return StateSnapshot(revision: revision, entries: keys.compactMap { entry($0, at: revision) })
  }

  /// Follows the transactions after a revision that touch keys with a prefix; see `StateStore`.
  public nonisolated func changes(
    prefix: String, after revision: Revision
  ) -> AsyncThrowingStream<StateRecord, any Error> {
    followRecords(prefix: prefix, after: revision, bell: bell) { prefix, position in
      try await self.records(prefix: prefix, after: position)
    }
  }

  /// Returns at most `limit` transactions after a revision, in order; see `StateStore`.
  public func history(after revision: Revision, limit: Int) throws -> [StateRecord] {
    try requireOpen()
    try requireHistory(after: revision)
    return Array(records[index(after: revision)...].prefix(max(0, limit)))
  }

  /// Grants a lease; see `StateStore`.
  public func grantLease(timeToLive: Duration) throws -> StateLease {
    try requireOpen()
    try limits.check(timeToLive: timeToLive)
    keeper.start { [weak self] id in await self?.deleteKeys(of: id) }
    guard keeper.count < Self.leaseBound else {
      throw StateStoreError(
        .full, "the store has \(Self.leaseBound) leases, which is the limit: revoke some, or wait until some expire")
    }
    let lease = StateLease(id: .random(in: 1...Int64.max), timeToLive: timeToLive)
    keeper.grant(lease)
    return lease
  }

  /// Renews a lease; see `StateStore`.
  public func renewLease(_ lease: StateLease) throws {
    try requireOpen()
    guard keeper.renew(lease.id) else { throw leaseExpired(lease.id) }
  }

  /// Ends a lease and deletes its keys; see `StateStore`.
  public func revokeLease(_ lease: StateLease) throws {
    try requireOpen()
    _ = keeper.end(lease.id)
    deleteKeys(of: lease.id)
    keeper.forget(lease.id)
  }

  /// Discards what was overwritten or deleted before a revision; see `StateStore`.
  public func compact(before revision: Revision) throws {
    try requireOpen()
    guard revision <= head else { throw futureRevision(revision, newest: head) }
    if revision > floor { forget(before: revision) }
  }

  /// Ends all streams; later calls throw.
  public func close() {
    isClosed = true
    keeper.close()
    bell.close()
  }

  // MARK: - Writing

  private func apply(_ transaction: StateTransaction) -> Revision {
    head += 1
    var effective: [StateChange] = []
    for change in transaction.changes where apply(change) { effective.append(change) }
    records.append(
      StateRecord(
        revision: head, timeMilliseconds: nowMilliseconds(), id: transaction.id, author: transaction.author,
        summary: transaction.summary, changes: effective))
    revisions[Array(transaction.id.utf8)] = head
    if records.count > historyBound + historyBound / 10 { forget(before: head - Revision(historyBound)) }
    bell.ring([(head, effective.map(\.key))])
    return head
  }

  /// - Returns: False if there was nothing to delete.
  private func apply(_ change: StateChange) -> Bool {
    let key = Array(change.key.utf8)
    let old = current(key)
    switch change {
    case .put(_, let value, let lease):
      versions[key, default: []].append(
        Version(revision: head, created: old?.created ?? head, value: value, lease: lease?.id))
    case .delete:
      guard old != nil else { return false }
      versions[key, default: []].append(Version(revision: head, created: 0, value: [], lease: nil))
    }
    return true
  }

  private func deleteKeys(of lease: Int64) {
    let keys = versions.filter { $0.value.last?.lease == lease }.keys.sorted { $0.lexicographicallyPrecedes($1) }
    guard !isClosed, !keys.isEmpty else { return }
    _ = apply(
      StateTransaction(
        author: "lease", summary: "lease expired", changes: keys.map { .delete(String(decoding: $0, as: UTF8.self)) }))
  }

  private func forget(before revision: Revision) {
    floor = revision
    for record in records[..<index(after: revision - 1)] { revisions[Array(record.id.utf8)] = nil }
    records.removeSubrange(..<index(after: revision - 1))
    for (key, all) in versions {
      let last = all.lastIndex { $0.revision <= revision } ?? 0
      let kept = all[last...].drop { $0.created == 0 && $0.revision < revision }
      versions[key] = kept.isEmpty ? nil : Array(kept)
    }
  }

  // MARK: - Reading

  private func current(_ key: [UInt8]) -> Version? { versions[key]?.last.flatMap { $0.created == 0 ? nil : $0 } }

  private func entry(_ key: [UInt8], at revision: Revision) -> StateEntry? {
    guard let version = versions[key]?.last(where: { $0.revision <= revision }), version.created != 0 else {
      return nil
    }
    return StateEntry(
      key: String(decoding: key, as: UTF8.self), value: version.value, created: version.created,
      modified: version.revision)
  }

  private func records(prefix: [UInt8], after position: Revision) throws -> RecordPage {
    try requireOpen()
    try requireHistory(after: position)
    for record in records[index(after: position)...] {
      let record = record.restricted(to: prefix)
      if !record.changes.isEmpty { return RecordPage(records: [record], scannedTo: record.revision) }
    }
    return RecordPage(records: [], scannedTo: max(head, position))
  }

  /// Returns the index of the first record after a revision.
  private func index(after revision: Revision) -> Int {
    guard let first = records.first?.revision else { return 0 }
    return Int(min(max(0, revision.subtractingReportingOverflow(first - 1).partialValue), Revision(records.count)))
  }

  private func requireOpen() throws(StateStoreError) { if isClosed { throw storeClosed() } }

  private func requireHistory(after revision: Revision) throws(StateStoreError) {
    if revision < max(0, floor - 1) { throw compactedRevision(revision, oldest: floor) }
  }

  private func readable(_ revision: Revision?) throws(StateStoreError) -> Revision {
    guard let revision else { return head }
    guard revision <= head else { throw futureRevision(revision, newest: head) }
    guard revision >= floor else { throw compactedRevision(revision, oldest: floor) }
    return revision
  }
}
