/// Reference implementations of the algorithms, written as plainly as possible.
enum Reference {
  static func bfs(_ graph: TestGraph, from source: Int) -> [Int64] {
    let rows = graph.rows.outgoing
    var depths = [Int64](repeating: .max, count: graph.vertexCount)
    var queue = [source]
    depths[source] = 0
    var next = 0
    while next < queue.count {
      let vertex = queue[next]
      next += 1
      for (neighbour, _) in rows[vertex] where depths[neighbour] == .max {
        depths[neighbour] = depths[vertex] + 1
        queue.append(neighbour)
      }
    }
    return depths
  }

  /// The Bellman–Ford algorithm, with a queue.
  static func sssp(_ graph: TestGraph, from source: Int) -> [Double] {
    let rows = graph.rows.outgoing
    var distances = [Double](repeating: .greatestFiniteMagnitude, count: graph.vertexCount)
    distances[source] = 0
    var queue: Set<Int> = [source]
    while let vertex = queue.min(by: { distances[$0] < distances[$1] }) {
      queue.remove(vertex)
      for (neighbour, edge) in rows[vertex] {
        let candidate = distances[vertex] + graph.edges[edge].weight
        if candidate < distances[neighbour] {
          distances[neighbour] = candidate
          queue.insert(neighbour)
        }
      }
    }
    return distances
  }

  /// Returns, for each vertex, the smallest of `names` in its component.
  static func wcc<Name: Comparable>(_ graph: TestGraph, names: [Name]) -> [Name] {
    var group = Array(0..<graph.vertexCount)
    var members = group.map { [$0] }
    for edge in graph.edges where group[edge.from] != group[edge.to] {
      var (kept, gone) = (group[edge.from], group[edge.to])
      if members[kept].count < members[gone].count { swap(&kept, &gone) }
      for vertex in members[gone] { group[vertex] = kept }
      members[kept] += members[gone]
      members[gone] = []
    }
    let smallest = members.map { $0.map { names[$0] }.min() }
    return group.map { smallest[$0]! }
  }

  static func pageRank(_ graph: TestGraph, delta: Double, rounds: Int) -> [Double] {
    let rows = graph.rows.outgoing
    let count = Double(graph.vertexCount)
    var ranks = [Double](repeating: 1 / count, count: graph.vertexCount)
    for _ in 0..<rounds {
      var next = [Double](repeating: 0, count: ranks.count)
      var dangling = 0.0
      for vertex in ranks.indices {
        if rows[vertex].isEmpty { dangling += ranks[vertex] }
        for (neighbour, _) in rows[vertex] { next[neighbour] += ranks[vertex] / Double(rows[vertex].count) }
      }
      ranks = next.map { (1 - delta) / count + delta * ($0 + dangling / count) }
    }
    return ranks
  }

  /// Returns labels as original ids.
  static func cdlp(_ graph: TestGraph, rounds: Int) -> [Int64] {
    let rows = graph.rows
    var labels = graph.ids
    for _ in 0..<rounds {
      labels = labels.indices.map { vertex in
        var counts: [Int64: Int] = [:]
        for (neighbour, _) in rows.outgoing[vertex] { counts[labels[neighbour], default: 0] += 1 }
        if graph.isDirected {
          for (neighbour, _) in rows.incoming[vertex] { counts[labels[neighbour], default: 0] += 1 }
        }
        return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? labels[vertex]
      }
    }
    return labels
  }

  static func lcc(_ graph: TestGraph) -> [Double] {
    var outgoing = [Set<Int>](repeating: [], count: graph.vertexCount)
    var neighbours = outgoing
    for edge in graph.edges where edge.from != edge.to {
      outgoing[edge.from].insert(edge.to)
      if !graph.isDirected { outgoing[edge.to].insert(edge.from) }
      neighbours[edge.from].insert(edge.to)
      neighbours[edge.to].insert(edge.from)
    }
    return neighbours.map { around in
      guard around.count > 1 else { return 0 }
      let closed = around.reduce(0) { $0 + outgoing[$1].intersection(around).count }
      return Double(closed) / Double(around.count * (around.count - 1))
    }
  }
}
