import Engines
import GraphStore
import Workers

/// Shortest paths from every vertex of a graph, computed for several sources in parallel.
struct AllSources {
  /// One per thread.
  private let searches: [PathSearch]
  private let workers: Workers
  private let vertexCount: Int
  /// The number of sources that a thread takes at once.
  private let grain: Int

  /// Creates searches along a graph's outgoing rows, or its incoming ones if `backwards`, with the graph's weights.
  init(_ graph: SimpleGraph, backwards: Bool = false, workers: Workers, scratch: Scratch) throws {
    let rows = backwards ? graph.incoming : graph.outgoing
    let weights = try EdgeWeights(graph, incoming: backwards, workers: workers, scratch: scratch)
    searches = try (0..<workers.width).map { _ in
      try PathSearch(rows, weights, workers: workers, scratch: scratch)
    }
    (self.workers, vertexCount) = (workers, graph.vertexCount)
    grain = max(1, chunkWork / (graph.vertexCount + rows.neighbours.count + 1))
  }

  /// Calls `body` with the completed search from each vertex, from several threads.
  func forEach(_ body: (_ source: Int, PathSearch) throws -> Void) throws {
    try workers.forEach(vertexCount, grain: grain) { sources, slot in
      for source in sources {
        try searches[slot].run(from: VertexNumber(truncatingIfNeeded: source))
        try body(source, searches[slot])
      }
    }
  }
}

/// Measures derived from the shortest paths between all vertices.
package enum PathLengths {
  /// Computes closeness centrality as networkx defines it: the reciprocal of the mean distance to a vertex from those that reach
  /// it. If `scales`, multiplied by the share of other vertices that reach it (S. Wasserman, K. Faust, 1994).
  package static func closeness(_ graph: SimpleGraph, scales: Bool, workers: Workers) throws -> Buffer<Double> {
    let result = try Buffer<Double>(count: graph.vertexCount, storage: workers.storage)
    let others = Double(graph.vertexCount - 1)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    try AllSources(graph, backwards: true, workers: workers, scratch: scratch).forEach { vertex, search in
      let total = search.reached.reduce(0) { $0 + search.distance[Int($1)] }
      guard total > 0 else { return }
      let reaching = Double(search.count - 1)
      result.mutableValues[vertex] = reaching / total * (scales ? reaching / others : 1)
    }
    return result
  }

  /// Computes harmonic centrality: the sum of the reciprocals of the distances from the other vertices that reach it (P. Boldi,
  /// S. Vigna, "Axioms for Centrality", 2014). Vertices at distance 0 do not count.
  package static func harmonic(_ graph: SimpleGraph, workers: Workers) throws -> Buffer<Double> {
    let result = try Buffer<Double>(count: graph.vertexCount, storage: workers.storage)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    try AllSources(graph, backwards: true, workers: workers, scratch: scratch).forEach { vertex, search in
      result.mutableValues[vertex] = search.reached.reduce(0) {
        let distance = search.distance[Int($1)]
        return distance > 0 ? $0 + 1 / distance : $0
      }
    }
    return result
  }

  /// Returns the sum of the lengths of the shortest paths between all connected pairs of vertices.
  package static func total(_ graph: SimpleGraph, workers: Workers) throws -> Double {
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let sums = try scratch.reserve(Double.self, count: graph.vertexCount)
    try AllSources(graph, workers: workers, scratch: scratch).forEach { source, search in
      sums[source] = search.reached.reduce(0) { $0 + search.distance[Int($1)] }
    }
    return sums.reduce(0, +)
  }
}
