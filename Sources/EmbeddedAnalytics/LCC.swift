import Engines
import GraphStore
import Synchronization

/// Local clustering coefficients as LDBC Graphalytics defines them: of the ordered pairs of a vertex's neighbours, the
/// share that an edge joins. Neighbours are those in either direction; self loops and parallel edges do not count.
///
/// Vertices are ranked by descending degree, and each keeps only neighbours of smaller rank, √(2m) at the most: every
/// triangle is found once, from its vertex of largest rank (compare M. Latapy, "Main-memory triangle computations for
/// very large (sparse (power-law)) graphs", 2008). Ranks make most accesses hit the few vertices of high degree, which
/// lie together.
enum LCC {
  /// Coefficients of all vertices, 0 for those with fewer than two neighbours.
  static func run(_ graph: SimpleGraph, workers: Workers) throws -> Buffer<Double> {
    let count = graph.vertexCount
    let result = try Buffer<Double>(count: count, storage: workers.storage)
    guard count > 0 else { return result }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let ranks = try DegreeRanks(graph, workers: workers, scratch: scratch)
    let rows = try RankedRows(graph, ranks, workers: workers, scratch: scratch)
    let closed = try rows.closedPairs(workers: workers, scratch: scratch)
    let coefficient = result.mutableValues
    try workers.forEach(count, grain: 1 << 16) { range, _ in
      for vertex in range where ranks.degrees[vertex] > 1 {
        let degree = Double(ranks.degrees[vertex])
        coefficient[vertex] = Double(closed[Int(ranks.rank[vertex])]) / (degree * (degree - 1))
      }
    }
    return result
  }
}

/// Vertices in descending order of their number of neighbours.
private struct DegreeRanks {
  /// Neighbours of each vertex, without itself and each once.
  let degrees: UnsafeMutableBufferPointer<UInt32>
  /// The rank of each vertex.
  let rank: UnsafeMutableBufferPointer<VertexNumber>
  /// The vertex of each rank.
  let vertex: UnsafeMutableBufferPointer<VertexNumber>

  init(_ graph: SimpleGraph, workers: Workers, scratch: Scratch) throws {
    let count = graph.vertexCount
    let degrees = try scratch.reserve(UInt32.self, count: count)
    let union = NeighbourUnion(graph: graph, workers: workers)
    try workers.forEachVertexRange(of: graph.outgoing) { vertices, _, _ in
      for vertex in vertices {
        var degree: UInt32 = 0
        try union.forEachNeighbour(of: vertex) { _, _ in degree += 1 }
        degrees[vertex] = degree
      }
    }
    rank = try scratch.reserve(VertexNumber.self, count: count)
    vertex = try scratch.reserve(VertexNumber.self, count: count)
    // Counting sort: first how many vertices have more than so many neighbours.
    let places = try scratch.reserve(UInt32.self, count: count + 1)
    for degree in degrees { places[Int(degree)] += 1 }
    var before: UInt32 = 0
    for degree in stride(from: count, through: 0, by: -1) {
      let having = places[degree]
      places[degree] = before
      before += having
    }
    for number in 0..<count {
      let place = places[Int(degrees[number])]
      places[Int(degrees[number])] += 1
      rank[number] = place
      vertex[Int(place)] = VertexNumber(truncatingIfNeeded: number)
      if number % chunkWork == 0 { try workers.cancellation.check() }
    }
    self.degrees = degrees
  }
}

/// For every rank the neighbours of smaller rank, each once, with the number of directions in which edges join the two.
private struct RankedRows {
  private let offsets: UnsafeMutableBufferPointer<UInt64>
  private let neighbours: UnsafeMutableBufferPointer<VertexNumber>
  private let directions: UnsafeMutableBufferPointer<UInt8>

  init(_ graph: SimpleGraph, _ ranks: DegreeRanks, workers: Workers, scratch: Scratch) throws {
    let count = graph.vertexCount
    let offsets = try scratch.reserve(UInt64.self, count: count + 1)
    let union = NeighbourUnion(graph: graph, workers: workers)
    try workers.forEachVertexRange(of: graph.outgoing) { vertices, _, _ in
      for vertex in vertices {
        let rank = ranks.rank[vertex]
        var degree: UInt64 = 0
        try union.forEachNeighbour(of: vertex) { other, _ in degree += ranks.rank[Int(other)] < rank ? 1 : 0 }
        offsets[Int(rank) + 1] = degree
      }
    }
    try workers.sumUp(offsets)
    let neighbours = try scratch.reserve(VertexNumber.self, count: Int(offsets[count]))
    let directions = try scratch.reserve(UInt8.self, count: Int(offsets[count]))
    try workers.forEachVertexRange(of: graph.outgoing) { vertices, _, _ in
      for vertex in vertices {
        let rank = ranks.rank[vertex]
        var place = Int(offsets[Int(rank)])
        try union.forEachNeighbour(of: vertex) { other, count in
          let neighbour = ranks.rank[Int(other)]
          guard neighbour < rank else { return }
          neighbours[place] = neighbour
          directions[place] = count
          place += 1
        }
      }
    }
    (self.offsets, self.neighbours, self.directions) = (offsets, neighbours, directions)
  }

  /// For each rank the number of ordered pairs of its neighbours that an edge joins.
  func closedPairs(workers: Workers, scratch: Scratch) throws -> UnsafeMutableBufferPointer<UInt64> {
    let (offsets, neighbours, directions) = (offsets, neighbours, directions)
    let count = offsets.count - 1
    let closed = try scratch.reserve(UInt64.self, count: count)
    let marks = try scratch.reserve(UInt8.self, count: count * workers.width)
    // Most triangles have a corner of high degree; each thread counts those for itself.
    let hubs = min(count, 1 << 16)
    let hubCounts = try scratch.reserve(UInt64.self, count: hubs * workers.width)
    let rows = Adjacency(
      offsets: UnsafeBufferPointer(offsets), neighbours: UnsafeBufferPointer(neighbours),
      edges: UnsafeBufferPointer(start: nil, count: 0))
    try workers.forEachVertexRange(of: rows, grain: 1 << 10) { ranks, _, slot in
      let mark = UnsafeMutableBufferPointer(rebasing: marks[slot * count..<(slot + 1) * count])
      let hubClosed = UnsafeMutableBufferPointer(rebasing: hubCounts[slot * hubs..<(slot + 1) * hubs])
      @inline(__always)
      func add(_ pairs: UInt64, _ rank: Int) {
        if rank < hubs {
          hubClosed[rank] += pairs
        } else {
          closed.atomic(rank).pointee.add(pairs, ordering: .relaxed)
        }
      }
      var steps = 0
      for rank in ranks {
        let row = rows.row(rank)
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
            add(UInt64(directions[entry]), Int(neighbours[third]))
          }
          if middles > 0 { add(middles, middle) }
          steps += farther.count
          if steps > chunkWork {
            try workers.cancellation.check()
            steps = 0
          }
        }
        if own > 0 { add(own, rank) }
        for entry in row { mark[Int(neighbours[entry])] = 0 }
      }
    }
    for slot in 0..<workers.width { for rank in 0..<hubs { closed[rank] += hubCounts[slot * hubs + rank] } }
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
