import Engines
import GraphStore
import Workers

/// Minimum spanning forests (R. Prim, "Shortest Connection Networks and Some Generalizations", 1957): starting with one vertex of
/// each component, repeatedly adds the vertex that is joined to the tree by the lightest edge.
package enum SpanningForest {
  /// Returns the sum of the edge weights of a minimum spanning forest of an undirected graph.
  package static func weight(_ graph: SimpleGraph, workers: Workers) throws -> Double {
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let weights = try EdgeWeights(graph, .any("spanning forests"), workers: workers, scratch: scratch)
    let lightest = try scratch.reserve(Double.self, count: graph.vertexCount)
    let isInTree = try scratch.reserve(Bool.self, count: graph.vertexCount)
    var heap = try VertexHeap(graph.vertexCount, scratch: scratch)
    try workers.fill(lightest, with: .infinity)
    let rows = graph.outgoing
    var (total, steps) = (0.0, 0)
    for root in 0..<graph.vertexCount where !isInTree[root] {
      lightest[root] = 0
      heap.insert(VertexNumber(truncatingIfNeeded: root), lightest)
      while let nearest = heap.removeNearest(lightest) {
        let vertex = Int(nearest)
        isInTree[vertex] = true
        total += lightest[vertex]
        for entry in rows.row(vertex) {
          let neighbour = Int(rows.neighbours[entry])
          guard !isInTree[neighbour], weights[entry] < lightest[neighbour] else { continue }
          let isNew = lightest[neighbour] == .infinity
          lightest[neighbour] = weights[entry]
          let number = VertexNumber(truncatingIfNeeded: neighbour)
          if isNew { heap.insert(number, lightest) } else { heap.rise(number, lightest) }
        }
        steps += rows.row(vertex).count + 1
        if steps > chunkWork {
          steps = 0
          try workers.cancellation.check()
        }
      }
    }
    return total
  }
}
