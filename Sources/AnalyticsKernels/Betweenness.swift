import Engines
import GraphStore
import Workers

/// Betweenness centrality (U. Brandes, "A Faster Algorithm for Betweenness Centrality", 2001), with memory for a few numbers per
/// vertex and thread: predecessors on shortest paths are not stored but derived from distances.
///
/// Sources are distributed to a fixed number of sums, each computed by one thread at a time in a fixed order, so the result does
/// not depend on the number of threads.
package struct Betweenness {
  let graph: SimpleGraph
  let workers: Workers
  /// Whether a path's ends count as being on the path.
  let countsEndpoints: Bool

  package init(graph: SimpleGraph, workers: Workers, countsEndpoints: Bool) {
    (self.graph, self.workers, self.countsEndpoints) = (graph, workers, countsEndpoints)
  }

  private static let sumCount = 32

  /// Returns, for each vertex, the sum over all ordered pairs of other vertices of the share of shortest paths through it.
  /// Parallel edges count once.
  /// - Parameters:
  ///   - sources: the first vertices of the pairs; nil for all.
  ///   - isWeighted: whether the graph's weights are the lengths of edges; otherwise each has length 1.
  package func run(from sources: Range<Int>? = nil, isWeighted: Bool) throws -> Buffer<Double> {
    let count = graph.vertexCount
    let sources = sources ?? 0..<count
    let result = try Buffer<Double>(count: count, storage: workers.storage)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let weights = isWeighted ? try positiveWeights(scratch) : .ones
    let threads = try (0..<workers.width).map { _ in
      Thread(
        search: try PathSearch(graph.outgoing, weights, workers: workers, scratch: scratch),
        paths: try scratch.reserve(Double.self, count: count),
        dependency: try scratch.reserve(Double.self, count: count))
    }
    let sumCount = min(Self.sumCount, sources.count)
    let sums = try scratch.reserve(Double.self, count: sumCount * count)
    try workers.forEach(sumCount, grain: 1) { chosen, slot in
      for index in chosen {
        let sum = UnsafeMutableBufferPointer(rebasing: sums[index * count..<(index + 1) * count])
        for source in stride(from: sources.lowerBound + index, to: sources.upperBound, by: sumCount) {
          try add(from: source, weights, threads[slot], to: sum)
        }
      }
    }
    try workers.forEach(count, grain: 1 << 12) { range, _ in
      for vertex in range {
        var total = 0.0
        for index in 0..<sumCount { total += sums[index * count + vertex] }
        result.mutableValues[vertex] = total
      }
    }
    return result
  }

  /// The working memory of a thread.
  private struct Thread {
    let search: PathSearch
    /// The number of shortest paths to each vertex.
    let paths: UnsafeMutableBufferPointer<Double>
    /// The dependency of the source on each vertex.
    let dependency: UnsafeMutableBufferPointer<Double>
  }

  /// Adds the contribution of the paths from one source.
  private func add(
    from source: Int, _ weights: EdgeWeights, _ thread: Thread, to sum: UnsafeMutableBufferPointer<Double>
  ) throws {
    let (search, paths, dependency) = (thread.search, thread.paths, thread.dependency)
    try search.run(from: VertexNumber(truncatingIfNeeded: source))
    let reached = search.reached
    for vertex in reached { (paths[Int(vertex)], dependency[Int(vertex)]) = (0, 0) }
    paths[source] = 1
    for vertex in reached {
      try forEachNext(Int(vertex), weights, search.distance) { next in paths[next] += paths[Int(vertex)] }
    }
    for vertex in reached.reversed() {
      let own = Int(vertex)
      guard paths[own].isFinite else { throw Self.tooManyPaths }
      try forEachNext(own, weights, search.distance) { next in
        dependency[own] += paths[own] / paths[next] * (1 + dependency[next])
      }
      if own != source { sum[own] += dependency[own] + (countsEndpoints ? 1 : 0) }
    }
    if countsEndpoints { sum[source] += Double(reached.count - 1) }
  }

  /// Calls `body` once with each neighbour that follows a vertex on a shortest path.
  @inline(__always)
  private func forEachNext(
    _ vertex: Int, _ weights: EdgeWeights, _ distance: UnsafeMutableBufferPointer<Double>, _ body: (Int) -> Void
  ) throws {
    let rows = graph.outgoing
    let near = distance[vertex]
    var last = VertexNumber.max
    var wasNext = false
    try workers.forEachBlock(of: rows.row(vertex)) { block in
      for entry in block {
        let neighbour = rows.neighbours[entry]
        if neighbour != last { (last, wasNext) = (neighbour, false) }
        guard !wasNext, near + weights[entry] == distance[Int(neighbour)] else { continue }
        wasNext = true
        body(Int(neighbour))
      }
    }
  }

  /// Returns the graph's weights; fails for edges of length 0, with which the number of shortest paths would depend on the order.
  private func positiveWeights(_ scratch: Scratch) throws -> EdgeWeights {
    let weights = try EdgeWeights(graph, workers: workers, scratch: scratch)
    guard let numbers = weights.perEntry, let zero = numbers.first(where: { $0 <= 0 }) else { return weights }
    throw EngineError(
      .invalidValue, "betweenness requires edge lengths greater than 0", evidence: "\(zero)",
      hint: "Choose another edge property, or none")
  }

  private static let tooManyPaths = EngineError(
    .invalidValue, "there are too many shortest paths between two vertices to count")
}
