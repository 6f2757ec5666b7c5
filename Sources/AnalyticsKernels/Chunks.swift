import GraphStore
import Workers

/// The number of steps between checks of the cancellation flag, and the work of a chunk: some tens of microseconds.
@inlinable package var chunkWork: Int { 1 << 14 }

extension Workers {
  /// Runs `body` over ranges of vertices with about `grain` entries and vertices in total, so that vertices of high degree do not
  /// make one chunk much longer than others. A vertex is never divided. If `aligned`, ranges begin at multiples of 64, so that
  /// each word of a bitmap belongs to one range.
  func forEachVertexRange(
    of rows: Adjacency, grain: Int = chunkWork, aligned: Bool = false,
    _ body: (_ vertices: Range<Int>, _ chunk: Int, _ slot: Int) throws -> Void
  ) throws {
    let cuts = VertexCuts(rows, grain: grain, aligned: aligned)
    try forEach(cuts.count, grain: 1) { chunks, slot in
      for chunk in chunks {
        let vertices = cuts[chunk]
        if !vertices.isEmpty { try body(vertices, chunk, slot) }
      }
    }
  }

  /// Runs `body` over a row in blocks, checking the cancellation flag in between because rows may be long.
  @inlinable @inline(__always)
  package func forEachBlock(of row: Range<Int>, _ body: (Range<Int>) -> Void) throws {
    var start = row.lowerBound
    while start + chunkWork < row.upperBound {
      body(start..<start + chunkWork)
      start += chunkWork
      try cancellation.check()
    }
    body(start..<row.upperBound)
  }

  /// Converts counts, each stored one position after its row, into the offsets of the rows.
  func sumUp(_ offsets: UnsafeMutableBufferPointer<UInt64>) throws {
    for index in 1..<max(1, offsets.count) {
      offsets[index] += offsets[index - 1]
      if index % (1 << 16) == 0 { try cancellation.check() }
    }
  }

  /// Sets all values in parallel.
  @inlinable
  package func fill<T: BitwiseCopyable>(_ values: UnsafeMutableBufferPointer<T>, with value: T) throws {
    try forEach(values.count, grain: 1 << 16) { range, _ in
      UnsafeMutableBufferPointer(rebasing: values[range]).update(repeating: value)
    }
  }
}

/// Divides the vertices of compressed rows into chunks of about equal work. The chunks depend only on the rows, not on the number
/// of threads, so that sums by chunk are reproducible.
struct VertexCuts {
  private let offsets: UnsafeBufferPointer<UInt64>
  private let vertexCount: Int
  private let grain: Int
  private let mask: Int
  /// The number of chunks.
  let count: Int

  init(_ rows: Adjacency, grain: Int, aligned: Bool = false) {
    offsets = rows.offsets
    vertexCount = rows.vertexCount
    self.grain = grain
    mask = aligned ? 63 : 0
    let work = vertexCount == 0 ? 0 : Int(rows.offsets[vertexCount]) + vertexCount
    count = (work + grain - 1) / grain
  }

  /// The vertices of a chunk; may be empty.
  subscript(chunk: Int) -> Range<Int> {
    cut(chunk)..<(chunk + 1 == count ? vertexCount : cut(chunk + 1))
  }

  /// Returns the first vertex with at least `chunk * grain` units of work before it.
  private func cut(_ chunk: Int) -> Int {
    let work = chunk * grain
    var low = 0
    var high = vertexCount
    while low < high {
      let middle = (low + high) / 2
      if Int(offsets[middle]) + middle < work { low = middle + 1 } else { high = middle }
    }
    return min(vertexCount, (low + mask) & ~mask)
  }
}

extension Adjacency {
  /// Returns the positions of a vertex's entries.
  @inlinable @inline(__always)
  package func row(_ vertex: Int) -> Range<Int> {
    Range(uncheckedBounds: (Int(truncatingIfNeeded: offsets[vertex]), Int(truncatingIfNeeded: offsets[vertex + 1])))
  }
}
