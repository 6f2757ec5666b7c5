import Engines
import GraphStore
import Synchronization
import Workers

/// Breadth-first search: the number of edges on a shortest path from a source, along the direction of edges.
///
/// Direction-optimising, following S. Beamer, K. Asanović, D. Patterson, "Direction-Optimizing Breadth-First Search" (SC 2012): a
/// small frontier is expanded forwards along its edges; while it is large, every unreached vertex instead searches its incoming
/// edges for a neighbour in the frontier.
package enum BFS {
  /// The depth of an unreachable vertex.
  package static let unreachable = Int64.max

  /// Beamer's α and β: the thresholds for switching to the backward direction and back.
  private static let alpha = 15
  private static let beta = 18

  /// Returns the depths of all vertices from `source`; with nil, all are unreachable.
  package static func run(_ graph: SimpleGraph, source: VertexNumber?, workers: Workers) throws -> Buffer<Int64> {
    let depths = try Buffer<Int64>(count: graph.vertexCount, storage: workers.storage)
    try workers.fill(depths.mutableValues, with: unreachable)
    guard let source else { return depths }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    var search = try Search(graph, depths: depths.mutableValues, workers: workers, scratch: scratch)
    try search.run(from: source)
    return depths
  }

  /// Sets the depth of every neighbour on its first visit.
  private struct Visitor: EdgeVisitor {
    let visited: UnsafeMutableBufferPointer<UInt64>
    let depths: UnsafeMutableBufferPointer<Int64>
    let neighbours: UnsafeBufferPointer<VertexNumber>
    let depth: Int64

    @inline(__always)
    func collects(_ vertex: VertexNumber, _ entry: Int) -> Bool {
      let neighbour = Int(neighbours[entry])
      guard visited.setBit(neighbour) else { return false }
      depths[neighbour] = depth
      return true
    }
  }

  private struct Search {
    let graph: SimpleGraph
    let workers: Workers
    let depths: UnsafeMutableBufferPointer<Int64>
    let visited: UnsafeMutableBufferPointer<UInt64>
    var frontier: Frontier
    /// While searching backwards, the frontier as a bitmap, and the next one.
    var reached: UnsafeMutableBufferPointer<UInt64>
    var found: UnsafeMutableBufferPointer<UInt64>

    init(
      _ graph: SimpleGraph, depths: UnsafeMutableBufferPointer<Int64>, workers: Workers, scratch: Scratch
    ) throws {
      self.graph = graph
      self.workers = workers
      self.depths = depths
      let words = (graph.vertexCount + 63) / 64
      visited = try scratch.reserve(UInt64.self, count: words)
      reached = try scratch.reserve(UInt64.self, count: words)
      found = try scratch.reserve(UInt64.self, count: words)
      frontier = try Frontier(graph.outgoing, width: workers.width, scratch: scratch)
    }

    mutating func run(from source: VertexNumber) throws {
      depths[Int(source)] = 0
      _ = visited.setBit(Int(source))
      frontier.push(source)
      var depth: Int64 = 0
      var unexplored = graph.outgoing.neighbours.count
      while true {
        frontier.advance()
        if frontier.count == 0 { return }
        try frontier.measure(workers)
        if frontier.entries > unexplored / alpha {
          depth = try lookBackwards(from: depth)
          continue
        }
        unexplored -= frontier.entries
        depth += 1
        try frontier.expand(
          workers,
          Visitor(visited: visited, depths: depths, neighbours: graph.outgoing.neighbours, depth: depth))
      }
    }

    /// Continues from the current frontier at `depth` in the backward direction until a round finds few vertices, which then
    /// become the frontier. Returns their depth.
    mutating func lookBackwards(from depth: Int64) throws -> Int64 {
      var depth = depth
      try workers.fill(reached, with: 0)
      let (first, vertices) = (reached, frontier.vertices)
      try workers.forEach(frontier.count, grain: chunkWork) { range, _ in
        for index in range { _ = first.setBit(Int(vertices[index])) }
      }
      var before = frontier.count
      while true {
        depth += 1
        let count = try findBackwards(depth: depth)
        swap(&reached, &found)
        // Small and not growing: the forward direction is cheaper again.
        if count == 0 || (count <= before && count < graph.vertexCount / beta) { break }
        before = count
      }
      try collectReached()
      return depth
    }

    /// Performs one round: unreached vertices with a neighbour in `reached` get `depth` and a bit in `found`. Returns their
    /// number.
    private func findBackwards(depth: Int64) throws -> Int {
      let (rows, depths, visited, reached, found) = (graph.incoming, depths, visited, reached, found)
      let total = Atomic<Int>(0)
      let workers = workers
      try workers.forEachVertexRange(of: rows, aligned: true) { vertices, _, _ in
        var count = 0
        for word in vertices.lowerBound >> 6..<(vertices.upperBound + 63) >> 6 {
          var bits: UInt64 = 0
          var open = ~visited[word]
          while open != 0 {
            let bit = open.trailingZeroBitCount
            open &= open - 1
            let vertex = word << 6 + bit
            if vertex >= vertices.upperBound { break }
            var isFound = false
            try workers.forEachBlock(of: rows.row(vertex)) { block in
              guard !isFound else { return }
              for entry in block where reached.bit(Int(rows.neighbours[entry])) {
                isFound = true
                break
              }
            }
            guard isFound else { continue }
            bits |= 1 << UInt64(bit)
            depths[vertex] = depth
            count += 1
          }
          visited[word] |= bits
          found[word] = bits
        }
        total.add(count, ordering: .relaxed)
      }
      return total.load(ordering: .relaxed)
    }

    /// Collects the vertices in `reached` in the frontier.
    private func collectReached() throws {
      let (reached, frontier) = (reached, frontier)
      // The vertices of a word, 64 at most, are pushed together.
      try workers.forEach(reached.count, grain: chunkWork) { words, _ in
        withUnsafeTemporaryAllocation(of: VertexNumber.self, capacity: 64) { vertices in
          for word in words where reached[word] != 0 {
            var bits = reached[word]
            var count = 0
            while bits != 0 {
              vertices[count] = VertexNumber(truncatingIfNeeded: word << 6 + bits.trailingZeroBitCount)
              count += 1
              bits &= bits - 1
            }
            frontier.push(UnsafeMutableBufferPointer(rebasing: vertices[..<count]))
          }
        }
      }
    }
  }
}
