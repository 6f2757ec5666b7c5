import Glibc

/// Some transactions in order, read at once.
struct RecordPage: Sendable {
  /// Those that touch the wanted keys, restricted to them.
  var records: [StateRecord]
  /// The revision up to which there are no others.
  var scannedTo: Revision
}

/// The transactions after a revision that touch keys beginning with `prefix`, page by page: what a slow reader has not
/// taken stays in the store.
func followRecords(
  prefix: String, after revision: Revision, bell: RevisionBell,
  page: @escaping @Sendable (_ prefix: [UInt8], _ after: Revision) async throws -> RecordPage
) -> AsyncThrowingStream<StateRecord, any Error> {
  let follower = RecordFollower(prefix: Array(prefix.utf8), position: revision, bell: bell, page: page)
  return AsyncThrowingStream { try await follower.next() }
}

/// A place in a store's order, for one reader.
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
  /// The record with only the changes of keys that begin with a prefix.
  func restricted(to prefix: [UInt8]) -> StateRecord {
    guard !prefix.isEmpty else { return self }
    var record = self
    record.changes = changes.filter { $0.key.utf8.starts(with: prefix) }
    return record
  }
}

/// The errors that all stores share.
func storeClosed() -> StateStoreError {
  StateStoreError(.closed, "the state store was closed; the coordinator is shutting down")
}

/// The lease is over or was never granted.
func leaseExpired(_ id: Int64) -> StateStoreError {
  StateStoreError(.leaseExpired, "the lease \(id) is over; ask for a new one and put its keys again")
}

/// The history does not reach back.
func compactedRevision(_ revision: Revision, oldest: Revision) -> StateStoreError {
  StateStoreError(
    .compacted, "revision \(revision) is forgotten; the oldest that is known is \(oldest). List the entries again")
}

/// There is no such revision yet.
func futureRevision(_ revision: Revision, newest: Revision) -> StateStoreError {
  StateStoreError(.invalidArgument, "there is no revision \(revision) yet; the newest is \(newest)")
}
