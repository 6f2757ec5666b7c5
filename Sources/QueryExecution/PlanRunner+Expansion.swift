import QueryAlgebra
import QueryValues

extension PlanRunner {
  func expand(_ expansion: Expansion, _ yield: Yield) throws(QueryError) -> Bool {
    guard let from = try origin(expansion.from) else { return true }
    let bound = try expansion.intoBound ? origin(expansion.to) : nil
    if expansion.intoBound, bound == nil { return true }
    let labels = execution.names.edgeLabels(expansion.labels)
    var goesOn = true
    try scanEdges(at: from, expansion.direction, labels) { (edge: Edge) throws(QueryError) in
      try execution.check()
      let other = edge.source == from ? edge.target : edge.source
      guard bound == nil || bound == other, !isUsed(edge, by: expansion.distinctFrom) else { return true }
      if let slot = expansion.edge { execution.row[slot] = .edge(edge) }
      if bound == nil { execution.row[expansion.to] = .vertex(other) }
      goesOn = try yield()
      return goesOn
    }
    return goesOn
  }

  /// The number of rows that `expand` would yield.
  func degree(
    _ slot: Int, _ direction: EdgeDirection, _ labels: [String]?, _ excluding: [Int]
  ) throws(QueryError) -> Value {
    guard let vertex = try origin(slot) else { return .integer(0) }
    try execution.check()
    let labels = execution.names.edgeLabels(labels)
    var count = 0
    if direction == .both {
      try scanEdges(at: vertex, .both, labels) { _ in
        count += 1
        return true
      }
    } else {
      count = execution.graph.degree(of: vertex, direction, labels: labels)
    }
    for edge in edges(in: excluding)
    where (direction != .in && edge.source == vertex || direction != .out && edge.target == vertex)
      && labels?.contains(execution.graph.label(of: edge)) ?? true
    {
      count -= 1
    }
    return .integer(Int64(count))
  }

  /// The different edges that slots hold, as such or in lists.
  private func edges(in slots: [Int]) -> Set<Edge> {
    var found: Set<Edge> = []
    for slot in slots {
      switch execution.row[slot] {
      case .edge(let edge): found.insert(edge)
      case .list(let values):
        for case .edge(let edge) in values { found.insert(edge) }
      default: break
      }
    }
    return found
  }

  /// Walks depth first over edges that no trail repeats. The stack is an array, since a trail can be as long as the graph.
  func expandTrails(_ expansion: Expansion, _ length: VariableLength, _ yield: Yield) throws(QueryError) -> Bool {
    guard let from = try origin(expansion.from) else { return true }
    let bound = try expansion.intoBound ? origin(expansion.to) : nil
    if expansion.intoBound, bound == nil { return true }
    var walk = TrailWalk(expansion: expansion, length: length, labels: execution.names.edgeLabels(expansion.labels))
    func emit(_ end: Vertex) throws(QueryError) -> Bool {
      guard bound == nil || bound == end else { return true }
      if let slot = expansion.edge {
        execution.row[slot] = .list((length.reversed ? walk.trail.reversed() : walk.trail).map { .edge($0) })
      }
      if bound == nil { execution.row[expansion.to] = .vertex(end) }
      return try yield()
    }
    if length.minimum == 0 {
      guard try emit(from) else { return false }
    }
    guard length.maximum ?? 1 > 0 else { return true }
    walk.pending.append(try continuations(of: from, walk))
    while let choices = walk.pending.last {
      guard let edge = choices.last else {
        walk.pending.removeLast()
        walk.leave()
        continue
      }
      walk.pending[walk.pending.count - 1].removeLast()
      try execution.check()
      walk.enter(edge, from: walk.ends.last ?? from)
      let end = walk.ends[walk.ends.count - 1]
      if walk.trail.count >= length.minimum {
        guard try emit(end) else { return false }
      }
      if let maximum = length.maximum, walk.trail.count >= maximum {
        walk.leave()
      } else {
        walk.pending.append(try continuations(of: end, walk))
      }
    }
    return true
  }

  /// The edges that may continue a trail, last first.
  private func continuations(of vertex: Vertex, _ walk: TrailWalk) throws(QueryError) -> [Edge] {
    var edges: [Edge] = []
    let expansion = walk.expansion
    try scanEdges(at: vertex, expansion.direction, walk.labels) { (edge: Edge) throws(QueryError) in
      try execution.check()
      guard !walk.used.contains(edge.id), !isUsed(edge, by: expansion.distinctFrom),
        try satisfies(edge, walk.length.condition)
      else { return true }
      edges.append(edge)
      return true
    }
    edges.reverse()
    return edges
  }

  func satisfies(_ edge: Edge, _ condition: (slot: Int, Expression)?) throws(QueryError) -> Bool {
    guard let (slot, predicate) = condition else { return true }
    execution.row[slot] = .edge(edge)
    return try evaluate(predicate).isTrue
  }

  /// Visits edges at a vertex; unlike the graph's own scan, a loop comes once for `.both`.
  func scanEdges(
    at vertex: Vertex, _ direction: EdgeDirection, _ labels: [Int]?, _ body: (Edge) throws(QueryError) -> Bool
  ) throws(QueryError) {
    guard direction == .both else { return try execution.graph.scanEdges(at: vertex, direction, labels: labels, body) }
    var goesOn = true
    try execution.graph.scanEdges(at: vertex, .out, labels: labels) { (edge: Edge) throws(QueryError) in
      goesOn = try body(edge)
      return goesOn
    }
    guard goesOn else { return }
    try execution.graph.scanEdges(at: vertex, .in, labels: labels) { (edge: Edge) throws(QueryError) in
      edge.source == edge.target ? true : try body(edge)
    }
  }

  /// The vertex of a slot; nil for null.
  func origin(_ slot: Int) throws(QueryError) -> Vertex? {
    switch execution.row[slot] {
    case .vertex(let vertex): return vertex
    case .null: return nil
    case let value:
      throw QueryError(.type, detail: "InvalidArgumentType", "a pattern begins at a node, not at \(value.typeName)")
    }
  }

  /// Whether one of the slots holds an edge, as such or in a list.
  func isUsed(_ edge: Edge, by slots: [Int]) -> Bool {
    slots.contains { slot in
      switch execution.row[slot] {
      case .edge(let used): used.id == edge.id
      case .list(let values):
        values.contains { value in
          if case .edge(let used) = value { used.id == edge.id } else { false }
        }
      default: false
      }
    }
  }
}

/// The state of a depth-first walk over trails.
struct TrailWalk {
  let expansion: Expansion
  let length: VariableLength
  let labels: [Int]?
  /// The edges walked so far, and the vertices reached by each of them.
  private(set) var trail: [Edge] = []
  private(set) var ends: [Vertex] = []
  private(set) var used: Set<Int64> = []
  /// For each vertex of the walk, the edges that are still to be followed.
  var pending: [[Edge]] = []

  init(expansion: Expansion, length: VariableLength, labels: [Int]?) {
    self.expansion = expansion
    self.length = length
    self.labels = labels
  }

  mutating func enter(_ edge: Edge, from vertex: Vertex) {
    trail.append(edge)
    ends.append(edge.source == vertex ? edge.target : edge.source)
    used.insert(edge.id)
  }

  mutating func leave() {
    guard let edge = trail.popLast() else { return }
    ends.removeLast()
    used.remove(edge.id)
  }
}
