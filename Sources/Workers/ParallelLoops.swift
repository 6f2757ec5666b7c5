extension Workers {
  /// Calls `body` for ranges of at most `grain` that cover `0..<count`, on several threads, and returns its results in the order
  /// of the ranges.
  public func map<R>(_ count: Int, grain: Int, _ body: (Range<Int>) throws -> R) throws -> [R] {
    let grain = max(1, grain)
    let chunks = (count + grain - 1) / grain
    var results = [R?](repeating: nil, count: chunks)
    try results.withUnsafeMutableBufferPointer { results in
      try forEach(chunks, grain: 1) { range, _ in
        for chunk in range { results[chunk] = try body(chunk * grain..<min(count, (chunk + 1) * grain)) }
      }
    }
    return results.map { $0! }
  }

  /// Copies bytes on several threads. `target` must have room for all of `source`.
  public func copy(_ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) throws {
    try forEach(source.count, grain: 1 << 22) { range, _ in
      (target + range.lowerBound).copyMemory(from: source.baseAddress! + range.lowerBound, byteCount: range.count)
    }
  }
}

extension Workers {
  /// Returns workers that consist of the calling thread only.
  public static func alone() -> Workers { Workers(width: 1, cancellation: Cancellation(), queue: BatchQueue()) }
}
