import Workers

/// An entry of compressed rows that is still to be moved to its row.
private struct Entry {
  var row: UInt32
  var neighbour: UInt32
  var edge: UInt32
}

/// A source of entries. Implementations are inlined into the loops of `CSRBuilder.distribute`.
private protocol EntrySource {
  /// Calls `body` with the entries of a range, in order.
  func visit(_ range: Range<Int>, _ body: (Entry) -> Void)
}

/// Every edge once, in the row of its destination.
private struct IncomingEntries: EntrySource {
  let source: UnsafeBufferPointer<VertexNumber>
  let destination: UnsafeBufferPointer<VertexNumber>

  @inline(__always)
  func visit(_ range: Range<Int>, _ body: (Entry) -> Void) {
    for edge in range {
      body(Entry(row: destination[edge], neighbour: source[edge], edge: UInt32(truncatingIfNeeded: edge)))
    }
  }
}

/// Every edge twice, in the rows of both its ends.
private struct EntriesOfBothEnds: EntrySource {
  let source: UnsafeBufferPointer<VertexNumber>
  let destination: UnsafeBufferPointer<VertexNumber>

  @inline(__always)
  func visit(_ range: Range<Int>, _ body: (Entry) -> Void) {
    for entry in range {
      let edge = entry >> 1
      let (a, b) = (source[edge], destination[edge])
      let isForward = entry & 1 == 0
      body(
        Entry(row: isForward ? a : b, neighbour: isForward ? b : a, edge: UInt32(truncatingIfNeeded: edge)))
    }
  }
}

/// The entries of rows, with row and neighbour exchanged.
private struct TransposedEntries: EntrySource {
  let rows: CSRBuilder.Rows

  @inline(__always)
  func visit(_ range: Range<Int>, _ body: (Entry) -> Void) {
    var row = firstRow(endingBehind: range.lowerBound)
    for place in range {
      while rows.offsets[row + 1] <= UInt64(place) { row += 1 }
      body(
        Entry(row: rows.neighbours[place], neighbour: UInt32(truncatingIfNeeded: row), edge: rows.edges[place]))
    }
  }

  /// Returns the row that holds an entry.
  private func firstRow(endingBehind place: Int) -> Int {
    var low = 0
    var high = rows.rowCount
    while high - low > 1 {
      let middle = (low + high) / 2
      if rows.offsets[middle] <= UInt64(place) { low = middle } else { high = middle }
    }
    return low
  }
}

/// Builds compressed sparse rows, each sorted by (neighbour, edge).
///
/// Transposing compressed rows sorts the entries of the new rows by their old row (Gustavson, "Two fast algorithms for sparse
/// matrices: multiplication and permuted transposition", 1978). The edges, in their own order, are therefore first distributed to
/// rows by destination; the transpose of these rows is the sorted outgoing rows; the transpose of those is the sorted incoming
/// rows. No entries are compared, and a hub costs no more than its entries.
///
/// One pass is a stable distribution in two steps that fit the caches and write disjoint memory per thread: entries go to buckets
/// of consecutive rows, by counts per (chunk, bucket); then each bucket is distributed to its rows.
struct CSRBuilder {
  /// Writable compressed rows.
  struct Rows {
    let offsets: UnsafeMutableBufferPointer<UInt64>
    let neighbours: UnsafeMutableBufferPointer<VertexNumber>
    let edges: UnsafeMutableBufferPointer<UInt32>

    /// Wraps the three files of an adjacency.
    init(offsets: MappedFile, neighbours: MappedFile, edges: MappedFile) {
      self.offsets = offsets.mutableValues(as: UInt64.self)
      self.neighbours = neighbours.mutableValues(as: VertexNumber.self)
      self.edges = edges.mutableValues(as: UInt32.self)
    }

    var rowCount: Int { offsets.count - 1 }
  }

  private let workers: Workers
  private let entryCount: Int
  private let scratch: UnsafeMutableBufferPointer<Entry>
  private let reservation: StorageReservation

  private static let grain = 1 << 16
  private static let buckets = 256

  private init(entryCount: Int, workers: Workers) throws(GraphStoreError) {
    self.entryCount = entryCount
    self.workers = workers
    reservation = try workers.storage.reserve(Self.scratchBytes(entryCount: entryCount), as: .memory)
    scratch = .allocate(capacity: entryCount)
  }

  /// Returns the bytes of memory that building needs beside the rows themselves, without the counters of a pass: those take 8
  /// bytes per row of the buckets in work, and a bucket is 1/256 of all rows.
  static func scratchBytes(entryCount: Int) -> Int { entryCount * MemoryLayout<Entry>.stride }

