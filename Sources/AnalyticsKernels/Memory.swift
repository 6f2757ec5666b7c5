import Engines
import Glibc
import GraphStore
import Workers

/// A fixed number of values in allocated memory or in a file, for results and derived graphs.
public final class Buffer<Element: BitwiseCopyable>: @unchecked Sendable {
  // @unchecked: written only by the kernel that created it, in disjoint ranges, before it is shared.

  package let mutableValues: UnsafeMutableBufferPointer<Element>
  private let file: MappedFile?
  private let reservation: StorageReservation?

  /// The values, which keep the memory.
  public var values: BufferValues<Element> { BufferValues(self) }

  /// The values in memory. They do not keep it: the pointer is valid while something else retains this object.
  public var unownedValues: UnsafeBufferPointer<Element> { UnsafeBufferPointer(mutableValues) }

  /// Allocates `count` zeroed values, whose memory is charged to `storage`.
  package init(count: Int, storage: any StorageAccount) throws(EngineError) {
    reservation = try storage.reserve(count * MemoryLayout<Element>.stride)
    mutableValues = try allocateZeroed(Element.self, count: count)
    file = nil
  }

  /// Refers to `count` values in a file, at a position that is a multiple of their size. They cannot be written.
  package init(_ file: MappedFile, at place: Int, count: Int) {
    let first = place / MemoryLayout<Element>.stride
    mutableValues =
      count == 0
      ? .init(start: nil, count: 0) : .init(rebasing: file.mutableValues(as: Element.self)[first..<first + count])
    self.file = file
    reservation = nil
  }

  deinit { if file == nil { free(mutableValues.baseAddress) } }
}

/// The values of a buffer. Keeps the buffer's memory.
@frozen
public struct BufferValues<Element: BitwiseCopyable>: RandomAccessCollection, @unchecked Sendable {
  // @unchecked: refers to memory that is not written after it is shared.

  @usableFromInline let owner: Buffer<Element>
  @usableFromInline let pointer: UnsafeBufferPointer<Element>

  init(_ owner: Buffer<Element>) { (self.owner, pointer) = (owner, owner.unownedValues) }

  /// The position of the first value: 0.
  @inlinable public var startIndex: Int { 0 }
  /// The number of values.
  @inlinable public var endIndex: Int { pointer.count }

  /// The value at a position.
  @inlinable public subscript(position: Int) -> Element { withExtendedLifetime(owner) { pointer[position] } }

  /// Calls `body` with the values in memory, which is valid during the call.
  @inlinable
  public func withContiguousStorageIfAvailable<R>(_ body: (UnsafeBufferPointer<Element>) throws -> R) rethrows -> R? {
    try withExtendedLifetime(owner) { try body(pointer) }
  }
}

/// The working memory of one run of a kernel. Its owner frees it at the end of the run (`defer`), which also keeps the pointers
/// valid until then.
package final class Scratch {
  private var blocks: [UnsafeMutableRawPointer] = []
  private var reservations: [StorageReservation] = []
  private let storage: any StorageAccount

  /// Creates an empty scratch, charged to `storage`.
  package init(storage: any StorageAccount) { self.storage = storage }

  /// Allocates `count` zeroed values.
  package func reserve<Element: BitwiseCopyable>(
    _ type: Element.Type, count: Int
  ) throws(EngineError) -> UnsafeMutableBufferPointer<Element> {
    reservations.append(try storage.reserve(count * MemoryLayout<Element>.stride))
    let values = try allocateZeroed(type, count: count)
    if let base = values.baseAddress { blocks.append(base) }
    return values
  }

  /// Frees all memory.
  package func free() {
    for block in blocks { Glibc.free(block) }
    blocks = []
    reservations = []
  }
}

extension StorageAccount {
  /// Reserves memory until the reservation is released.
  /// - Throws: `EngineError` of code `resourceExhausted` with the account's message.
  package func reserve(_ bytes: Int) throws(EngineError) -> StorageReservation {
    do { return try StorageReservation(bytes, as: .memory, from: self) } catch { throw EngineError(error) }
  }
}

extension EngineError {
  /// Makes the error of an operation whose memory or files exceed a limit, with the account's message.
  package init(_ refusal: StorageRefusal) { self.init(.resourceExhausted, refusal.description) }
}

/// Allocates zeroed memory that is paged in on first access, by the accessing thread.
private func allocateZeroed<Element: BitwiseCopyable>(
  _ type: Element.Type, count: Int
) throws(EngineError) -> UnsafeMutableBufferPointer<Element> {
  guard count > 0 else { return UnsafeMutableBufferPointer(start: nil, count: 0) }
  guard let block = calloc(count, MemoryLayout<Element>.stride) else {
    throw EngineError(
      .resourceExhausted, "there is not enough memory for \(count) values of \(MemoryLayout<Element>.stride) bytes",
      hint: "Unload graphs and results that are no longer needed, or use a larger machine")
  }
  return UnsafeMutableBufferPointer(start: block.bindMemory(to: type, capacity: count), count: count)
}
