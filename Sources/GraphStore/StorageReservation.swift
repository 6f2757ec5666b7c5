import Synchronization

/// Bytes that were taken from an account. They are given back, once, when nobody holds this object any more, however
/// that comes about; whoever shares what the bytes are for shares the reservation.
public final class StorageReservation: Sendable {
  private let account: any StorageAccount
  private let kind: StorageKind
  private let taken: Atomic<Int>

  /// Takes bytes. Nothing is asked of the account for none.
  /// - Throws: `StorageRefusal` of the account.
  public init(_ bytes: Int, as kind: StorageKind, from account: any StorageAccount) throws(StorageRefusal) {
    if bytes > 0 { try account.take(bytes, as: kind) }
    self.account = account
    self.kind = kind
    taken = Atomic(bytes)
  }

  /// Takes bytes that are there already, which cannot be refused.
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

  /// The bytes that are taken now.
  public var byteCount: Int { taken.load(ordering: .relaxed) }

  /// Takes more bytes; call it before they are used, and per piece of work, never per value.
  /// - Throws: `StorageRefusal`; what was taken before stays taken.
  public func grow(by bytes: Int) throws(StorageRefusal) {
    guard bytes > 0 else { return }
    try account.take(bytes, as: kind)
    taken.add(bytes, ordering: .relaxed)
  }

  /// Gives some of the bytes back.
  public func shrink(by bytes: Int) {
    guard bytes > 0 else { return }
    taken.subtract(bytes, ordering: .relaxed)
    account.giveBack(bytes, as: kind)
  }
}

extension StorageReservation {
  /// Takes more bytes, as `grow` does.
  /// - Throws: `GraphStoreError` of code `storageRefused` with the account's sentence.
  func extend(by bytes: Int) throws(GraphStoreError) {
    do { try grow(by: bytes) } catch { throw GraphStoreError(error) }
  }
}

extension StorageAccount {
  /// Takes bytes for as long as somebody holds the reservation.
  /// - Throws: `GraphStoreError` of code `storageRefused` with the account's sentence.
  func reserve(_ bytes: Int, as kind: StorageKind) throws(GraphStoreError) -> StorageReservation {
    do { return try StorageReservation(bytes, as: kind, from: self) } catch { throw GraphStoreError(error) }
  }
}

extension GraphStoreError {
  /// The error of whoever was refused memory or files.
  public init(_ refusal: StorageRefusal) { self.init(.storageRefused, refusal.description) }
}
