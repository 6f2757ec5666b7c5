import Engines
import GraphStore
import Workers

/// Sets that are found by one pass in a fixed order, and that are maximal or minimal but in general not the largest or smallest.
/// Directions, loops and parallel edges do not count. Vertices are ordered by descending number of distinct neighbours and, if these
/// are equal, by ascending vertex number.
package struct GreedySets {
  let graph: SimpleGraph
  let workers: Workers

  package init(graph: SimpleGraph, workers: Workers) {
    (self.graph, self.workers) = (graph, workers)
  }

  /// Returns 1 for each member of a maximal independent set, to which vertices are added in reverse order, those with few neighbours
  /// first, unless one of their neighbours is a member. The other vertices are a minimal vertex cover.
  package func independentSet() throws -> Buffer<Int32> {
    try withRows { rows, ranks, _ in
      let result = try Buffer<Int32>(count: graph.vertexCount, storage: workers.storage)
      let isMember = result.mutableValues
      for vertex in ranks.vertex.reversed() {
        var isFree = true
        try workers.forEachBlock(of: rows.row(Int(vertex))) { block in
          for entry in block where isMember[Int(rows.neighbours[entry])] == 1 { isFree = false }
        }
        isMember[Int(vertex)] = isFree ? 1 : 0
        if vertex % (1 << 10) == 0 { try workers.cancellation.check() }
      }
      return result
    }
  }

  /// Returns the partner of each vertex in a maximal matching, in which each vertex, by ascending number, is matched with the first of its
  /// neighbours that is not matched yet; −1 for vertices without a partner.
  package func matching() throws -> Buffer<Int64> {
    try withRows { rows, _, _ in
      let partners = try Buffer<Int64>(count: graph.vertexCount, storage: workers.storage)
      try match(rows, partners.mutableValues)
      return partners
    }
  }

  /// Returns the number of edges of a minimal edge cover of the vertices that have neighbours: the edges of `matching()`, and an
  /// edge from each vertex without a partner to its first neighbour, without those edges of the matching whose ends are both
  /// covered by other edges.
  package func edgeCoverSize() throws -> Int {
    try withRows { rows, _, scratch in
      let count = graph.vertexCount
      let partners = try scratch.reserve(Int64.self, count: count)
      try match(rows, partners)
      let isCovered = try scratch.reserve(Bool.self, count: count)
      var edges = 0
      for vertex in 0..<count where partners[vertex] < 0 && !rows.row(vertex).isEmpty {
        isCovered[Int(rows.neighbours[rows.row(vertex).lowerBound])] = true
        edges += 1
      }
      for vertex in 0..<count where Int(partners[vertex]) > vertex {
        if !isCovered[vertex] || !isCovered[Int(partners[vertex])] { edges += 1 }
      }
      return edges
    }
  }

  /// Returns 1 for each member of a minimal dominating set: every other vertex has a neighbour in it. The vertex that dominates most
  /// vertices that are not dominated yet is added, the first in case of a tie, until all are dominated. Then members are removed, the
  /// last vertex first, if the others dominate all vertices.
  package func dominatingSet() throws -> Buffer<Int32> {
    try withRows { rows, _, scratch in
      let count = graph.vertexCount
      let result = try Buffer<Int32>(count: count, storage: workers.storage)
      let isMember = result.mutableValues
      /// The number of members by which a vertex is dominated.
      let covers = try scratch.reserve(UInt32.self, count: count)
      /// The number of vertices that a vertex would dominate, negated, and the same when it was inserted into the heap.
      let gains = try scratch.reserve(Double.self, count: count)
      let keys = try scratch.reserve(Double.self, count: count)
      var heap = try VertexHeap(count, scratch: scratch)
      for vertex in 0..<count {
        gains[vertex] = -Double(rows.row(vertex).count + 1)
        keys[vertex] = gains[vertex]
        heap.insert(VertexNumber(truncatingIfNeeded: vertex), keys)
        if vertex % (1 << 10) == 0 { try workers.cancellation.check() }
      }
      var steps = 0
      while let best = heap.removeNearest(keys) {
        let vertex = Int(best)
        guard gains[vertex] < 0 else { continue }
        guard keys[vertex] == gains[vertex] else {
          keys[vertex] = gains[vertex]
          heap.insert(best, keys)
          continue
        }
        isMember[vertex] = 1
        forEachDominated(by: vertex, rows) { dominated in
          covers[dominated] += 1
          guard covers[dominated] == 1 else { return }
          forEachDominated(by: dominated, rows) { gains[$0] += 1 }
        }
        steps += 1
        if steps % (1 << 8) == 0 { try workers.cancellation.check() }
      }
      for vertex in (0..<count).reversed() where isMember[vertex] == 1 {
        var isNeeded = false
        forEachDominated(by: vertex, rows) { if covers[$0] == 1 { isNeeded = true } }
        guard !isNeeded else { continue }
        isMember[vertex] = 0
        forEachDominated(by: vertex, rows) { covers[$0] -= 1 }
      }
      return result
    }
  }

  /// Returns the colour of each vertex, from 0: vertices in order, those with most neighbours first, get the smallest colour that
  /// none of their neighbours has (D. Welsh, M. Powell, "An upper bound for the chromatic number of a graph", 1967).
  package func colours() throws -> Buffer<Int64> {
    try withRows { rows, ranks, scratch in
      let result = try Buffer<Int64>(count: graph.vertexCount, storage: workers.storage)
      let colour = result.mutableValues
      /// For each colour, one more than the last vertex that could not have it.
      let refused = try scratch.reserve(UInt64.self, count: graph.vertexCount + 1)
      for index in colour.indices { colour[index] = -1 }
      for vertex in ranks.vertex {
        let own = UInt64(vertex) + 1
        try workers.forEachBlock(of: rows.row(Int(vertex))) { block in
          for entry in block {
            let other = colour[Int(rows.neighbours[entry])]
            if other >= 0 { refused[Int(other)] = own }
          }
        }
        var chosen = 0
        while refused[chosen] == own { chosen += 1 }
        colour[Int(vertex)] = Int64(chosen)
        if vertex % (1 << 10) == 0 { try workers.cancellation.check() }
      }
      return result
    }
  }

  private func match(_ rows: Adjacency, _ partners: UnsafeMutableBufferPointer<Int64>) throws {
    for vertex in partners.indices { partners[vertex] = -1 }
    for vertex in partners.indices where partners[vertex] < 0 {
      for entry in rows.row(vertex) where partners[Int(rows.neighbours[entry])] < 0 {
        partners[vertex] = Int64(rows.neighbours[entry])
        partners[Int(rows.neighbours[entry])] = Int64(vertex)
        break
      }
      if vertex % (1 << 10) == 0 { try workers.cancellation.check() }
    }
  }

  /// Calls `body` with a vertex and each of its neighbours.
  @inline(__always)
  private func forEachDominated(by vertex: Int, _ rows: Adjacency, _ body: (Int) -> Void) {
    body(vertex)
    for entry in rows.row(vertex) { body(Int(rows.neighbours[entry])) }
  }

  private func withRows<R>(_ body: (Adjacency, DegreeRanks, Scratch) throws -> R) throws -> R {
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let ranks = try DegreeRanks(graph, workers: workers, scratch: scratch)
    return try body(try DistinctNeighbours(graph, workers: workers, scratch: scratch).rows, ranks, scratch)
  }
}
