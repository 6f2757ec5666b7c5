import Engines
import Workers

/// An array whose size is not known in advance. Memory is reserved from an account before it is used.
package struct GrowingArray<Element: BitwiseCopyable> {
  @usableFromInline package internal(set) var values: [Element] = []
  private let storage: any StorageAccount
  private var reservation: StorageReservation?

  /// Creates an empty array whose memory is charged to `storage`.
  package init(storage: any StorageAccount) { self.storage = storage }

  /// Appends a value.
  /// - Throws: `EngineError` of code `resourceExhausted` if more memory cannot be reserved.
  @inlinable
  package mutating func append(_ value: Element) throws(EngineError) {
    if values.count == values.capacity { try grow() }
    values.append(value)
  }

  @usableFromInline
  mutating func grow() throws(EngineError) {
    let capacity = max(1 << 10, 2 * values.count)
    // The old values stay in memory until they are copied.
    let larger = try storage.reserve(capacity * MemoryLayout<Element>.stride)
    values.reserveCapacity(capacity)
    reservation = larger
  }
}
