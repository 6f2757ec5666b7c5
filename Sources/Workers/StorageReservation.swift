import Synchronization

/// Bytes taken from an account, returned once when the last reference to this object is released. Owners that share the memory or
/// file share its reservation.
public final class StorageReservation: Sendable {
  private let account: any StorageAccount
  private let kind: StorageKind
  private let taken: Atomic<Int>

  /// Takes bytes. Does not call the account when `bytes` is zero.
  /// - Throws: `StorageRefusal` of the account.
  public init(_ bytes: Int, as kind: StorageKind, from account: any StorageAccount) throws(StorageRefusal) {
    if bytes > 0 { try account.take(bytes, as: kind) }
    self.account = account
    self.kind = kind
    taken = Atomic(bytes)
  }

  /// Takes bytes that are in use already. Never fails.
  public init(unconditionally bytes: Int, as kind: StorageKind, from account: any StorageAccount) {
    if bytes > 0 { account.takeUnconditionally(bytes, as: kind) }
    self.account = account
    self.kind = kind
    taken = Atomic(bytes)
  }

  deinit {
    let bytes = taken.load(ordering: .relaxed)
    if bytes > 0 { account.giveBack(bytes, as: kind) }
  }

  /// The number of bytes currently taken.
  public var byteCount: Int { taken.load(ordering: .relaxed) }

  /// Takes more bytes. Call it before the bytes are used, and per piece of work, never per value.
  /// - Throws: `StorageRefusal`; the bytes taken before stay taken.
  public func grow(by bytes: Int) throws(StorageRefusal) {
    guard bytes > 0 else { return }
    try account.take(bytes, as: kind)
    taken.add(bytes, ordering: .relaxed)
  }

  /// Returns some of the bytes.
  public func shrink(by bytes: Int) {
    guard bytes > 0 else { return }
    taken.subtract(bytes, ordering: .relaxed)
    account.giveBack(bytes, as: kind)
  }
}
