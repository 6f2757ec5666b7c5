import Engines
import GraphStore
import Synchronization

/// Weakly connected components: which vertices are joined by edges, whatever their direction.
///
/// Afforest (M. Sutton, T. Ben-Nun, A. Barak, "Optimizing Parallel Graph Connectivity Computation via Subgraph
/// Sampling", IPDPS 2018): two edges of each vertex usually join most of the graph; vertices of the component that is
/// largest by then need not look at their other edges, because the other ends do.
enum WCC {
  /// For each vertex the smallest vertex number of its component.
  static func roots(_ graph: SimpleGraph, workers: Workers) throws -> Buffer<VertexNumber> {
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

  /// For each vertex the smallest original id in its component.
  static func smallestIDs(_ graph: SimpleGraph, workers: Workers) throws -> Buffer<Int64> {
    let roots = try roots(graph, workers: workers)
    let result = try Buffer<Int64>(count: graph.vertexCount, storage: workers.storage)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let ids = OriginalIDs(segments: graph.segments)
    let (root, value) = (roots.mutableValues, result.mutableValues)
    // Ids with their sign bit flipped are ordered as unsigned numbers.
    let smallest = try scratch.reserve(UInt64.self, count: graph.vertexCount)
    let sign: UInt64 = 1 << 63
    try workers.fill(smallest, with: .max)
    try workers.forEach(value.count, grain: 1 << 16) { range, _ in
      try ids.copy(range, into: value)
      for vertex in range {
        _ = smallest.lower(Int(root[vertex]), to: UInt64(bitPattern: value[vertex]) ^ sign)
      }
    }
    try workers.forEach(value.count, grain: 1 << 16) { range, _ in
      for vertex in range { value[vertex] = Int64(bitPattern: smallest[Int(root[vertex])] ^ sign) }
    }
    return result
  }
}

/// Trees over the vertices whose parents have smaller numbers; a root is its own parent.
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

  /// Joins a vertex's tree with those of a row's neighbours.
  @inline(__always)
  func link(_ vertex: Int, _ rows: Adjacency, _ row: Range<Int>, _ workers: Workers) throws {
    try workers.forEachBlock(of: row) { block in
      for entry in block { link(vertex, Int(rows.neighbours[entry])) }
    }
  }

  /// The parent as it is now; other threads may be changing it.
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

  /// The root that most of some evenly spread vertices have; which one it is affects the speed only.
  func frequentRoot() -> VertexNumber {
    let samples = min(parents.count, 1024)
    var counts: [VertexNumber: Int] = [:]
    for sample in 0..<samples { counts[parents[sample * parents.count / samples], default: 0] += 1 }
    return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? 0
  }
}
