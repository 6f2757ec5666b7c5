import GraphStore
import Workers

/// Ranks vertices by descending number of neighbours.
struct DegreeRanks {
  /// The number of distinct neighbours of each vertex, without itself.
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
    // Counting sort: first, the number of vertices with more neighbours than each degree.
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
