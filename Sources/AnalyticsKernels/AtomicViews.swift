import Synchronization

// Kernels keep plain integers in plain memory and access single elements atomically where threads may compete. `Atomic<T>` of an
// integer has the size and alignment of that integer and no other content, so the views below are sound.

extension UnsafeMutableBufferPointer where Element == UInt64 {
  /// Returns one element as an atomic.
  @inline(__always)
  func atomic(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    UnsafeMutableRawPointer(baseAddress! + index).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  /// Sets bit `index` of the bitmap in these words. Returns whether it was clear. Does not write if the bit is already set.
  @inline(__always)
  package func setBit(_ index: Int) -> Bool {
    let mask: UInt64 = 1 << UInt64(truncatingIfNeeded: index & 63)
    let word = atomic(index >> 6)
    if word.pointee.load(ordering: .relaxed) & mask != 0 { return false }
    return word.pointee.bitwiseOr(mask, ordering: .acquiringAndReleasing).oldValue & mask == 0
  }

  /// Clears bit `index` of the bitmap in these words.
  @inline(__always)
  func clearBit(_ index: Int) {
    let mask: UInt64 = 1 << UInt64(truncatingIfNeeded: index & 63)
    _ = atomic(index >> 6).pointee.bitwiseAnd(~mask, ordering: .acquiringAndReleasing)
  }

  /// Returns bit `index` of the bitmap in these words, read without synchronization.
  @inline(__always)
  package func bit(_ index: Int) -> Bool {
    self[index >> 6] & (1 << UInt64(truncatingIfNeeded: index & 63)) != 0
  }

  /// Lowers one element to `value`. Returns whether it was greater.
  @inline(__always)
  func lower(_ index: Int, to value: UInt64) -> Bool {
    let place = atomic(index)
    var seen = place.pointee.load(ordering: .relaxed)
    while value < seen {
      let (exchanged, original) = place.pointee.weakCompareExchange(
        expected: seen, desired: value, ordering: .acquiringAndReleasing)
      if exchanged { return true }
      seen = original
    }
    return false
  }
}

extension UnsafeMutableBufferPointer where Element == UInt32 {
  /// Returns one element as an atomic.
  @inline(__always)
  func atomic(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
    UnsafeMutableRawPointer(baseAddress! + index).assumingMemoryBound(to: Atomic<UInt32>.self)
  }
}
