import GraphStore
import Synchronization
import Workers

/// Three vertices that are neighbours of each other, with the directions of the edges between each two, as seen from the one
/// named first.
struct Triangle {
  let firstSecond: EdgeDirections
  let firstThird: EdgeDirections
  let secondThird: EdgeDirections
}

/// The weight with which a triangle is counted at each of its corners.
protocol TriangleWeights {
  static func counts(_ triangle: Triangle) -> (first: UInt64, second: UInt64, third: UInt64)
}

/// The neighbours of smaller rank of every rank, without duplicates, with the directions of the edges between the two.
///
/// Vertices are ranked by descending degree, and each keeps only neighbours of smaller rank, √(2m) at most: every triangle is
/// found once, from its vertex of largest rank (compare M. Latapy, "Main-memory triangle computations for very large (sparse
/// (power-law)) graphs", 2008). With ranks, most accesses hit the few vertices of high degree, which are adjacent in memory.
struct RankedNeighbours {
  /// The ranks, with the number of neighbours of each vertex.
  let ranks: DegreeRanks
  private let offsets: UnsafeMutableBufferPointer<UInt64>
  private let neighbours: UnsafeMutableBufferPointer<VertexNumber>
  private let directions: UnsafeMutableBufferPointer<EdgeDirections>

  init(_ graph: SimpleGraph, workers: Workers, scratch: Scratch) throws {
    let ranks = try DegreeRanks(graph, workers: workers, scratch: scratch)
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
    let directions = try scratch.reserve(EdgeDirections.self, count: Int(offsets[count]))
    try workers.forEachVertexRange(of: graph.outgoing) { vertices, _, _ in
      for vertex in vertices {
        let rank = ranks.rank[vertex]
        var place = Int(offsets[Int(rank)])
        try union.forEachNeighbour(of: vertex) { other, joined in
          let neighbour = ranks.rank[Int(other)]
          guard neighbour < rank else { return }
          neighbours[place] = neighbour
          directions[place] = joined
          place += 1
        }
      }
    }
    (self.ranks, self.offsets, self.neighbours, self.directions) = (ranks, offsets, neighbours, directions)
  }

  /// Returns, for each rank, the sum of the weights of the triangles at this corner.
  func triangles<Weights: TriangleWeights>(
    _ weights: Weights.Type, workers: Workers, scratch: Scratch
  ) throws -> UnsafeMutableBufferPointer<UInt64> {
    let (offsets, neighbours, directions) = (offsets, neighbours, directions)
    let count = offsets.count - 1
    let counts = try scratch.reserve(UInt64.self, count: count)
    let marks = try scratch.reserve(EdgeDirections.self, count: count * workers.width)
    // Most triangles have a corner of high degree; each thread counts those separately.
    let hubs = min(count, 1 << 16)
    let hubCounts = try scratch.reserve(UInt64.self, count: hubs * workers.width)
    let rows = Adjacency(
      offsets: UnsafeBufferPointer(offsets), neighbours: UnsafeBufferPointer(neighbours),
      edges: UnsafeBufferPointer(start: nil, count: 0))
    try workers.forEachVertexRange(of: rows, grain: 1 << 10) { ranks, _, slot in
      let mark = UnsafeMutableBufferPointer(rebasing: marks[slot * count..<(slot + 1) * count])
      let hubCount = UnsafeMutableBufferPointer(rebasing: hubCounts[slot * hubs..<(slot + 1) * hubs])
      @inline(__always)
      func add(_ amount: UInt64, _ rank: Int) {
        if rank < hubs {
          hubCount[rank] += amount
        } else {
          counts.atomic(rank).pointee.add(amount, ordering: .relaxed)
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
            guard direct.mask != 0 else { continue }
            let amounts = Weights.counts(
              Triangle(firstSecond: directions[entry], firstThird: direct, secondThird: directions[third]))
            own += amounts.first
            middles += amounts.second
            add(amounts.third, Int(neighbours[third]))
          }
          if middles > 0 { add(middles, middle) }
          steps += farther.count
          if steps > chunkWork {
            try workers.cancellation.check()
            steps = 0
          }
        }
        if own > 0 { add(own, rank) }
        for entry in row { mark[Int(neighbours[entry])] = EdgeDirections(mask: 0) }
      }
    }
    for slot in 0..<workers.width { for rank in 0..<hubs { counts[rank] += hubCounts[slot * hubs + rank] } }
    return counts
  }
}
