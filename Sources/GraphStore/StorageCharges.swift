import Workers

extension StorageReservation {
  /// Takes more bytes, as `grow` does.
  /// - Throws: `GraphStoreError` with code `storageRefused` and the account's sentence.
  func extend(by bytes: Int) throws(GraphStoreError) {
    do { try grow(by: bytes) } catch { throw GraphStoreError(error) }
  }
}

extension StorageAccount {
  /// Takes bytes that are held until the reservation is released.
  /// - Throws: `GraphStoreError` with code `storageRefused` and the account's sentence.
  func reserve(_ bytes: Int, as kind: StorageKind) throws(GraphStoreError) -> StorageReservation {
    do { return try StorageReservation(bytes, as: kind, from: self) } catch { throw GraphStoreError(error) }
  }
}

extension GraphStoreError {
  /// Creates the error for a refused reservation of memory or files.
  public init(_ refusal: StorageRefusal) { self.init(.storageRefused, refusal.description) }
}
