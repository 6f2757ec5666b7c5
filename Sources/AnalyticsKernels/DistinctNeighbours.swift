import GraphStore
import Workers

/// The distinct neighbours of each vertex in either direction, without itself: the graph without directions, loops and parallel
/// edges.
struct DistinctNeighbours {
  /// The neighbours in ascending order. Valid until the scratch is freed.
  let rows: Adjacency

  /// Collects the neighbours of a graph's vertices. With `ranks`, rows and neighbours are ranks instead of vertex numbers.
  init(_ graph: SimpleGraph, by ranks: DegreeRanks? = nil, workers: Workers, scratch: Scratch) throws {
    let count = graph.vertexCount
    let union = NeighbourUnion(graph: graph, workers: workers)
    let offsets = try scratch.reserve(UInt64.self, count: count + 1)
    try workers.forEachVertexRange(of: graph.outgoing) { vertices, _, _ in
      for vertex in vertices {
        var degree: UInt64 = 0
        try union.forEachNeighbour(of: vertex) { _, _ in degree += 1 }
        offsets[(ranks.map { Int($0.rank[vertex]) } ?? vertex) + 1] = degree
      }
    }
    try workers.sumUp(offsets)
    let neighbours = try scratch.reserve(VertexNumber.self, count: Int(offsets[count]))
    try workers.forEachVertexRange(of: graph.outgoing) { vertices, _, _ in
      for vertex in vertices {
        let first = Int(offsets[ranks.map { Int($0.rank[vertex]) } ?? vertex])
        var place = first
        try union.forEachNeighbour(of: vertex) { other, _ in
          neighbours[place] = ranks?.rank[Int(other)] ?? other
          place += 1
        }
        guard ranks != nil else { continue }
        var row = UnsafeMutableBufferPointer(rebasing: neighbours[first..<place])
        row.sort()
      }
    }
    rows = Adjacency(
      offsets: UnsafeBufferPointer(offsets), neighbours: UnsafeBufferPointer(neighbours),
      edges: UnsafeBufferPointer(start: nil, count: 0))
  }
}
