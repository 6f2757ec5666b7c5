import Engines
import Glibc
import GraphStore

/// A fixed number of values in memory of their own or in a file, as results and derived graphs keep them.
public final class Buffer<Element: BitwiseCopyable>: @unchecked Sendable {
  // @unchecked: written only by the kernel that made it, in disjoint ranges, before anybody else sees it.

  let mutableValues: UnsafeMutableBufferPointer<Element>
  private let file: MappedFile?
  private let reservation: StorageReservation?

  /// The values. Valid as long as this object lives.
  public var values: UnsafeBufferPointer<Element> { UnsafeBufferPointer(mutableValues) }

  /// Makes a buffer of `count` values, all bits zero, whose memory counts for `storage`.
  init(count: Int, storage: any StorageAccount) throws(EngineError) {
    reservation = try storage.reserve(count * MemoryLayout<Element>.stride)
    mutableValues = try allocateZeroed(Element.self, count: count)
    file = nil
  }

  /// The values of a file, which must hold `count` of them. They cannot be written.
  init(_ file: MappedFile, count: Int) throws(EngineError) {
    guard count >= 0, file.bytes.count / MemoryLayout<Element>.stride == count,
      file.bytes.count % MemoryLayout<Element>.stride == 0
    else {
      throw EngineError(
        .engineFailure, "the stored result '\(file.path)' is damaged",
        evidence: "\(file.bytes.count) bytes for \(count) values", hint: "Run the algorithm again")
    }
    mutableValues = file.mutableValues(as: Element.self)
    self.file = file
    reservation = nil
  }

  deinit { if file == nil { free(mutableValues.baseAddress) } }
}

/// Working memory of one run of a kernel. Its owner frees it at the end of the run (`defer`), which also keeps the
/// pointers valid until then.
final class Scratch {
  private var blocks: [UnsafeMutableRawPointer] = []
  private var reservations: [StorageReservation] = []
  private let storage: any StorageAccount

  /// Memory that counts for `storage`.
  init(storage: any StorageAccount) { self.storage = storage }

  /// Reserves room for `count` values, all bits zero.
  func reserve<Element: BitwiseCopyable>(
    _ type: Element.Type, count: Int
  ) throws(EngineError) -> UnsafeMutableBufferPointer<Element> {
    reservations.append(try storage.reserve(count * MemoryLayout<Element>.stride))
    let values = try allocateZeroed(type, count: count)
    if let base = values.baseAddress { blocks.append(base) }
    return values
  }

  /// Gives everything back.
  func free() {
    for block in blocks { Glibc.free(block) }
    blocks = []
    reservations = []
  }
}

extension StorageAccount {
  /// Takes memory for as long as somebody holds the reservation.
  /// - Throws: `EngineError` of code `resourceExhausted` with the account's sentence.
  func reserve(_ bytes: Int) throws(EngineError) -> StorageReservation {
    do { return try StorageReservation(bytes, as: .memory, from: self) } catch { throw EngineError(error) }
  }
}

/// Zeroed memory that is paged in when it is first touched, by the thread that touches it.
private func allocateZeroed<Element: BitwiseCopyable>(
  _ type: Element.Type, count: Int
) throws(EngineError) -> UnsafeMutableBufferPointer<Element> {
  guard count > 0 else { return UnsafeMutableBufferPointer(start: nil, count: 0) }
  guard let block = calloc(count, MemoryLayout<Element>.stride) else {
    throw EngineError(
      .resourceExhausted, "no memory for \(count) values of \(MemoryLayout<Element>.stride) bytes",
      hint: "Unload graphs and results that are not needed any more, or use a larger machine")
  }
  return UnsafeMutableBufferPointer(start: block.bindMemory(to: type, capacity: count), count: count)
}
