import Workers

/// A 64-bit hash of bytes: 128-bit products folded to 64 bits over 8-byte lanes, as in wyhash (Wang Yi) and related functions.
///
/// With a secret seed, it distributes hostile ids well enough for a hash table; with a fixed seed, it is a checksum against
/// accidents. It does not protect against forgery.
struct WordHash: Sendable {
  private let first: UInt64
  private let second: UInt64
  private let third: UInt64
  private let fourth: UInt64

  /// Creates the hash function of a seed.
  init(seed: UInt64) {
    var state = seed
    /// Returns the next number of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    first = next()
    second = next() | 1
    third = next()
    fourth = next() | 1
  }

  @inline(__always)
  private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }

  /// Returns the hash of one word.
  @inline(__always)
  func callAsFunction(_ word: UInt64) -> UInt64 {
    Self.fold(word ^ first, second)
  }

  /// Returns the hash of a sequence of bytes.
  func callAsFunction(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    let count = bytes.count
    guard count > 0, let base = bytes.baseAddress else { return Self.fold(first, fourth) }
    @inline(__always) func word(_ at: Int) -> UInt64 { base.loadUnaligned(fromByteOffset: at, as: UInt64.self) }
    @inline(__always) func half(_ at: Int) -> UInt64 { UInt64(base.loadUnaligned(fromByteOffset: at, as: UInt32.self)) }
    var left = first
    var right = third
    var offset = 0
    while count - offset > 32 {
      left = Self.fold(word(offset) ^ second, word(offset + 8) ^ left)
      right = Self.fold(word(offset + 16) ^ fourth, word(offset + 24) ^ right)
      offset += 32
    }
    if count - offset > 16 { left = Self.fold(word(offset) ^ second, word(offset + 8) ^ left) }
    // The last 16 bytes, or all of them if there are fewer; reading some bytes twice does no harm.
    let a: UInt64
    let b: UInt64
    if count >= 16 {
      a = word(count - 16)
      b = word(count - 8)
    } else if count >= 8 {
      a = word(0)
      b = word(count - 8)
    } else if count >= 4 {
      a = half(0)
      b = half(count - 4)
    } else {
      a = UInt64(bytes[0]) << 16 | UInt64(bytes[count / 2]) << 8 | UInt64(bytes[count - 1])
      b = 0
    }
    return Self.fold(Self.fold(a ^ fourth, b ^ left ^ right) ^ second, UInt64(count) ^ third)
  }
}

/// The checksum of a stored file: the hash of the hashes of its blocks, so that blocks are hashed in parallel.
public enum Checksum {
  private static let blockSize = 1 << 20
  private static let hash = WordHash(seed: 0)

  /// Returns the checksum of a whole file.
  public static func of(_ bytes: UnsafeRawBufferPointer, _ workers: Workers) throws -> UInt64 {
    try of(bytes, workers) { _ in }
  }

  private static func of(
    _ bytes: UnsafeRawBufferPointer, _ workers: Workers, before prepare: (UnsafeRawBufferPointer) throws -> Void
  ) throws -> UInt64 {
    let blocks = (bytes.count + blockSize - 1) / blockSize
    let hashes = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: blocks)
    defer { hashes.deallocate() }
    try workers.forEach(blocks, grain: 1) { range, _ in
      for block in range {
        let end = min(bytes.count, (block + 1) * blockSize)
        let part = UnsafeRawBufferPointer(rebasing: bytes[block * blockSize..<end])
        try prepare(part)
        hashes[block] = hash(part)
      }
    }
    return hash(UnsafeRawBufferPointer(hashes))
  }

  /// Returns the checksum of a mapped file of an earlier process. Bytes that the device cannot read cause an error here; accessed
  /// through the mapping, they would end the process with SIGBUS.
  /// - Throws: `GraphStoreError.inputOutput` that names the file; `CancellationError`.
  public static func ofMapped(
    _ bytes: UnsafeRawBufferPointer, path: String, _ workers: Workers
  ) throws -> UInt64 {
    try of(bytes, workers) { try MappedFile.bringIn($0, of: path) }
  }

  /// Returns the checksum of a part of a file.
  public static func of(part bytes: UnsafeRawBufferPointer) -> UInt64 { hash(bytes) }

  /// Returns the checksum of a few bytes that were just made.
  public static func of(_ bytes: [UInt8]) -> UInt64 { bytes.withUnsafeBytes { hash($0) } }
}
