import QueryAlgebra
import QueryValues

/// Walks of variable length.
extension TraversalRunner {
  func feedWalks(_ index: Int, _ walk: WalkStep, _ traverser: Traverser) throws(QueryError) -> Bool {
    guard case .vertex(let start) = traverser.value else {
      throw QueryError(.argument, "A walk begins at a vertex, not at \(traverser.value.typeName).")
    }
    let labels = numbers(of: walk.labels)
    var frontier = [WalkState(objects: [.vertex(start)], end: start)]
    var length: Int64 = 0
    while !frontier.isEmpty, length < walk.maximum {
      if length >= walk.minimum {
        for state in frontier {
          guard try emit(index, state.value(walk.result), from: traverser) else { return false }
        }
      }
      length += 1
      guard length < walk.maximum, labels?.isEmpty != true else { break }
      var next: [WalkState] = []
      for state in frontier { try extend(state, walk, labels, &next) }
      context.release(frontier.count)
      frontier = next
    }
    context.release(frontier.count)
    return true
  }

  private func extend(
    _ state: WalkState, _ walk: WalkStep, _ labels: [Int]?, _ next: inout [WalkState]
  ) throws(QueryError) {
    var found: [WalkState] = []
    for part in walk.direction == .both ? [EdgeDirection.out, .in] : [walk.direction] {
      try context.graph.scanEdges(at: state.end, part, labels: labels) { edge throws(QueryError) in
        try context.tick()
        let end = part == .out ? edge.target : edge.source
        if state.admits(edge, end, walk.kind) {
          try context.hold()
          found.append(WalkState(objects: state.objects + [.edge(edge), .vertex(end)], end: end))
        }
        return true
      }
    }
    next += found
  }
}

/// A walk that is being extended.
private struct WalkState {
  /// Vertices and edges by turns.
  var objects: [Value]
  var end: Vertex

  func admits(_ edge: Edge, _ end: Vertex, _ kind: WalkStep.Kind) -> Bool {
    switch kind {
    case .arbitrary: true
    case .simple: !objects.contains { if case .vertex(let vertex) = $0 { vertex == end } else { false } }
    case .trail: !objects.contains { if case .edge(let other) = $0 { other.id == edge.id } else { false } }
    }
  }

  func value(_ result: WalkStep.Result) -> Value {
    switch result {
    case .end: return .vertex(end)
    case .all: return .path(Path(objects: objects))
    case .vertices:
      return .path(Path(objects: objects.filter { if case .vertex = $0 { true } else { false } }))
    }
  }
}
