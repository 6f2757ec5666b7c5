import Engines
import GraphStore
import Synchronization
import Workers

/// The action of a traversal on an edge. A protocol, because a closure would be called through a pointer for every edge.
protocol EdgeVisitor {
  /// Visits an entry of a vertex's row, on any thread. Returns whether the neighbour is to be collected, which must be true at
  /// most once per vertex.
  func collects(_ vertex: VertexNumber, _ entry: Int) -> Bool
}

/// The vertices whose edges a traversal follows next, and the queue that collects their successors.
///
/// Chunks are divided by entries, not by vertices, so that several threads share a vertex with millions of neighbours.
struct Frontier {
  private let rows: Adjacency
  private var current: UnsafeMutableBufferPointer<VertexNumber>
  private var next: UnsafeMutableBufferPointer<VertexNumber>
  /// The number of entries before each vertex of the current queue.
  private let before: UnsafeMutableBufferPointer<UInt64>
  /// Per thread, the vertices found in its current chunk.
  private let found: UnsafeMutableBufferPointer<VertexNumber>
  private let nextCount: UnsafeMutableBufferPointer<UInt64>
  private let grain: Int

  /// The number of vertices in the current queue.
  private(set) var count = 0
  /// The number of entries of these vertices; valid after `measure`.
  private(set) var entries = 0

  /// Creates an empty frontier over `rows`.
  init(_ rows: Adjacency, width: Int, scratch: Scratch) throws(EngineError) {
    self.rows = rows
    let vertices = rows.vertexCount
    current = try scratch.reserve(VertexNumber.self, count: vertices)
    next = try scratch.reserve(VertexNumber.self, count: vertices)
    before = try scratch.reserve(UInt64.self, count: vertices + 1)
    grain = chunkWork
    found = try scratch.reserve(VertexNumber.self, count: width * grain)
    nextCount = try scratch.reserve(UInt64.self, count: 1)
  }

  /// The vertices of the current queue.
  var vertices: UnsafeMutableBufferPointer<VertexNumber> { current }

  /// Makes the collected vertices the current queue.
  mutating func advance() {
    swap(&current, &next)
    count = Int(nextCount[0])
    nextCount[0] = 0
  }

  /// Appends a vertex to the collected ones; from a single thread only.
  func push(_ vertex: VertexNumber) {
    next[Int(nextCount[0])] = vertex
    nextCount[0] += 1
  }

  /// Appends several vertices to the collected ones; from any thread.
  func push(_ vertices: UnsafeMutableBufferPointer<VertexNumber>) {
    guard let source = vertices.baseAddress, !vertices.isEmpty else { return }
    let place = nextCount.atomic(0).pointee.add(UInt64(vertices.count), ordering: .relaxed).oldValue
    (next.baseAddress! + Int(place)).update(from: source, count: vertices.count)
  }

  /// Counts the entries of the current vertices, calling `visit` once with each vertex.
  mutating func measure(_ workers: Workers, _ visit: (VertexNumber) -> Void = { _ in }) throws {
    let (rows, current, before) = (rows, current, before)
    try workers.forEach(count, grain: chunkWork) { range, _ in
      for index in range {
        let vertex = current[index]
        visit(vertex)
        before[index] = UInt64(rows.row(Int(vertex)).count)
      }
    }
    var sum: UInt64 = 0
    for index in 0..<count {
      let degree = before[index]
      before[index] = sum
      sum += degree
    }
    before[count] = sum
    entries = Int(sum)
  }

  /// Calls `visitor` with the entries of the current vertices and collects the neighbours that it selects.
  func expand(_ workers: Workers, _ visitor: some EdgeVisitor) throws {
    let (rows, current, before, grain) = (rows, current, before, grain)
    let chunks = (entries + grain - 1) / grain
    try workers.forEach(chunks, grain: 1) { range, slot in
      for chunk in range {
        let found = UnsafeMutableBufferPointer(rebasing: self.found[slot * grain..<(slot + 1) * grain])
        var foundCount = 0
        let end = min(entries, (chunk + 1) * grain)
        var position = chunk * grain
        var index = lastIndex(notAfter: UInt64(position))
        while position < end {
          let vertex = current[index]
          let first = Int(rows.offsets[Int(vertex)]) - Int(before[index])
          let rowEnd = min(end, Int(before[index + 1]))
          for entry in first + position..<first + rowEnd where visitor.collects(vertex, entry) {
            found[foundCount] = rows.neighbours[entry]
            foundCount += 1
          }
          position = rowEnd
          index += 1
        }
        push(UnsafeMutableBufferPointer(rebasing: found[..<foundCount]))
      }
    }
  }

  /// Returns the last vertex with at most `position` entries before it.
  private func lastIndex(notAfter position: UInt64) -> Int {
    var low = 0
    var high = count
    while low + 1 < high {
      let middle = (low + high) / 2
      if before[middle] <= position { low = middle } else { high = middle }
    }
    return low
  }
}
