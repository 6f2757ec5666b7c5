import Engines
import GraphStore
import Workers

/// All simple paths from one vertex to a set of targets. Parallel edges do not add paths.
package struct SimplePaths {
  let graph: SimpleGraph
  let workers: Workers

  package init(graph: SimpleGraph, workers: Workers) {
    (self.graph, self.workers) = (graph, workers)
  }

  /// Calls `body` with each path of at most `longest` edges that ends in a target, in depth-first order. Paths continue beyond a
  /// target to others.
  package func forEach(
    from source: VertexNumber, to targets: Set<VertexNumber>, longest: Int,
    _ body: (_ path: [VertexNumber]) throws -> Void
  ) throws {
    guard longest > 0, !targets.isEmpty, !targets.contains(source) else { return }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let isOnPath = try scratch.reserve(UInt64.self, count: (graph.vertexCount + 63) / 64)
    let distance = try distances(to: targets, scratch)
    // The path and its open entries are at most as long as the number of vertices.
    let room = try workers.storage.reserve(24 * min(longest + 1, graph.vertexCount))
    defer { withExtendedLifetime(room) {} }
    var path = [source]
    /// The unvisited entries in the row of each vertex on the path.
    var open = [graph.outgoing.row(Int(source))]
    _ = isOnPath.setBit(Int(source))
    var steps = 0
    while let rest = open.last {
      steps += 1
      if steps % chunkWork == 0 { try workers.cancellation.check() }
      guard let entry = rest.first else {
        open.removeLast()
        isOnPath.clearBit(Int(path.removeLast()))
        continue
      }
      open[open.count - 1] = rest.dropFirst()
      let neighbours = graph.outgoing.neighbours
      let vertex = neighbours[entry]
      let row = graph.outgoing.row(Int(path[path.count - 1]))
      let isRepeated = entry > row.lowerBound && neighbours[entry - 1] == vertex
      guard !isRepeated, !isOnPath.bit(Int(vertex)), distance[Int(vertex)] <= longest - path.count else { continue }
      path.append(vertex)
      if targets.contains(vertex) { try body(path) }
      if path.count <= longest {
        _ = isOnPath.setBit(Int(vertex))
        open.append(graph.outgoing.row(Int(vertex)))
      } else {
        path.removeLast()
      }
    }
  }

  /// Returns the minimum number of edges from each vertex to a target, in order to abandon paths that can no longer reach one.
  private func distances(
    to targets: Set<VertexNumber>, _ scratch: Scratch
  ) throws -> UnsafeMutableBufferPointer<UInt32> {
    let distance = try scratch.reserve(UInt32.self, count: graph.vertexCount)
    let order = try scratch.reserve(VertexNumber.self, count: graph.vertexCount)
    try workers.fill(distance, with: .max)
    var (count, next) = (0, 0)
    for target in targets {
      distance[Int(target)] = 0
      order[count] = target
      count += 1
    }
    let rows = graph.incoming
    while next < count {
      let vertex = Int(order[next])
      next += 1
      for entry in rows.row(vertex) where distance[Int(rows.neighbours[entry])] == .max {
        distance[Int(rows.neighbours[entry])] = distance[vertex] + 1
        order[count] = rows.neighbours[entry]
        count += 1
      }
      if next % chunkWork == 0 { try workers.cancellation.check() }
    }
    return distance
  }
}
