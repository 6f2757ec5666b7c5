extension SQLiteStateStore {
  /// The options of a store.
  public struct Options: Sendable {
    /// The durability of transactions.
    public enum Synchronous: String, Sendable, CaseIterable {
      /// Transactions survive the death of the process. After a loss of power, the store is consistent but may lack the most
      /// recent transactions: those of the last five seconds, plus the time that the disk took to write.
      case normal
      /// Transactions also survive a loss of power; each commit waits for the disk.
      case full
    }

    /// The durability of transactions.
    public var synchronous = Synchronous.normal
    /// The number of transactions kept as history; up to a tenth more are kept until they are compacted.
    public var historyBound = 100_000
    /// The maximum size of the database in bytes; a transaction that would exceed it fails with `full`.
    public var maximumBytes: Int64 = 2 << 30
    /// The part of `maximumBytes` reserved for transactions that may use the reserve.
    var reservedBytes: Int64 { min(64 << 20, maximumBytes / 16) }
    /// The maximum number of live leases.
    public var leaseBound = 10_000
    /// The maximum number of keys of one lease, which are deleted in one transaction.
    public var leaseKeyBound = 1_024
    /// The maximum number of transactions waiting for the disk; further ones fail with `full`.
    public var waitingBound = 10_000
    /// The maximum number of bytes of transactions waiting for the disk; further ones fail with `full`.
    public var waitingByteBound = 256 << 20
    /// The limits of keys, values and transactions.
    public var limits = StateLimits()
    /// The name and version of the writing program, for the error of an older program that opens the store.
    public var writer = "gscoordinator"

    /// Creates options with defaults.
    public init() {}
  }
}
