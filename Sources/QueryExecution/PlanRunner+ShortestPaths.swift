import QueryAlgebra
import QueryValues

extension PlanRunner {
  /// Searches breadth first from the first vertex, level by level, until the second one is found or no vertex is new.
  func shortestPaths(_ search: ShortestPaths, _ yield: Yield) throws(QueryError) -> Bool {
    let expansion = search.expansion
    guard let from = try origin(expansion.from), let to = try origin(expansion.to) else { return true }
    var found: [[Edge]] = []
    if from == to {
      if search.length.minimum == 0 { found = [[]] }
    } else if search.length.maximum ?? 1 > 0 {
      let levels = try predecessors(from: from, to: to, search)
      found = trails(to: to, from: from, levels, all: search.all)
    }
    for trail in found {
      if let slot = expansion.edge {
        execution.row[slot] = .list((search.length.reversed ? trail.reversed() : trail).map { .edge($0) })
      }
      guard try yield() else { return false }
    }
    return true
  }

  /// For each vertex that was reached, the edges over which a shortest path reaches it; one edge if one path is enough.
  private func predecessors(
    from: Vertex, to: Vertex, _ search: ShortestPaths
  ) throws(QueryError) -> [Vertex: [Edge]] {
    let labels = execution.names.edgeLabels(search.expansion.labels)
    var reached: [Vertex: [Edge]] = [from: []]
    var depths: [Vertex: Int] = [from: 0]
    var level = [from]
    var depth = 0
    while !level.isEmpty, depths[to] == nil, depth < search.length.maximum ?? .max {
      depth += 1
      var next: [Vertex] = []
      for vertex in level {
        try scanEdges(at: vertex, search.expansion.direction, labels) { (edge: Edge) throws(QueryError) in
          try execution.check()
          let other = edge.source == vertex ? edge.target : edge.source
          let known = depths[other]
          guard known == nil || (search.all && known == depth) else { return true }
          guard !isUsed(edge, by: search.expansion.distinctFrom), try satisfies(edge, search.length.condition) else {
            return true
          }
          if known == nil {
            try execution.account.hold(96)
            depths[other] = depth
            next.append(other)
          }
          reached[other, default: []].append(edge)
          return search.all || other != to
        }
      }
      level = next
    }
    execution.account.release(96 * (depths.count - 1))
    return reached
  }

  /// The paths that lead back from a vertex, in the order of travel.
  private func trails(to: Vertex, from: Vertex, _ reached: [Vertex: [Edge]], all: Bool) -> [[Edge]] {
    guard reached[to] != nil else { return [] }
    var complete: [[Edge]] = []
    var open: [(end: Vertex, backwards: [Edge])] = [(to, [])]
    while let (end, backwards) = open.popLast() {
      if end == from {
        complete.append(backwards.reversed())
        if !all { break }
        continue
      }
      for edge in (reached[end] ?? []).reversed() {
        open.append((edge.source == end ? edge.target : edge.source, backwards + [edge]))
      }
    }
    return complete
  }
}
