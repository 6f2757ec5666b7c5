import QueryAlgebra
import QueryValues

/// Steps that yield any number of objects for one.
extension TraversalRunner {
  func feedFlatMap(_ index: Int, _ step: Step, _ traverser: Traverser) throws(QueryError) -> Bool {
    switch step {
    case .adjacent(let direction, let labels):
      return try feedEdges(index, direction, labels, traverser) { edge, vertex, leaves in
        .vertex(leaves ? edge.target : edge.source)
      }
    case .incident(let direction, let labels):
      return try feedEdges(index, direction, labels, traverser) { edge, _, _ in .edge(edge) }
    case .ends(let end): return try feedEnds(index, end, traverser)
    case .properties(let keys, let values): return try feedProperties(index, keys, values, traverser)
    case .unfold: return try feedUnfolded(index, traverser)
    case .flatMap(let traversal):
      var more = true
      try results(of: traversal, for: traverser) { result throws(QueryError) in
        more = try self.emit(index, result.value, from: traverser.times(result.bulk))
        return more
      }
      return more
    case .walk(let walk): return try feedWalks(index, walk, traverser)
    default: return true
    }
  }

  /// The numbers of edge labels; nil for all.
  func numbers(of labels: [String]) -> [Int]? {
    if labels.isEmpty { return nil }
    var numbers: [Int] = []
    for label in labels {
      if let number = context.edgeLabels[label], !numbers.contains(number) { numbers.append(number) }
    }
    return numbers
  }

  private func vertex(_ traverser: Traverser, _ index: Int) throws(QueryError) -> Vertex {
    if case .vertex(let vertex) = traverser.value { return vertex }
    throw QueryError(
      .argument, "A step over edges begins at a vertex, not at \(traverser.value.typeName). Look at the step before it."
    )
  }

  private func feedEdges(
    _ index: Int, _ direction: EdgeDirection, _ labels: [String], _ traverser: Traverser,
    _ result: (Edge, Vertex, Bool) -> Value
  ) throws(QueryError) -> Bool {
    let vertex = try vertex(traverser, index)
    let numbers = numbers(of: labels)
    if numbers?.isEmpty == true { return true }
    var more = true
    // Both directions one after the other: a loop is met once in each.
    for part in direction == .both ? [EdgeDirection.out, .in] : [direction] where more {
      try context.graph.scanEdges(at: vertex, part, labels: numbers) { edge throws(QueryError) in
        more = try emit(index, result(edge, vertex, part == .out), from: traverser)
        return more
      }
    }
    return more
  }

  private func feedEnds(_ index: Int, _ end: EdgeEnd, _ traverser: Traverser) throws(QueryError) -> Bool {
    if end == .last {
      if case .vertex = traverser.value { return try pass(index, traverser) }
      if case .path(let path) = traverser.value, let last = path.objects.last {
        return try emit(index, last, from: traverser)
      }
    }
    guard case .edge(let edge) = traverser.value else {
      throw QueryError(
        .argument,
        "The ends of an edge cannot be read of \(traverser.value.typeName). Use outE(), inE() or bothE() before.")
    }
    switch end {
    case .out: return try emit(index, .vertex(edge.source), from: traverser)
    case .in, .last: return try emit(index, .vertex(edge.target), from: traverser)
    case .both:
      guard try emit(index, .vertex(edge.source), from: traverser) else { return false }
      return try emit(index, .vertex(edge.target), from: traverser)
    case .other: return try emit(index, .vertex(other(of: edge, traverser)), from: traverser)
    }
  }

  /// The end of an edge that the traverser did not come from: the last vertex of its history says which.
  private func other(of edge: Edge, _ traverser: Traverser) -> Vertex {
    var next = traverser.history?.previous
    while let current = next {
      if case .vertex(let vertex) = current.value {
        if vertex == edge.source { return edge.target }
        if vertex == edge.target { return edge.source }
      }
      next = current.previous
    }
    return edge.target
  }

  private func feedProperties(
    _ index: Int, _ keys: [String], _ values: Bool, _ traverser: Traverser
  ) throws(QueryError) -> Bool {
    switch traverser.value {
    case .vertex, .edge: break
    case .property(let property):
      if case .vertex = property.owner { return true }
      fallthrough
    default:
      throw QueryError(
        .argument,
        "\(values ? "values" : "properties")() reads elements, not \(traverser.value.typeName). Use select() for entries of maps."
      )
    }
    if values, keys.count == 1 {
      guard let value = context.property(keys[0], of: traverser.value) else { return true }
      return try emit(index, value, from: traverser)
    }
    for (key, value) in context.properties(of: traverser.value, keys: keys) {
      let result = values ? value : .property(Property(owner: traverser.value, key: key, value: value))
      guard try emit(index, result, from: traverser) else { return false }
    }
    return true
  }

  private func feedUnfolded(_ index: Int, _ traverser: Traverser) throws(QueryError) -> Bool {
    let elements: [Value]
    switch traverser.value {
    case .list(let values), .set(let values): elements = values
    case .path(let path): elements = path.objects
    case .map(let map) where !traverser.isEntry:
      for entry in map.entries {
        var single = ValueMap()
        single[entry.key] = entry.value
        var next = extended(traverser, .map(single), labels: steps[index].labels)
        next.isEntry = true
        guard try feed(index + 1, next) else { return false }
      }
      return true
    default: elements = [traverser.value]
    }
    for element in elements where try !emit(index, element, from: traverser) { return false }
    return true
  }
}
