import Engines
import GraphStore
import Workers

/// Layers of vertices that are removed at the same time, while k-cores are peeled off. Edges of both directions and parallel
/// edges count; loops do not.
package struct PeelingLayers {
  let graph: SimpleGraph
  let workers: Workers

  package init(graph: SimpleGraph, workers: Workers) {
    (self.graph, self.workers) = (graph, workers)
  }

  /// Returns the layer of each vertex in the onion decomposition, from 1 (L. Hébert-Dufresne, J. Grochow, A. Allard, "Multi-scale
  /// structure and topological anomaly detection via a new network statistic: The onion decomposition", 2016): a layer consists
  /// of the vertices that have at most k remaining edges, where k increases when there are none.
  package func onion() throws -> Buffer<Int64> { try layers(from: 0, numberedFrom: 1) }

  /// Returns the layer of each vertex, from 0, if each layer consists of all vertices that have at most as many remaining edges as
  /// the greatest core number. No vertex has more edges than that to vertices of its own and later layers.
  package func degeneracy() throws -> Buffer<Int64> {
    let cores = try CoreNumbers.run(graph, workers: workers)
    let greatest = withExtendedLifetime(cores) { cores.values.max() ?? 0 }
    return try layers(from: greatest, numberedFrom: 0)
  }

  private func layers(from least: UInt32, numberedFrom first: Int64) throws -> Buffer<Int64> {
    let count = graph.vertexCount
    let result = try Buffer<Int64>(count: count, storage: workers.storage)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let layer = result.mutableValues
    let sides = graph.isDirected ? [graph.outgoing, graph.incoming] : [graph.outgoing]
    let degrees = try CoreNumbers.degrees(graph, workers: workers, scratch: scratch)
    // Vertices in the order of removal, followed by those that remain.
    let order = try scratch.reserve(VertexNumber.self, count: count)
    let isTaken = try scratch.reserve(Bool.self, count: count)
    let remaining = try scratch.reserve(VertexNumber.self, count: count)
    var (removed, taken, left, number, k) = (0, 0, count, first, least)
    for vertex in 0..<count { remaining[vertex] = VertexNumber(truncatingIfNeeded: vertex) }
    while removed < count {
      if removed == taken {
        try workers.cancellation.check()
        var smallest = UInt32.max
        var kept = 0
        for index in 0..<left where !isTaken[Int(remaining[index])] {
          remaining[kept] = remaining[index]
          kept += 1
          smallest = min(smallest, degrees[Int(remaining[kept - 1])])
        }
        left = kept
        k = max(k, smallest)
        for vertex in remaining[..<left] where degrees[Int(vertex)] <= k {
          isTaken[Int(vertex)] = true
          order[taken] = vertex
          taken += 1
        }
      }
      let range = removed..<taken
      removed = taken
      for place in range {
        let vertex = Int(order[place])
        layer[vertex] = number
        for rows in sides {
          try workers.forEachBlock(of: rows.row(vertex)) { block in
            for entry in block {
              let neighbour = Int(rows.neighbours[entry])
              guard !isTaken[neighbour] else { continue }
              degrees[neighbour] -= 1
              guard degrees[neighbour] <= k else { continue }
              isTaken[neighbour] = true
              order[taken] = VertexNumber(truncatingIfNeeded: neighbour)
              taken += 1
            }
          }
        }
        if place % (1 << 10) == 0 { try workers.cancellation.check() }
      }
      number += 1
    }
    return result
  }
}

extension CoreNumbers {
  /// Returns the density, the number of edges per vertex, of the core with the greatest core number; 0 without vertices. It is at
  /// least half of the density of the densest subgraph (M. Charikar, "Greedy Approximation Algorithms for Finding Dense Components
  /// in a Graph", 2000).
  package static func innermostDensity(_ graph: SimpleGraph, workers: Workers) throws -> Double {
    let cores = try run(graph, workers: workers)
    defer { withExtendedLifetime(cores) {} }
    let numbers = cores.values
    guard let greatest = numbers.max() else { return 0 }
    var (vertices, entries) = (0, 0)
    for vertex in numbers.indices where numbers[vertex] == greatest {
      vertices += 1
      try workers.forEachBlock(of: graph.outgoing.row(vertex)) { block in
        for entry in block {
          let neighbour = Int(graph.outgoing.neighbours[entry])
          if neighbour != vertex && numbers[neighbour] == greatest { entries += 1 }
        }
      }
      if vertices % (1 << 10) == 0 { try workers.cancellation.check() }
    }
    return Double(entries) / Double(graph.isDirected ? vertices : 2 * vertices)
  }
}
