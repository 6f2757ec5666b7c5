import Engines
import GraphStore
import Workers

/// The numbers of small subgraphs, whether induced or not: other edges between their vertices are allowed. Directions, loops and
/// parallel edges do not count.
package struct SubgraphCounts {
  let graph: SimpleGraph
  let workers: Workers

  package init(graph: SimpleGraph, workers: Workers) {
    (self.graph, self.workers) = (graph, workers)
  }

  /// Returns the number of paths of three edges between four distinct vertices.
  package func threePaths() throws -> Int {
    // Each edge is the middle of paths for all pairs of other neighbours of its ends, less those that meet in a triangle.
    let triangles = try Clustering.triangles(graph, workers: workers)
    defer { withExtendedLifetime(triangles) {} }
    let corners = triangles.values
    var tally = Tally()
    try tally.add(
      try sum { rows, vertex, _, tally in
        let own = rows.row(vertex)
        for entry in own where rows.neighbours[entry] > vertex {
          try tally.add(own.count - 1, times: rows.row(Int(rows.neighbours[entry])).count - 1)
        }
      })
    for corner in corners { try tally.add(-Int(corner)) }
    return tally.count
  }

  /// Returns the number of triangles with an edge from one of their corners to a fourth vertex.
  package func tailedTriangles() throws -> Int {
    let triangles = try Clustering.triangles(graph, workers: workers)
    defer { withExtendedLifetime(triangles) {} }
    let corners = triangles.values
    return try sum { rows, vertex, _, tally in
      guard corners[vertex] > 0 else { return }
      try tally.add(Int(corners[vertex]), times: rows.row(vertex).count - 2)
    }
  }

  /// Returns the number of pairs of triangles with a common edge.
  package func diamonds() throws -> Int {
    try sum(byRank: true) { rows, vertex, marks, tally in
      let own = rows.row(vertex)
      for entry in own { marks[Int(rows.neighbours[entry])] = 1 }
      defer { for entry in own { marks[Int(rows.neighbours[entry])] = 0 } }
      // Only the shorter of the two rows is read for each edge.
      for entry in own where rows.neighbours[entry] > vertex {
        var common = 0
        try workers.forEachBlock(of: rows.row(Int(rows.neighbours[entry]))) { block in
          for third in block { common += Int(marks[Int(rows.neighbours[third])]) }
        }
        try tally.add(common * (common - 1) / 2)
      }
      try workers.cancellation.check()
    }
  }

  /// Returns the number of cycles of four edges (N. Chiba, T. Nishizeki, "Arboricity and Subgraph Listing Algorithms", 1985):
  /// each is found at its vertex of smallest rank, as two paths to the opposite vertex.
  package func rectangles() throws -> Int {
    try sum(byRank: true) { rows, vertex, paths, tally in
      let own = rows.row(vertex)
      for isCounting in [true, false] {
        for entry in own where rows.neighbours[entry] > vertex {
          let farther = rows.row(Int(rows.neighbours[entry]))
          for second in farther.reversed() {
            let opposite = Int(rows.neighbours[second])
            guard opposite > vertex else { break }
            if isCounting {
              try tally.add(Int(paths[opposite]))
              paths[opposite] += 1
            } else {
              paths[opposite] = 0
            }
          }
          if farther.count > 1 << 10 { try workers.cancellation.check() }
        }
        try workers.cancellation.check()
      }
    }
  }

  /// Sums what `body` adds to a tally for each vertex, or each rank, in parallel.
  /// - Parameter body: gets the rows of distinct neighbours, the vertex, and one number per vertex of its thread's memory, which
  ///   is 0 at the start and must be 0 again at the end unless it throws.
  private func sum(
    byRank: Bool = false,
    _ body: (Adjacency, Int, UnsafeMutableBufferPointer<UInt32>, inout Tally) throws -> Void
  ) throws -> Int {
    let count = graph.vertexCount
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let ranks = byRank ? try DegreeRanks(graph, workers: workers, scratch: scratch) : nil
    let rows = try DistinctNeighbours(graph, by: ranks, workers: workers, scratch: scratch).rows
    let marks = try scratch.reserve(UInt32.self, count: byRank ? count * workers.width : 0)
    let tallies = try scratch.reserve(Tally.self, count: workers.width)
    try workers.forEachVertexRange(of: rows, grain: 1 << 10) { vertices, _, slot in
      let mark =
        byRank ? UnsafeMutableBufferPointer(rebasing: marks[slot * count..<(slot + 1) * count]) : marks
      var tally = Tally()
      for vertex in vertices { try body(rows, vertex, mark, &tally) }
      try tallies[slot].add(tally.count)
    }
    var total = Tally()
    for tally in tallies { try total.add(tally.count) }
    return total.count
  }
}
