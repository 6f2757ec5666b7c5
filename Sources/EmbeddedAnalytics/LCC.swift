import Engines
import GraphStore
import Synchronization

/// Local clustering coefficients as LDBC Graphalytics defines them: of the ordered pairs of a vertex's neighbours, the
/// share that an edge joins. Neighbours are those in either direction; self loops and parallel edges do not count.
///
/// Every triangle is found once, from its vertex of lowest degree (compare M. Latapy, "Main-memory triangle
/// computations for very large (sparse (power-law)) graphs", 2008): rows then have at most √(2m) entries.
enum LCC {
  /// Coefficients of all vertices, 0 for those with fewer than two neighbours.
  static func run(_ graph: SimpleGraph, workers: Workers) throws -> Buffer<Double> {
    let count = graph.vertexCount
    let result = try Buffer<Double>(count: count)
    guard count > 0 else { return result }
    let scratch = Scratch()
    defer { scratch.free() }
    let upward = try UpwardRows(graph, workers: workers, scratch: scratch)
    let closed = try upward.closedPairs(workers: workers, scratch: scratch)
    let (coefficient, degrees) = (result.mutableValues, upward.degrees)
    try workers.forEach(count, grain: 1 << 16) { range, _ in
      for vertex in range where degrees[vertex] > 1 {
        let degree = Double(degrees[vertex])
        coefficient[vertex] = Double(closed[vertex]) / (degree * (degree - 1))
      }
    }
    return result
  }
}

/// The neighbours of each vertex that have a higher degree, or the same and a higher number; each once, with the number
/// of directions in which edges join the two.
private struct UpwardRows {
  /// Neighbours of each vertex, without itself and each once.
  let degrees: UnsafeMutableBufferPointer<UInt32>
  private let offsets: UnsafeMutableBufferPointer<UInt64>
  private let neighbours: UnsafeMutableBufferPointer<VertexNumber>
  private let directions: UnsafeMutableBufferPointer<UInt8>

  init(_ graph: SimpleGraph, workers: Workers, scratch: Scratch) throws {
    let count = graph.vertexCount
    let degrees = try scratch.reserve(UInt32.self, count: count)
    let offsets = try scratch.reserve(UInt64.self, count: count + 1)
    let union = NeighbourUnion(graph: graph, workers: workers)
    try workers.forEachVertexRange(of: graph.outgoing) { vertices, _, _ in
      for vertex in vertices {
        var degree: UInt32 = 0
        try union.forEachNeighbour(of: vertex) { _, _ in degree += 1 }
        degrees[vertex] = degree
      }
    }
    @inline(__always)
    func isUpward(_ vertex: Int, _ neighbour: VertexNumber) -> Bool {
      let (own, other) = (degrees[vertex], degrees[Int(neighbour)])
      return own < other || (own == other && vertex < Int(neighbour))
    }
    try workers.forEachVertexRange(of: graph.outgoing) { vertices, _, _ in
      for vertex in vertices {
        var degree: UInt64 = 0
        try union.forEachNeighbour(of: vertex) { neighbour, _ in degree += isUpward(vertex, neighbour) ? 1 : 0 }
        offsets[vertex + 1] = degree
      }
    }
    for vertex in 0..<count { offsets[vertex + 1] += offsets[vertex] }
    let neighbours = try scratch.reserve(VertexNumber.self, count: Int(offsets[count]))
    let directions = try scratch.reserve(UInt8.self, count: Int(offsets[count]))
    try workers.forEachVertexRange(of: graph.outgoing) { vertices, _, _ in
      for vertex in vertices {
        var place = Int(offsets[vertex])
        try union.forEachNeighbour(of: vertex) { neighbour, count in
          guard isUpward(vertex, neighbour) else { return }
          neighbours[place] = neighbour
          directions[place] = count
          place += 1
        }
      }
    }
    (self.degrees, self.offsets, self.neighbours, self.directions) = (degrees, offsets, neighbours, directions)
  }

  /// For each vertex the number of ordered pairs of its neighbours that an edge joins.
  func closedPairs(workers: Workers, scratch: Scratch) throws -> UnsafeMutableBufferPointer<UInt64> {
    let (offsets, neighbours, directions) = (offsets, neighbours, directions)
    let count = degrees.count
    let closed = try scratch.reserve(UInt64.self, count: count)
    let marks = try scratch.reserve(UInt8.self, count: count * workers.width)
    let rows = Adjacency(
      offsets: UnsafeBufferPointer(offsets), neighbours: UnsafeBufferPointer(neighbours),
      edges: UnsafeBufferPointer(start: nil, count: 0))
    try workers.forEachVertexRange(of: rows, grain: 1 << 10) { vertices, _, slot in
      let mark = UnsafeMutableBufferPointer(rebasing: marks[slot * count..<(slot + 1) * count])
      var steps = 0
      for vertex in vertices {
        let row = rows.row(vertex)
        guard row.count > 1 else { continue }
        for entry in row { mark[Int(neighbours[entry])] = directions[entry] }
        var own: UInt64 = 0
        for entry in row {
          let middle = Int(neighbours[entry])
          let farther = rows.row(middle)
          var middles: UInt64 = 0
          for third in farther {
            let direct = mark[Int(neighbours[third])]
            guard direct != 0 else { continue }
            own += UInt64(directions[third])
            middles += UInt64(direct)
            closed.atomic(Int(neighbours[third])).pointee.add(UInt64(directions[entry]), ordering: .relaxed)
          }
          if middles > 0 { closed.atomic(middle).pointee.add(middles, ordering: .relaxed) }
          steps += farther.count
          if steps > chunkWork {
            try workers.cancellation.check()
            steps = 0
          }
        }
        if own > 0 { closed.atomic(vertex).pointee.add(own, ordering: .relaxed) }
        for entry in row { mark[Int(neighbours[entry])] = 0 }
      }
    }
    return closed
  }
}

/// A vertex's neighbours in either direction: its two rows merged.
private struct NeighbourUnion {
  let graph: SimpleGraph
  let workers: Workers

  /// Calls `body` for each neighbour but the vertex itself, once, in ascending order, with the number of directions in
  /// which edges join the two; on undirected graphs that is two.
  @inline(__always)
  func forEachNeighbour(of vertex: Int, _ body: (VertexNumber, UInt8) -> Void) throws {
    let (outgoing, incoming) = (graph.outgoing.neighbours, graph.incoming.neighbours)
    let row = graph.outgoing.row(vertex)
    let other = graph.isDirected ? graph.incoming.row(vertex) : 0..<0
    let own = VertexNumber(truncatingIfNeeded: vertex)
    let unmatched: UInt8 = graph.isDirected ? 1 : 2
    var (left, right) = (row.lowerBound, other.lowerBound)
    var steps = 0
    while left < row.upperBound || right < other.upperBound {
      let isLeft =
        right >= other.upperBound || (left < row.upperBound && outgoing[left] <= incoming[right])
      let neighbour = isLeft ? outgoing[left] : incoming[right]
      var directions = unmatched
      if isLeft && right < other.upperBound && incoming[right] == neighbour { directions = 2 }
      while left < row.upperBound && outgoing[left] == neighbour { left += 1 }
      while right < other.upperBound && incoming[right] == neighbour { right += 1 }
      if neighbour != own { body(neighbour, directions) }
      steps += 1
      if steps & (chunkWork - 1) == 0 { try workers.cancellation.check() }
    }
  }
}
