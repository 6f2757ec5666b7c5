import Engines
import GraphStore
import Synchronization
import Workers

/// Community detection by label propagation as LDBC Graphalytics defines it: in every round each vertex adopts the most frequent
/// label among its neighbours in the previous round, the smallest in case of a tie. Directed edges count in both directions, so a
/// neighbour in both directions counts twice; every parallel edge counts.
package enum CDLP {
  /// Returns, for each vertex, the vertex whose original id is its label after at most `rounds` rounds.
  package static func run(_ graph: SimpleGraph, rounds: Int, workers: Workers) throws -> Buffer<VertexNumber> {
    let count = graph.vertexCount
    let result = try Buffer<VertexNumber>(count: count, storage: workers.storage)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let ranks = try IDRanks(graph, workers: workers, scratch: scratch)
    var labels = ranks.rank
    var next = try scratch.reserve(VertexNumber.self, count: count)
    let counters = try (0..<workers.width).map { _ in try LabelCounter(labelCount: count, scratch: scratch) }
    let changes = try scratch.reserve(UInt64.self, count: 1)
    for round in 0..<max(0, rounds) {
      workers.progress.begin(round: round + 1, of: rounds)
      changes[0] = 0
      let (now, then) = (labels, next)
      try workers.forEachVertexRange(of: graph.outgoing, grain: chunkWork / 4) { vertices, _, slot in
        var counter = counters[slot]
        var changed = false
        for vertex in vertices {
          let label = try counter.mostFrequent(around: vertex, graph, now, workers) ?? now[vertex]
          changed = changed || label != now[vertex]
          then[vertex] = label
        }
        if changed { changes.atomic(0).pointee.store(1, ordering: .relaxed) }
      }
      swap(&labels, &next)
      if changes[0] == 0 { break }
    }
    let (label, value) = (labels, result.mutableValues)
    try workers.forEach(count, grain: 1 << 16) { range, _ in
      for vertex in range { value[vertex] = ranks.vertex[Int(label[vertex])] }
    }
    return result
  }
}

extension CDLP {
  /// Returns whether the ids of the vertices that name communities are distinct.
  package static func idsAreDistinct(_ names: GroupNames, _ workers: Workers) throws -> Bool {
    guard names.graph.segments.count > 1 else { return true }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let count = names.graph.vertexCount
    // A community may be named by a vertex outside it, so naming vertices are compared as if each were its own community.
    let isName = try scratch.reserve(UInt64.self, count: (count + 63) / 64)
    let own = try scratch.reserve(VertexNumber.self, count: count)
    let labels = names.group
    try workers.forEach(count, grain: 1 << 16) { range, _ in
      for vertex in range {
        own[vertex] = VertexNumber(truncatingIfNeeded: vertex)
        _ = isName.setBit(Int(labels[vertex]))
      }
    }
    return try GroupNames(graph: names.graph, group: own).areDistinct(workers) { isName.bit($0) }
  }
}

/// Counts the labels around one vertex at a time; each thread has its own counter.
private struct LabelCounter {
  private typealias Place = (label: UInt32, count: UInt32)

  /// Maximum degree for counting labels in the hash table, so that it stays in the first-level cache.
  private static let hashedDegree = 1 << 10

  /// Open addressing with linear probing; a slot with count 0 is free.
  private let table: UnsafeMutableBufferPointer<Place>
  /// A count per label, for vertices of high degree; all zero between vertices.
  private let counts: UnsafeMutableBufferPointer<UInt32>
  private var best: Place = (0, 0)

  init(labelCount: Int, scratch: Scratch) throws(EngineError) {
    table = try scratch.reserve(Place.self, count: 2 * Self.hashedDegree)
    counts = try scratch.reserve(UInt32.self, count: labelCount)
  }

  /// Returns the most frequent label in a vertex's rows, the smallest in case of a tie; nil if the rows are empty.
  @inline(__always)
  mutating func mostFrequent(
    around vertex: Int, _ graph: SimpleGraph, _ labels: UnsafeMutableBufferPointer<VertexNumber>, _ workers: Workers
  ) throws -> UInt32? {
    let outgoing = graph.outgoing.row(vertex)
    let incoming = graph.isDirected ? graph.incoming.row(vertex) : 0..<0
    let degree = outgoing.count + incoming.count
    if degree <= 1 {
      if degree == 0 { return nil }
      let neighbour =
        outgoing.isEmpty
        ? graph.incoming.neighbours[incoming.lowerBound] : graph.outgoing.neighbours[outgoing.lowerBound]
      return labels[Int(neighbour)]
    }
    best = (0, 0)
    if degree <= Self.hashedDegree {
      let shift = UInt32(truncatingIfNeeded: (degree - 1).leadingZeroBitCount - 33)
      let places = Int(1 << (32 - shift))
      for entry in outgoing { countHashed(labels[Int(graph.outgoing.neighbours[entry])], shift, places - 1) }
      for entry in incoming { countHashed(labels[Int(graph.incoming.neighbours[entry])], shift, places - 1) }
      UnsafeMutableBufferPointer(rebasing: table[..<places]).update(repeating: (0, 0))
    } else {
      try countAll(graph.outgoing, outgoing, labels, workers)
      try countAll(graph.incoming, incoming, labels, workers)
      try reset(graph.outgoing, outgoing, labels, workers)
      try reset(graph.incoming, incoming, labels, workers)
    }
    return best.label
  }

  @inline(__always)
  private mutating func consider(_ label: UInt32, _ count: UInt32) {
    if count > best.count || (count == best.count && label < best.label) { best = (label, count) }
  }

  @inline(__always)
  private mutating func countHashed(_ label: UInt32, _ shift: UInt32, _ mask: Int) {
    // Fibonacci hashing: the upper bits of the product.
    var place = Int(truncatingIfNeeded: (label &* 2_654_435_769) >> shift)
    while table[place].count != 0 && table[place].label != label { place = (place + 1) & mask }
    let count = table[place].count + 1
    table[place] = (label, count)
    consider(label, count)
  }

  private mutating func countAll(
    _ rows: Adjacency, _ row: Range<Int>, _ labels: UnsafeMutableBufferPointer<VertexNumber>, _ workers: Workers
  ) throws {
    let counts = counts
    var start = row.lowerBound
    while start < row.upperBound {
      let end = min(row.upperBound, start + chunkWork)
      for entry in start..<end {
        let label = labels[Int(rows.neighbours[entry])]
        counts[Int(label)] += 1
        consider(label, counts[Int(label)])
      }
      try workers.cancellation.check()
      start = end
    }
  }

  private func reset(
    _ rows: Adjacency, _ row: Range<Int>, _ labels: UnsafeMutableBufferPointer<VertexNumber>, _ workers: Workers
  ) throws {
    let counts = counts
    try workers.forEachBlock(of: row) { block in
      for entry in block { counts[Int(labels[Int(rows.neighbours[entry])])] = 0 }
    }
  }
}
