import QueryAlgebra
import QueryValues

/// Steps that yield elements or values of their own.
extension TraversalRunner {
  func feedStart(_ index: Int, _ step: Step, _ traverser: Traverser) throws(QueryError) -> Bool {
    switch step {
    case .vertices(let ids): return try feedVertices(index, ids, traverser)
    case .edges(let ids): return try feedEdges(index, ids, traverser)
    case .inject: return traverser.isSeed ? true : try pass(index, traverser)
    default: return true
    }
  }

  /// Hands on the values, behind what came.
  func flushInjected(_ index: Int, _ values: [Value]) throws(QueryError) {
    let state = state(index)
    guard !state.started else { return }
    state.started = true
    let seed = Traverser(value: .null, sack: context.sack?.initial)
    for value in values where try !emit(index, value, from: seed) { return }
  }

  private func feedVertices(_ index: Int, _ ids: [Value]?, _ traverser: Traverser) throws(QueryError) -> Bool {
    var more = true
    guard let ids else {
      try context.graph.scanVertices(label: nil) { vertex throws(QueryError) in
        more = try emit(index, .vertex(vertex), from: traverser)
        return more
      }
      return more
    }
    for id in ids {
      guard let number = Self.identifier(id), let vertex = context.graph.vertex(id: number) else { continue }
      guard try emit(index, .vertex(vertex), from: traverser) else { return false }
    }
    return more
  }

  private func feedEdges(_ index: Int, _ ids: [Value]?, _ traverser: Traverser) throws(QueryError) -> Bool {
    var more = true
    guard let ids else {
      try context.graph.scanEdges(label: nil) { edge throws(QueryError) in
        more = try emit(index, .edge(edge), from: traverser)
        return more
      }
      return more
    }
    for id in ids {
      guard let number = Self.identifier(id), let edge = context.graph.edge(id: number) else { continue }
      guard try emit(index, .edge(edge), from: traverser) else { return false }
    }
    return more
  }

  /// The number that a value means as an identifier: a whole number, its digits, or an element.
  static func identifier(_ value: Value) -> Int64? {
    switch value {
    case .integer(let id): id
    case .integer32(let id): Int64(id)
    case .float(let id): Int64(exactly: id)
    case .float32(let id): Int64(exactly: id)
    case .string(let text): Int64(text)
    case .vertex(let vertex): vertex.id
    case .edge(let edge): edge.id
    default: nil
    }
  }
}
