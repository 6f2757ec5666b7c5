import Engines
import GraphStore
import Workers

// Depth-first searches that ignore the direction of edges (J. Hopcroft, R. Tarjan, "Algorithm 447: Efficient Algorithms for Graph
// Manipulation", 1973).
extension DepthFirstSearch {
  /// Returns 1 for each articulation point, a vertex whose removal disconnects others, and 0 for all other vertices.
  package func cutPoints() throws -> Buffer<Int32> {
    let count = graph.vertexCount
    let result = try Buffer<Int32>(count: count, storage: workers.storage)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let rows = try DistinctNeighbours(graph, workers: workers, scratch: scratch).rows
    var walk = try Walk(rows, scratch)
    for root in 0..<count where walk.number[root] == 0 {
      var branches = 0
      try walk.run(
        from: root, workers, entering: { _, _ in },
        meeting: { vertex, seen, walk in walk.lower(vertex, to: walk.number[seen]) },
        leaving: { vertex, parent, walk in
          guard let parent else { return }
          walk.lower(parent, to: walk.low[vertex])
          if parent == root {
            branches += 1
          } else if walk.low[vertex] >= walk.number[parent] {
            result.mutableValues[parent] = 1
          }
        })
      if branches > 1 { result.mutableValues[root] = 1 }
    }
    return result
  }

  /// Returns, for each vertex, the number of its bridges: edges whose removal disconnects its ends. A parallel edge is no bridge.
  package func bridges() throws -> Buffer<Int64> {
    let count = graph.vertexCount
    let result = try Buffer<Int64>(count: count, storage: workers.storage)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let rows = try DistinctNeighbours(graph, workers: workers, scratch: scratch).rows
    let parents = try scratch.reserve(VertexNumber.self, count: count)
    var walk = try Walk(rows, scratch)
    for root in 0..<count where walk.number[root] == 0 {
      try walk.run(
        from: root, workers,
        entering: { vertex, parent in
          parents[vertex] = VertexNumber(truncatingIfNeeded: parent ?? vertex)
        },
        meeting: { vertex, seen, walk in
          if parents[vertex] != seen { walk.lower(vertex, to: walk.number[seen]) }
        },
        leaving: { vertex, parent, walk in
          guard let parent else { return }
          walk.lower(parent, to: walk.low[vertex])
          guard walk.low[vertex] == walk.number[vertex], edgeCount(between: vertex, parent) == 1 else { return }
          result.mutableValues[vertex] += 1
          result.mutableValues[parent] += 1
        })
    }
    return result
  }

  /// Returns, for each vertex, the name of a biconnected component: of those that contain the vertex, the one through which it is
  /// reached from the first vertex of its connected component. It is named by the first of the vertices that are reached through
  /// it. The first vertex of a connected component has its own number, which names no other component.
  package func biconnectedComponents() throws -> Buffer<Int64> {
    let count = graph.vertexCount
    let result = try Buffer<Int64>(count: count, storage: workers.storage)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let rows = try DistinctNeighbours(graph, workers: workers, scratch: scratch).rows
    let open = try scratch.reserve(VertexNumber.self, count: count)
    var openCount = 0
    var walk = try Walk(rows, scratch)
    for root in 0..<count where walk.number[root] == 0 {
      result.mutableValues[root] = Int64(root)
      try walk.run(
        from: root, workers,
        entering: { vertex, parent in
          guard parent != nil else { return }
          open[openCount] = VertexNumber(truncatingIfNeeded: vertex)
          openCount += 1
        },
        meeting: { vertex, seen, walk in walk.lower(vertex, to: walk.number[seen]) },
        leaving: { vertex, parent, walk in
          guard let parent else { return }
          walk.lower(parent, to: walk.low[vertex])
          guard walk.low[vertex] >= walk.number[parent] else { return }
          // The component consists of the parent and of the vertices entered since.
          var first = openCount
          var smallest = VertexNumber.max
          repeat {
            first -= 1
            smallest = min(smallest, open[first])
          } while Int(open[first]) != vertex
          for place in first..<openCount { result.mutableValues[Int(open[place])] = Int64(smallest) }
          openCount = first
        })
    }
    return result
  }

  /// Returns the number of edges between two different vertices in either direction.
  private func edgeCount(between one: Int, _ other: Int) -> Int {
    graph.outgoing.entries(of: one, to: other).count
      + (graph.isDirected ? graph.incoming.entries(of: one, to: other).count : 0)
  }
}
