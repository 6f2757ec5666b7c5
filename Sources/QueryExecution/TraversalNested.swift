import QueryAlgebra
import QueryValues

/// Traversals inside of steps, for one traverser.
extension TraversalRunner {
  /// Hands the results of a traversal for one traverser to a body, until it answers false.
  func results(
    of traversal: Traversal, for traverser: Traverser, isCondition: Bool = false, _ body: @escaping Sink
  ) throws(QueryError) {
    let runner = TraversalRunner(traversal, context: context, isCondition: isCondition, sink: body)
    var single = traverser
    single.bulk = 1
    _ = try runner.push(single)
    try runner.finish()
  }

  /// The first result of a traversal.
  func first(of traversal: Traversal, for traverser: Traverser) throws(QueryError) -> Traverser? {
    var found: Traverser?
    try results(of: traversal, for: traverser) { result throws(QueryError) in
      if found == nil { found = result }
      return false
    }
    return found
  }

  /// Whether a traversal yields something; nil if it compared what cannot be compared.
  func holds(_ traversal: Traversal, for traverser: Traverser) throws(QueryError) -> Bool? {
    var found = false
    do {
      try results(of: traversal, for: traverser, isCondition: true) { _ throws(QueryError) in
        found = true
        return false
      }
    } catch {
      guard error.detail == TraversalRunner.incomparable else { throw error }
      return found ? true : nil
    }
    return found
  }

  /// The detail of the error that ends a condition without an answer.
  static let incomparable = "IncomparableValues"

  /// Makes a decision of a condition that may have no answer: the outermost filter takes it for false.
  func decide(_ answer: Bool?) throws(QueryError) -> Bool {
    if let answer { return answer }
    guard isCondition else { return false }
    throw QueryError(.type, detail: Self.incomparable, "The values of a comparison have types that cannot be compared.")
  }

  /// The object as a projection sees it; nil if the projection yields nothing.
  func project(_ projection: Projection, _ traverser: Traverser) throws(QueryError) -> Value? {
    switch projection {
    case .identity: return traverser.value
    case .property(let key): return try property(key, of: traverser.value)
    case .token(let token): return try self.token(token, of: traverser.value)
    case .column(let column): return try self.column(column, of: traverser)
    case .traversal(let traversal): return try first(of: traversal, for: traverser)?.value
    case .orNull(let projection): return try project(projection, traverser) ?? .null
    }
  }

  private func property(_ key: String, of value: Value) throws(QueryError) -> Value? {
    switch value {
    case .vertex, .edge: return context.property(key, of: value)
    case .map(let map): return map[key]
    case .property, .null: return nil
    default:
      throw QueryError(
        .argument, "by('\(key)') reads an element or a map, not \(value.typeName). Use another step before it.")
    }
  }

  /// The part of an element or an entry that a token names.
  func token(_ token: Token, of value: Value) throws(QueryError) -> Value? {
    switch (token, value) {
    case (.id, .vertex(let vertex)): return .integer(vertex.id)
    case (.id, .edge(let edge)): return .integer(edge.id)
    case (.id, .property(let property)):
      guard case .vertex = property.owner else { break }
      throw QueryError(.unsupported, "Properties of vertices have no identifiers here. Use the vertex and the key.")
    case (.label, .vertex(let vertex)): return .string(context.label(of: vertex))
    case (.label, .edge(let edge)): return .string(context.label(of: edge))
    case (.label, .property(let property)), (.key, .property(let property)): return .string(property.key)
    case (.value, .property(let property)): return property.value
    case (_, .map(let map)): return map[.token(token)]
    default: break
    }
    throw QueryError(.argument, "\(token.rawValue)() cannot be read of \(value.typeName). Use it behind elements.")
  }

  /// The keys or the values of a map or a path; of an entry, the key or the value.
  func column(_ column: Column, of traverser: Traverser) throws(QueryError) -> Value {
    switch traverser.value {
    case .map(let map):
      if traverser.isEntry, let entry = map.entries.first { return column == .keys ? entry.key : entry.value }
      return column == .keys ? .set(map.keys) : .list(map.entries.map(\.value))
    case .path(let path):
      return column == .keys ? .list(path.labels.map { .set($0.map(Value.string)) }) : .list(path.objects)
    default:
      throw QueryError(
        .argument,
        "select(\(column.rawValue)) reads a map, not \(traverser.value.typeName). Use it behind group() or valueMap().")
    }
  }

  /// The value of a label: an entry of the object if that is a map, a side effect, or an object of the history.
  func scoped(_ label: String, _ pop: Pop, _ traverser: Traverser) throws(QueryError) -> Value? {
    if case .map(let map) = traverser.value, let value = map[label] { return value }
    if let value = try sideEffectValue(label) { return value }
    guard let history = traverser.history else { return nil }
    if pop == .last { return history.last(label) }
    let values = history.values(of: label)
    guard !values.isEmpty else { return nil }
    switch pop {
    case .first: return values.first
    case .last: return values.last
    case .all: return .list(values)
    case .mixed: return values.count == 1 ? values.first : .list(values)
    }
  }
}
