import Engines
import GraphStore
import Workers

/// Distances in edges, in either direction.
package enum Diameter {
  /// Returns the greatest distance between two connected vertices. Searches start only at vertices of which the distances found so
  /// far do not prove that no vertex is farther away (F. Takes, W. Kosters, "Determining the Diameter of Small World Networks",
  /// 2011).
  package static func run(_ graph: SimpleGraph, workers: Workers) throws -> Int {
    let count = graph.vertexCount
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let rows = try DistinctNeighbours(graph, workers: workers, scratch: scratch).rows
    let search = try PathSearch(rows, .ones, workers: workers, scratch: scratch)
    let isKnown = try scratch.reserve(Bool.self, count: count)
    let candidates = try scratch.reserve(VertexNumber.self, count: count)
    /// Bounds of the distance of the farthest vertex.
    let least = try scratch.reserve(Int64.self, count: count)
    let most = try scratch.reserve(Int64.self, count: count)
    var diameter: Int64 = 0
    for root in 0..<count where !isKnown[root] {
      try search.run(from: VertexNumber(truncatingIfNeeded: root))
      var left = search.count
      for (place, vertex) in search.reached.enumerated() {
        isKnown[Int(vertex)] = true
        candidates[place] = vertex
        (least[Int(vertex)], most[Int(vertex)]) = (0, .max / 2)
      }
      var source = root
      var takesFar = false
      while true {
        let farthest = search.reached.last.map { Int64(search.distance[Int($0)]) } ?? 0
        diameter = max(diameter, farthest)
        (least[source], most[source]) = (farthest, farthest)
        // The next source is alternately the one that may be farthest from others and the most central one.
        var (kept, next) = (0, -1)
        for place in 0..<left {
          let vertex = Int(candidates[place])
          let distance = Int64(search.distance[vertex])
          least[vertex] = max(least[vertex], max(distance, farthest - distance))
          most[vertex] = min(most[vertex], farthest + distance)
          guard most[vertex] > diameter else { continue }
          candidates[kept] = candidates[place]
          kept += 1
          if next < 0 || (takesFar ? most[vertex] > most[next] : least[vertex] < least[next]) { next = vertex }
        }
        left = kept
        guard next >= 0 else { break }
        (source, takesFar) = (next, !takesFar)
        try search.run(from: VertexNumber(truncatingIfNeeded: source))
        try workers.cancellation.check()
      }
    }
    return Int(diameter)
  }

  /// Returns the distance of each vertex to the nearest of `number` centres; −1 if none is connected with it. The first centre is the
  /// vertex with most neighbours; each next one is the vertex farthest from all centres so far, and unconnected vertices are the
  /// farthest. The first vertex is chosen in case of a tie (T. Gonzalez, "Clustering to Minimize the Maximum Intercluster Distance",
  /// 1985).
  package static func toCentres(_ graph: SimpleGraph, number: Int, workers: Workers) throws -> Buffer<Int32> {
    let count = graph.vertexCount
    let result = try Buffer<Int32>(count: count, storage: workers.storage)
    guard count > 0 else { return result }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let ranks = try DegreeRanks(graph, workers: workers, scratch: scratch)
    let rows = try DistinctNeighbours(graph, workers: workers, scratch: scratch).rows
    let queue = try scratch.reserve(VertexNumber.self, count: count)
    let distance = result.mutableValues
    try workers.fill(distance, with: .max)
    var centre = Int(ranks.vertex[0])
    for _ in 0..<min(number, count) {
      distance[centre] = 0
      queue[0] = VertexNumber(truncatingIfNeeded: centre)
      var (next, end) = (0, 1)
      while next < end {
        let vertex = Int(queue[next])
        next += 1
        try workers.forEachBlock(of: rows.row(vertex)) { block in
          for entry in block {
            let neighbour = Int(rows.neighbours[entry])
            guard distance[neighbour] > distance[vertex] + 1 else { continue }
            distance[neighbour] = distance[vertex] + 1
            queue[end] = VertexNumber(truncatingIfNeeded: neighbour)
            end += 1
          }
        }
        if next % (1 << 10) == 0 { try workers.cancellation.check() }
      }
      try workers.cancellation.check()
      for vertex in 0..<count where distance[vertex] > distance[centre] { centre = vertex }
      guard distance[centre] > 0 else { break }
    }
    for vertex in 0..<count where distance[vertex] == .max { distance[vertex] = -1 }
    return result
  }
}
