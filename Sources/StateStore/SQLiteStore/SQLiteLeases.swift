import GRDB
import Support

extension SQLiteStateStore {
  /// Grants a lease; see `StateStore`.
  public func grantLease(timeToLive: Duration) async throws -> StateLease {
    try options.limits.check(timeToLive: timeToLive)
    try requireOpen()
    guard keeper.count < options.leaseBound else {
      throw StateStoreError(
        .full, "the store has \(options.leaseBound) leases, which is the limit: revoke some, or wait until some expire")
    }
    // Random, so that a lease of another period, for example before a restored backup, is never mistaken for this one.
    let milliseconds = timeToLive.wholeMilliseconds
    let lease = StateLease(id: .random(in: 1...Int64.max), timeToLive: .milliseconds(milliseconds))
    try await write { db in
      try db.cachedStatement(sql: "INSERT INTO leases(id, milliseconds) VALUES (?, ?)")
        .execute(arguments: [lease.id, milliseconds])
    }
    keeper.grant(lease)
    return lease
  }

  /// Renews a lease; see `StateStore`. This does not write to disk.
  public func renewLease(_ lease: StateLease) async throws {
    try requireOpen()
    guard keeper.renew(lease.id) else { throw leaseExpired(lease.id) }
  }

  /// Ends a lease; see `StateStore`.
  public func revokeLease(_ lease: StateLease) async throws {
    try requireOpen()
    let lived = keeper.end(lease.id)
    do {
      try await deleteKeys(of: lease.id)
      keeper.forget(lease.id)
    } catch {
      // The lease has ended all the same; its keys are deleted once that is possible again.
      if lived { keeper.delete(lease.id) }
      throw error
    }
  }

  /// Deletes the keys of an ended lease, and the lease.
  func deleteKeys(of id: Int64) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      pool.asyncWriteWithoutTransaction { db in
        continuation.resume(
          with: Result {
            do {
              if let applied = try self.writeDeletion(of: id, db) { self.committed([applied]) }
            } catch {
              throw self.errors.translated(error)
            }
          })
      }
    }
  }

  private func writeDeletion(of id: Int64, _ db: Database) throws -> (revision: Revision, keys: [String])? {
    var applied: (revision: Revision, keys: [String])?
    try db.inTransaction(.immediate) {
      let keys = try String.fetchAll(
        db.cachedStatement(sql: "SELECT key FROM entries WHERE lease = ? ORDER BY key"), arguments: [id])
      try db.cachedStatement(sql: "DELETE FROM leases WHERE id = ?").execute(arguments: [id])
      guard !keys.isEmpty else { return .commit }
      let transaction = StateTransaction(
        author: "lease", summary: "lease expired", changes: keys.map { .delete($0) })
      let revision = bell.head + 1
      applied = (revision, try writing.write(transaction, revision: revision, db))
      return .commit
    }
    return applied
  }
}
