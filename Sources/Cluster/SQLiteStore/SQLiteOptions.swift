extension SQLiteStateStore {
  /// How a store is kept.
  public struct Options: Sendable {
    /// What a transaction survives.
    public enum Synchronous: String, Sendable, CaseIterable {
      /// The death of the process. After a loss of power the store is consistent, but the last transactions may be gone.
      case normal
      /// The loss of power too; each commit waits for the disk.
      case full
    }

    /// What a transaction survives.
    public var synchronous = Synchronous.normal
    /// Transactions that are remembered; a tenth more are kept until they are compacted.
    public var historyBound = 100_000
    /// Bytes of the database; a transaction that would need more fails with `full`.
    public var maximumBytes: Int64 = 2 << 30
    /// Leases that live at a time.
    public var leaseBound = 10_000
    /// Keys of one lease, since they are deleted in one transaction.
    public var leaseKeyBound = 1_024
    /// Transactions that wait for the disk; further ones fail with `full`.
    public var waitingBound = 10_000
    /// Bytes of transactions that wait for the disk; further ones fail with `full`.
    public var waitingByteBound = 256 << 20
    /// What keys, values and transactions may be.
    public var limits = StateLimits()
    /// Who writes, for the error when an older program finds the store: a name and a version.
    public var writer = "gscoordinator"

    /// The defaults.
    public init() {}
  }
}
