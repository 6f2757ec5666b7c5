import Engines
import GraphStore
import Workers

/// Counts cliques: sets of vertices of which each two are neighbours. Directions, loops and parallel edges do not count.
///
/// Vertices are ranked by descending degree, and every clique is found at its vertex of largest rank, which has few neighbours of
/// smaller rank (M. Danisch, O. Balalau, M. Sozio, "Listing k-cliques in Sparse Real-World Graphs", 2018).
package enum Cliques {
  /// Returns the number of cliques of `size` vertices, which is at least 1.
  package static func count(_ graph: SimpleGraph, size: Int, workers: Workers) throws -> Int {
    guard size > 1, graph.vertexCount > 0 else { return graph.vertexCount }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let ranks = try DegreeRanks(graph, workers: workers, scratch: scratch)
    let rows = try DistinctNeighbours(graph, by: ranks, workers: workers, scratch: scratch).rows
    let smaller = try scratch.reserve(UInt32.self, count: graph.vertexCount)
    try workers.forEach(graph.vertexCount, grain: 1 << 12) { range, _ in
      for rank in range {
        smaller[rank] = UInt32(
          truncatingIfNeeded: rows.entries(of: rank, to: rank).lowerBound - rows.row(rank).lowerBound)
      }
    }
    let widest = Int(smaller.max() ?? 0)
    guard size - 1 <= widest else { return 0 }
    let searches = try (0..<workers.width).map { _ in
      CliqueSearch(
        rows: rows, smaller: smaller, widest: widest,
        lists: try scratch.reserve(VertexNumber.self, count: (size - 2) * widest), cancellation: workers.cancellation)
    }
    let tallies = try scratch.reserve(Tally.self, count: workers.width)
    try workers.forEachVertexRange(of: rows, grain: 1 << 8) { vertices, _, slot in
      var search = searches[slot]
      for rank in vertices where Int(smaller[rank]) >= size - 1 {
        try search.count(among: search.neighbours(of: rank), size: size - 1, level: 0)
      }
      try tallies[slot].add(search.tally.count)
    }
    var total = Tally()
    for tally in tallies { try total.add(tally.count) }
    return total.count
  }
}

/// The search of one thread.
private struct CliqueSearch {
  typealias Ranks = UnsafeBufferPointer<VertexNumber>

  let rows: Adjacency
  /// The number of neighbours of smaller rank.
  let smaller: UnsafeMutableBufferPointer<UInt32>
  /// The greatest of these numbers.
  let widest: Int
  /// A list of candidates for each level of the search.
  let lists: UnsafeMutableBufferPointer<VertexNumber>
  let cancellation: Cancellation
  var tally = Tally()
  private var steps = 0

  init(
    rows: Adjacency, smaller: UnsafeMutableBufferPointer<UInt32>, widest: Int,
    lists: UnsafeMutableBufferPointer<VertexNumber>, cancellation: Cancellation
  ) {
    (self.rows, self.smaller, self.widest, self.lists) = (rows, smaller, widest, lists)
    self.cancellation = cancellation
  }

  /// The neighbours of smaller rank, in ascending order.
  func neighbours(of rank: Int) -> Ranks {
    let first = rows.row(rank).lowerBound
    return Ranks(rebasing: rows.neighbours[first..<first + Int(smaller[rank])])
  }

  /// Counts the cliques of `size` vertices among candidates in ascending order.
  mutating func count(among candidates: Ranks, size: Int, level: Int) throws {
    guard size > 1 else { return try tally.add(candidates.count) }
    for candidate in candidates where Int(smaller[Int(candidate)]) >= size - 1 {
      let common = try intersect(candidates, neighbours(of: Int(candidate)), level: level)
      if common.count >= size - 1 { try count(among: common, size: size - 1, level: level + 1) }
    }
  }

  private mutating func intersect(_ one: Ranks, _ other: Ranks, level: Int) throws -> Ranks {
    let list = UnsafeMutableBufferPointer(rebasing: lists[level * widest..<(level + 1) * widest])
    var (left, right, count) = (0, 0, 0)
    while left < one.count && right < other.count {
      let (near, far) = (one[left], other[right])
      if near == far {
        list[count] = near
        count += 1
      }
      left += near <= far ? 1 : 0
      right += far <= near ? 1 : 0
    }
    steps += left + right
    if steps > chunkWork {
      steps = 0
      try cancellation.check()
    }
    return Ranks(rebasing: list[..<count])
  }
}
