import Glibc

/// A page of transactions, in order.
struct RecordPage: Sendable {
  /// The transactions that touch the requested keys, restricted to them.
  var records: [StateRecord]
  /// The revision up to which there are no further such transactions.
  var scannedTo: Revision
}

/// Follows the transactions after a revision that touch keys with a prefix, page by page: transactions that a slow reader has not
/// read stay in the store.
func followRecords(
  prefix: String, after revision: Revision, bell: RevisionBell,
  page: @escaping @Sendable (_ prefix: [UInt8], _ after: Revision) async throws -> RecordPage
) -> AsyncThrowingStream<StateRecord, any Error> {
  let follower = RecordFollower(prefix: Array(prefix.utf8), position: revision, bell: bell, page: page)
  return AsyncThrowingStream { try await follower.next() }
}

/// The position of one reader in a store's history.
private actor RecordFollower {
  private let prefix: [UInt8]
  private let bell: RevisionBell
  private let page: @Sendable ([UInt8], Revision) async throws -> RecordPage
  private var position: Revision
  private var ready: ArraySlice<StateRecord> = []
  private var isOver = false

  init(
    prefix: [UInt8], position: Revision, bell: RevisionBell,
    page: @escaping @Sendable ([UInt8], Revision) async throws -> RecordPage
  ) {
    self.prefix = prefix
    self.position = position
    self.bell = bell
    self.page = page
  }

  func next() async throws -> StateRecord? {
    while !isOver, !Task.isCancelled {
      if let record = ready.popFirst() { return record }
      do {
        let page = try await page(prefix, position)
        position = page.scannedTo
        ready = page.records[...]
      } catch let error as StateStoreError where error.code == .closed {
        isOver = true
        return nil
      }
      if ready.isEmpty { await waitForMore() }
    }
    return nil
  }

  private func waitForMore() async {
    guard let reached = await bell.wait(prefix: prefix, after: position) else {
      isOver = true
      return
    }
    position = max(position, reached)
  }
}

extension StateRecord {
  /// Returns the record restricted to changes of keys with a prefix.
  func restricted(to prefix: [UInt8]) -> StateRecord {
    guard !prefix.isEmpty else { return self }
    var record = self
    record.changes = changes.filter { $0.key.utf8.starts(with: prefix) }
    return record
  }
}

/// Returns the error of a closed store.
func storeClosed() -> StateStoreError {
  StateStoreError(.closed, "the state store was closed; the coordinator is shutting down")
}

/// Returns the error of a lease that has ended or was never granted.
func leaseExpired(_ id: Int64) -> StateStoreError {
  StateStoreError(.leaseExpired, "the lease \(id) has expired; grant a new one and put its keys again")
}

/// Returns the error of a revision that was compacted.
func compactedRevision(_ revision: Revision, oldest: Revision) -> StateStoreError {
  StateStoreError(
    .compacted, "revision \(revision) was compacted; the oldest revision available is \(oldest). List the entries again"
  )
}

/// Returns the error of a revision that does not exist yet.
func futureRevision(_ revision: Revision, newest: Revision) -> StateStoreError {
  StateStoreError(.invalidArgument, "revision \(revision) does not exist yet; the newest is \(newest)")
}
