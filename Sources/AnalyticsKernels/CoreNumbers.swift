import Engines
import GraphStore
import Workers

/// Core numbers: the largest k such that a vertex belongs to a subgraph in which each vertex has at least k edges (V. Batagelj,
/// M. Zaveršnik, "An O(m) Algorithm for Cores Decomposition of Networks", 2003). Edges of both directions and parallel edges
/// count; loops do not.
package enum CoreNumbers {
  /// Returns the core number of each vertex.
  package static func run(_ graph: SimpleGraph, workers: Workers) throws -> Buffer<UInt32> {
    let count = graph.vertexCount
    let numbers = try Buffer<UInt32>(count: count, storage: workers.storage)
    guard count > 0 else { return numbers }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    var peeling = try Peeling(graph, degrees: numbers.mutableValues, workers: workers, scratch: scratch)
    try peeling.run()
    return numbers
  }

  /// Returns the number of edges of each vertex, without loops.
  static func degrees(
    _ graph: SimpleGraph, workers: Workers, scratch: Scratch
  ) throws -> UnsafeMutableBufferPointer<UInt32> {
    let degrees = try scratch.reserve(UInt32.self, count: graph.vertexCount)
    try count(graph, into: degrees, workers: workers)
    return degrees
  }

  fileprivate static func count(
    _ graph: SimpleGraph, into degrees: UnsafeMutableBufferPointer<UInt32>, workers: Workers
  ) throws {
    try workers.forEach(graph.vertexCount, grain: 1 << 12) { range, _ in
      for vertex in range {
        let loops =
          graph.outgoing.entries(of: vertex, to: vertex).count
          + (graph.isDirected ? graph.incoming.entries(of: vertex, to: vertex).count : 0)
        guard let degree = UInt32(exactly: graph.edgeCount(vertex) - loops) else { throw tooManyEdges }
        degrees[vertex] = degree
      }
    }
  }

  private static let tooManyEdges = EngineError(.resourceExhausted, "a vertex has more edges than can be counted")
}

/// Vertices in ascending order of their remaining edges, removed from the front.
private struct Peeling {
  private let graph: SimpleGraph
  private let workers: Workers
  /// The number of remaining edges of each vertex; its core number once it is removed.
  private let degrees: UnsafeMutableBufferPointer<UInt32>
  private let order: UnsafeMutableBufferPointer<VertexNumber>
  private let places: UnsafeMutableBufferPointer<UInt32>
  /// The position of the first vertex of each degree.
  private let starts: UnsafeMutableBufferPointer<UInt32>

  init(
    _ graph: SimpleGraph, degrees: UnsafeMutableBufferPointer<UInt32>, workers: Workers, scratch: Scratch
  ) throws {
    let count = graph.vertexCount
    (self.graph, self.workers, self.degrees) = (graph, workers, degrees)
    try CoreNumbers.count(graph, into: degrees, workers: workers)
    order = try scratch.reserve(VertexNumber.self, count: count)
    places = try scratch.reserve(UInt32.self, count: count)
    starts = try scratch.reserve(UInt32.self, count: Int(degrees.max() ?? 0) + 2)
    for degree in degrees { starts[Int(degree) + 1] += 1 }
    for degree in 1..<starts.count { starts[degree] += starts[degree - 1] }
    let next = try scratch.reserve(UInt32.self, count: starts.count)
    for degree in starts.indices { next[degree] = starts[degree] }
    for vertex in 0..<count {
      let place = next[Int(degrees[vertex])]
      next[Int(degrees[vertex])] += 1
      order[Int(place)] = VertexNumber(truncatingIfNeeded: vertex)
      places[vertex] = place
      if vertex % chunkWork == 0 { try workers.cancellation.check() }
    }
  }

  mutating func run() throws {
    for place in order.indices {
      let vertex = Int(order[place])
      try take(vertex, graph.outgoing)
      if graph.isDirected { try take(vertex, graph.incoming) }
      if place % chunkWork == 0 { try workers.cancellation.check() }
    }
  }

  /// Removes an edge from each neighbour that has more remaining edges than the vertex.
  private func take(_ vertex: Int, _ rows: Adjacency) throws {
    let degree = degrees[vertex]
    try workers.forEachBlock(of: rows.row(vertex)) { block in
      for entry in block {
        let neighbour = Int(rows.neighbours[entry])
        guard degrees[neighbour] > degree else { continue }
        // The neighbour is swapped with the first vertex of its degree, which makes it the last of the next lower degree.
        let start = starts[Int(degrees[neighbour])]
        let first = order[Int(start)]
        let place = places[neighbour]
        (order[Int(start)], order[Int(place)]) = (VertexNumber(truncatingIfNeeded: neighbour), first)
        (places[neighbour], places[Int(first)]) = (start, place)
        starts[Int(degrees[neighbour])] += 1
        degrees[neighbour] -= 1
      }
    }
  }
}
