import Engines
import GraphStore
import Synchronization
import Workers

/// Weakly connected components: sets of vertices joined by edges in any direction.
///
/// Afforest (M. Sutton, T. Ben-Nun, A. Barak, "Optimizing Parallel Graph Connectivity Computation via Subgraph Sampling", IPDPS
/// 2018): two edges of each vertex usually join most of the graph. The other edges of vertices in the component that is largest
/// at that point need not be examined, because they are at their other ends.
package enum WCC {
  /// Returns, for each vertex, the smallest vertex number in its component.
  package static func roots(_ graph: SimpleGraph, workers: Workers) throws -> Buffer<VertexNumber> {
    let count = graph.vertexCount
    let parents = try Buffer<VertexNumber>(count: count, storage: workers.storage)
    guard count > 0 else { return parents }
    let forest = Forest(parents: parents.mutableValues)
    try workers.forEach(count, grain: 1 << 16) { range, _ in
      for vertex in range { forest.parents[vertex] = VertexNumber(truncatingIfNeeded: vertex) }
    }
    let outgoing = graph.outgoing
    let sampled = 2
    for index in 0..<sampled {
      try workers.forEach(count, grain: chunkWork) { range, _ in
        for vertex in range {
          let row = outgoing.row(vertex)
          if index < row.count { forest.link(vertex, Int(outgoing.neighbours[row.lowerBound + index])) }
        }
      }
      try forest.compress(workers)
    }
    let largest = forest.frequentRoot()
    try workers.forEachVertexRange(of: outgoing) { vertices, _, _ in
      for vertex in vertices where forest.parent(VertexNumber(truncatingIfNeeded: vertex)) != largest {
        let row = outgoing.row(vertex)
        guard row.count > sampled else { continue }
        try forest.link(vertex, outgoing, row.dropFirst(sampled), workers)
      }
    }
    if graph.isDirected {
      let incoming = graph.incoming
      try workers.forEachVertexRange(of: incoming) { vertices, _, _ in
        for vertex in vertices where forest.parent(VertexNumber(truncatingIfNeeded: vertex)) != largest {
          try forest.link(vertex, incoming, incoming.row(vertex), workers)
        }
      }
    }
    try forest.compress(workers)
    return parents
  }

  /// Returns, for each vertex, the smallest original id in its component, given its root; nil if several components would share
  /// one because labels share ids.
  package static func smallestIDs(
    _ graph: SimpleGraph, roots: Buffer<VertexNumber>, workers: Workers
  ) throws -> Buffer<Int64>? {
    let result = try Buffer<Int64>(count: graph.vertexCount, storage: workers.storage)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let ids = OriginalIDs(segments: graph.segments)
    let (root, value) = (roots.mutableValues, result.mutableValues)
    // Ids with inverted sign bits are ordered as unsigned numbers.
    let smallest = try scratch.reserve(UInt64.self, count: graph.vertexCount)
    let sign: UInt64 = 1 << 63
    try workers.fill(smallest, with: .max)
    try workers.forEach(value.count, grain: 1 << 16) { range, _ in
      try ids.copy(range, into: value)
      for vertex in range {
        _ = smallest.lower(Int(root[vertex]), to: UInt64(bitPattern: value[vertex]) ^ sign)
      }
    }
    let areDistinct = try GroupNames(graph: graph, group: root).areDistinct(workers) { vertex in
      UInt64(bitPattern: value[vertex]) ^ sign == smallest[Int(root[vertex])]
    }
    guard areDistinct else { return nil }
    try workers.forEach(value.count, grain: 1 << 16) { range, _ in
      for vertex in range { value[vertex] = Int64(bitPattern: smallest[Int(root[vertex])] ^ sign) }
    }
    return result
  }
}

/// Trees of vertices in which parents have smaller numbers; a root is its own parent.
private struct Forest {
  let parents: UnsafeMutableBufferPointer<VertexNumber>

  /// Joins the trees of two vertices.
  @inline(__always)
  func link(_ first: Int, _ second: Int) {
    var one = parent(VertexNumber(truncatingIfNeeded: first))
    var other = parent(VertexNumber(truncatingIfNeeded: second))
    while one != other {
      let (low, high) = one < other ? (one, other) : (other, one)
      let above = parent(high)
      if above == low { return }
      if above == high {
        let (exchanged, _) = parents.atomic(Int(high)).pointee.compareExchange(
          expected: high, desired: low, ordering: .acquiringAndReleasing)
        if exchanged { return }
      }
      one = parent(parent(high))
      other = parent(low)
    }
  }

  /// Joins a vertex's tree with those of the neighbours in a row.
  @inline(__always)
  func link(_ vertex: Int, _ rows: Adjacency, _ row: Range<Int>, _ workers: Workers) throws {
    try workers.forEachBlock(of: row) { block in
      for entry in block { link(vertex, Int(rows.neighbours[entry])) }
    }
  }

  /// Returns the current parent, which other threads may be changing.
  @inline(__always)
  func parent(_ vertex: VertexNumber) -> VertexNumber {
    parents.atomic(Int(vertex)).pointee.load(ordering: .relaxed)
  }

  /// Makes every vertex a child of its root.
  func compress(_ workers: Workers) throws {
    try workers.forEach(parents.count, grain: chunkWork) { range, _ in
      for vertex in range {
        var root = parent(VertexNumber(truncatingIfNeeded: vertex))
        while case let above = parent(root), above != root { root = above }
        parents.atomic(vertex).pointee.store(root, ordering: .relaxed)
      }
    }
  }

  /// Returns the most frequent root in a sample of vertices; the choice affects only the speed.
  func frequentRoot() -> VertexNumber {
    let samples = min(parents.count, 1024)
    var counts: [VertexNumber: Int] = [:]
    for sample in 0..<samples { counts[parents[sample * parents.count / samples], default: 0] += 1 }
    return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? 0
  }
}