  /// Builds the outgoing and incoming rows of directed edges.
  static func directed(
    source: UnsafeBufferPointer<VertexNumber>, destination: UnsafeBufferPointer<VertexNumber>, outgoing: Rows,
    incoming: Rows, workers: Workers
  ) throws {
    let builder = try CSRBuilder(entryCount: source.count, workers: workers)
    defer { builder.scratch.deallocate() }
    try builder.distribute(IncomingEntries(source: source, destination: destination), into: incoming)
    try builder.distribute(TransposedEntries(rows: incoming), into: outgoing)
    try builder.distribute(TransposedEntries(rows: outgoing), into: incoming)
  }

  /// Builds the symmetric rows of undirected edges within a label: every edge is in the rows of both its ends, a loop twice in
  /// its single row.
  static func symmetric(
    source: UnsafeBufferPointer<VertexNumber>, destination: UnsafeBufferPointer<VertexNumber>, rows: Rows,
    workers: Workers
  ) throws {
    let builder = try CSRBuilder(entryCount: 2 * source.count, workers: workers)
    defer { builder.scratch.deallocate() }
    try builder.distribute(EntriesOfBothEnds(source: source, destination: destination), into: rows)
    try builder.distribute(TransposedEntries(rows: rows), into: rows)
  }

  /// Returns whether some row contains a neighbour twice.
  static func hasRepeatedNeighbour(_ rows: Rows, _ workers: Workers) throws -> Bool {
    let found = try workers.map(rows.rowCount, grain: grain) { range in
      for row in range {
        let begin = Int(rows.offsets[row])
        let end = Int(rows.offsets[row + 1])
        guard end - begin > 1 else { continue }
        for place in begin + 1..<end where rows.neighbours[place] == rows.neighbours[place - 1] { return true }
      }
      return false
    }
    return found.contains(true)
  }

  /// Distributes all entries of `source` to rows, keeping their order within a row. The source is read to its end before `rows`
  /// is written, so both may share memory.
  private func distribute(_ source: some EntrySource, into rows: Rows) throws {
    var shift: UInt32 = 0
    while (rows.rowCount - 1) >> Int(shift) >= Self.buckets { shift += 1 }
    let bucketCount = max(1, ((rows.rowCount - 1) >> Int(shift)) + 1)
    let grain = max(Self.grain, entryCount / (workers.width * 8) + 1)
    let chunkCount = (entryCount + grain - 1) / grain

    // Counts per (chunk, bucket), then their running sum in the order (bucket, chunk): the position at which each chunk writes.
    let places = UnsafeMutablePointer<Int>.allocate(capacity: chunkCount * bucketCount + 1)
    defer { places.deallocate() }
    places.initialize(repeating: 0, count: chunkCount * bucketCount + 1)
    try workers.forEach(entryCount, grain: grain) { range, _ in
      let counts = places + range.lowerBound / grain * bucketCount
      source.visit(range) { counts[Int($0.row >> shift)] += 1 }
    }
    var starts = [Int](repeating: 0, count: bucketCount + 1)
    var sum = 0
    for bucket in 0..<bucketCount {
      starts[bucket] = sum
      for chunk in 0..<chunkCount {
        let count = places[chunk * bucketCount + bucket]
        places[chunk * bucketCount + bucket] = sum
        sum += count
      }
    }
    starts[bucketCount] = sum
    try workers.forEach(entryCount, grain: grain) { range, _ in
      let next = places + range.lowerBound / grain * bucketCount
      source.visit(range) { entry in
        let bucket = Int(entry.row >> shift)
        scratch[next[bucket]] = entry
        next[bucket] += 1
      }
    }
    try workers.forEach(bucketCount, grain: 1) { range, _ in
      for bucket in range {
        let first = bucket << Int(shift)
        finish(scratch[starts[bucket]..<starts[bucket + 1]], first..<min(rows.rowCount, first + 1 << Int(shift)), rows)
      }
    }
    rows.offsets[rows.rowCount] = UInt64(entryCount)
  }

  /// Distributes the entries of one bucket to its rows.
  private func finish(_ entries: Slice<UnsafeMutableBufferPointer<Entry>>, _ range: Range<Int>, _ rows: Rows) {
    guard !range.isEmpty else { return }
    let entries = UnsafeMutableBufferPointer(rebasing: entries)
    let start = UInt64(entries.baseAddress.map { $0 - scratch.baseAddress! } ?? 0)
    let next = UnsafeMutablePointer<UInt64>.allocate(capacity: range.count)
    defer { next.deallocate() }
    next.initialize(repeating: 0, count: range.count)
    // Counts and sums are of entries that are in memory, so they cannot overflow.
    for entry in entries { next[Int(entry.row) &- range.lowerBound] &+= 1 }
    var sum = start
    for row in 0..<range.count {
      let count = next[row]
      next[row] = sum
      rows.offsets[range.lowerBound &+ row] = sum
      sum &+= count
    }
    for entry in entries {
      let row = Int(entry.row) &- range.lowerBound
      let place = Int(truncatingIfNeeded: next[row])
      next[row] &+= 1
      rows.neighbours[place] = entry.neighbour
      rows.edges[place] = entry.edge
    }
  }
}
