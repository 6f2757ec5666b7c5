import CGraphScopeProto
import Glibc

/// Memory for one tree of generated structs: allocated by advancing through a chunk, and freed all at once.
///
/// protobuf-c allocates every string and every nested message separately. Allocating from an arena, without freeing parts, costs
/// a third less. A tree allocated here must never be passed to `free_unpacked` with another allocator.
final class Arena {
  private var next: UnsafeMutableRawPointer
  private var end: UnsafeMutableRawPointer
  /// The newest chunk. The first word of each chunk is the address of the previous one.
  private var chunk: UnsafeMutableRawPointer
  private var chunkSize: Int
  private var budget: Int

  /// Creates an arena whose first chunk has room for `capacity` bytes. It allocates at most `limit` bytes in all.
  init(capacity: Int, limit: Int = .max) {
    chunkSize = max(capacity, 256) + Arena.header
    budget = limit
    chunk = Arena.newChunk(chunkSize, after: nil)
    next = chunk + Arena.header
    end = chunk + chunkSize
  }

  deinit {
    var chunk: UnsafeMutableRawPointer? = chunk
    while let current = chunk {
      chunk = current.load(as: UnsafeMutableRawPointer?.self)
      free(current)
    }
  }

  /// Allocates `count` bytes, aligned for any type. Returns nil beyond the limit.
  func allocateWithinLimit(_ count: Int) -> UnsafeMutableRawPointer? {
    guard count >= 0, count <= budget else { return nil }
    let padded = (count + 15) & ~15
    budget -= min(padded, budget)
    if end - next < padded {
      chunkSize = max(2 * chunkSize, padded + Arena.header)
      chunk = Arena.newChunk(chunkSize, after: chunk)
      next = chunk + Arena.header
      end = chunk + chunkSize
    }
    defer { next += padded }
    return next
  }

  /// Allocates `count` bytes, aligned for any type, from an arena without a limit.
  func allocate(_ count: Int) -> UnsafeMutableRawPointer {
    guard let memory = allocateWithinLimit(count) else { fatalError("an arena for encoding must have no limit") }
    return memory
  }

  private static let header = 16

  private static func newChunk(_ size: Int, after previous: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer {
    guard let chunk = malloc(size) else { fatalError("out of memory for a message of \(size) bytes") }
    chunk.storeBytes(of: previous, as: UnsafeMutableRawPointer?.self)
    return chunk
  }
}

/// Builds C values from Swift values.
extension Arena {
  /// Allocates a struct with all fields at their defaults.
  func make<C: CMessage>(_: C.Type) -> UnsafeMutablePointer<C> {
    let memory = allocate(MemoryLayout<C>.size).assumingMemoryBound(to: C.self)
    C.initialize(memory)
    return memory
  }

  /// Allocates `count` elements of `T`; returns nil for none.
  func array<T>(_ count: Int, of _: T.Type) -> UnsafeMutablePointer<T>? {
    guard count > 0 else { return nil }
    return allocate(count * MemoryLayout<T>.stride).bindMemory(to: T.self, capacity: count)
  }

  /// Allocates a C string. A C string ends at its first NUL, which text of an engine's log may contain, so each NUL becomes its
  /// printable symbol, ␀.
  func text(_ string: String) -> UnsafeMutablePointer<CChar> {
    var string = string
    if string.utf8.contains(0) {
      string = String(string.unicodeScalars.map { $0 == "\0" ? "\u{2400}" : Character($0) })
    }
    return string.withUTF8 { utf8 in
      let copy = allocate(utf8.count + 1)
      if let source = utf8.baseAddress { copy.copyMemory(from: source, byteCount: utf8.count) }
      copy.storeBytes(of: 0, toByteOffset: utf8.count, as: UInt8.self)
      return copy.assumingMemoryBound(to: CChar.self)
    }
  }

  /// Allocates a copy of bytes.
  func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
    ProtobufCBinaryData(len: bytes.count, data: list(bytes, of: UInt8.self) { $0 })
  }

  /// Allocates a C array with one element per value. Its element count is that of `values`.
  func list<S, T>(_ values: [S], of type: T.Type, _ transform: (S) -> T) -> UnsafeMutablePointer<T>? {
    guard let array = array(values.count, of: type) else { return nil }
    for index in values.indices { (array + index).initialize(to: transform(values[index])) }
    return array
  }

  /// Allocates a C array of strings.
  func texts(_ values: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
    list(values, of: UnsafeMutablePointer<CChar>?.self) { text($0) }
  }

  /// Allocates a C array of messages.
  func messages<M: Bridged>(_ values: [M]) -> UnsafeMutablePointer<UnsafeMutablePointer<M.C>?>? {
    list(values, of: UnsafeMutablePointer<M.C>?.self) { $0.build(in: self) }
  }
}
