import Engines
import GraphStore
import Workers

// Depth-first searches that ignore the direction of edges (J. Hopcroft, R. Tarjan, "Algorithm 447: Efficient Algorithms for Graph
// Manipulation", 1973).
extension DepthFirstSearch {
  /// Returns 1 for each articulation point, a vertex whose removal disconnects others, and 0 for all other vertices.
  package func cutPoints() throws -> Buffer<Int32> {
    try walking { result, _, walk in
      for root in 0..<graph.vertexCount where walk.number[root] == 0 {
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
    }
  }

  /// Returns, for each vertex, the number of its bridges: edges whose removal disconnects its ends. A parallel edge is no bridge.
  package func bridges() throws -> Buffer<Int64> {
    try walking { result, scratch, walk in
      let parents = try scratch.reserve(VertexNumber.self, count: graph.vertexCount)
      for root in 0..<graph.vertexCount where walk.number[root] == 0 {
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
    }
  }

  /// Returns, for each vertex, the name of a biconnected component: of those that contain the vertex, the one through which it is
  /// reached from the first vertex of its connected component. It is named by the first of the vertices that are reached through
  /// it. The first vertex of a connected component has its own number, which names no other component.
  package func biconnectedComponents() throws -> Buffer<Int64> {
    try walking { result, scratch, walk in
      let open = try scratch.reserve(VertexNumber.self, count: graph.vertexCount)
      var openCount = 0
      for root in 0..<graph.vertexCount where walk.number[root] == 0 {
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
    }
  }

  /// Returns a value for each vertex, at first 0, which `body` sets during walks over distinct neighbours.
  private func walking<Value>(
    _ body: (_ result: Buffer<Value>, Scratch, inout Walk) throws -> Void
  ) throws -> Buffer<Value> {
    let result = try Buffer<Value>(count: graph.vertexCount, storage: workers.storage)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    var walk = try Walk(DistinctNeighbours(graph, workers: workers, scratch: scratch).rows, scratch)
    try body(result, scratch, &walk)
    return result
  }

  /// Returns the number of edges between two different vertices in either direction.
  private func edgeCount(between one: Int, _ other: Int) -> Int {
    graph.outgoing.entries(of: one, to: other).count
      + (graph.isDirected ? graph.incoming.entries(of: one, to: other).count : 0)
  }
}
