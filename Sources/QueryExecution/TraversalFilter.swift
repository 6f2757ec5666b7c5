import QueryAlgebra
import QueryValues

/// Steps that let an object pass, or not.
extension TraversalRunner {
  func accepts(_ index: Int, _ step: Step, _ traverser: Traverser) throws(QueryError) -> Bool {
    switch step {
    case .has(let key, let predicate): return try has(key, predicate, traverser)
    case .hasProperty(let key, let present): return try hasProperty(key, traverser) == present
    case .hasTraversal(let key, let traversal):
      guard let value = try element(key, traverser.value) else { return false }
      return try decide(holds(traversal, for: traverser.with(value)))
    case .hasKey(let predicate):
      guard case .property(let property) = traverser.value else { throw notAProperty("hasKey", traverser.value) }
      return try decide(predicate.test(.string(property.key)))
    case .hasValue(let predicate):
      guard case .property(let property) = traverser.value else { throw notAProperty("hasValue", traverser.value) }
      return try decide(predicate.test(property.value))
    case .isValue(let predicate): return try decide(predicate.test(traverser.value))
    case .filter(let traversal): return try decide(holds(traversal, for: traverser))
    case .not(let traversal): return try decide(holds(traversal, for: traverser).map { !$0 })
    case .and(let traversals): return try decide(allHold(traversals, traverser))
    case .or(let traversals): return try decide(oneHolds(traversals, traverser))
    case .wherePredicate(let start, let predicate, let by): return try decide(compares(start, predicate, by, traverser))
    case .wherePattern(let pattern): return try decide(matches(pattern, traverser))
    case .pathFilter(let simple, let range): return try isSimple(range, traverser).map { $0 == simple } ?? false
    case .dedup(let labels, let by, _): return try isNew(index, labels, by, traverser)
    case .coin(let probability):
      return probability >= 1 || Double.random(in: 0..<1, using: &context.random) < probability
    case .quantifier(let quantifier, let predicate): return try quantifies(quantifier, predicate, traverser)
    default: return false
    }
  }

  private func notAProperty(_ step: String, _ value: Value) -> QueryError {
    QueryError(.argument, "\(step)() reads properties, not \(value.typeName). Use properties() before it.")
  }

  /// The value that `has` looks at; nil if there is none.
  private func element(_ key: ElementKey, _ value: Value) throws(QueryError) -> Value? {
    switch (key, value) {
    case (.id, .vertex), (.id, .edge): return try token(.id, of: value)
    case (.label, .vertex), (.label, .edge), (.label, .property): return try token(.label, of: value)
    case (.property(let key), .vertex), (.property(let key), .edge): return context.property(key, of: value)
    case (_, .property): return nil
    default:
      throw QueryError(.argument, "has() reads elements, not \(value.typeName). Use is() or select() for other values.")
    }
  }

  private func has(_ key: ElementKey, _ predicate: Predicate, _ traverser: Traverser) throws(QueryError) -> Bool {
    guard let value = try element(key, traverser.value) else { return false }
    if case .label = key, case .vertex(let vertex) = traverser.value {
      let labels = context.graph.labels(of: vertex)
      if labels.count > 1 {
        for label in labels where try predicate.test(.string(context.graph.vertexLabels[label])) == true { return true }
        return false
      }
    }
    return try decide(predicate.test(value))
  }

  private func hasProperty(_ key: String, _ traverser: Traverser) throws(QueryError) -> Bool {
    switch traverser.value {
    case .vertex, .edge: return context.property(key, of: traverser.value) != nil
    case .property: return false
    default:
      throw QueryError(
        .argument, "has('\(key)') reads elements, not \(traverser.value.typeName). Use select() for maps.")
    }
  }

  private func allHold(_ traversals: [Traversal], _ traverser: Traverser) throws(QueryError) -> Bool? {
    var result: Bool? = true
    for traversal in traversals {
      let part = try holds(traversal, for: traverser)
      if part == false { return false }
      if part == nil { result = nil }
    }
    return result
  }

  private func oneHolds(_ traversals: [Traversal], _ traverser: Traverser) throws(QueryError) -> Bool? {
    var result: Bool? = false
    for traversal in traversals {
      let part = try holds(traversal, for: traverser)
      if part == true { return true }
      if part == nil { result = nil }
    }
    return result
  }

  /// The condition of `where(P)`: the values of the predicate are labels.
  func compares(
    _ start: String?, _ predicate: Predicate, _ by: [Projection], _ traverser: Traverser
  ) throws(QueryError) -> Bool? {
    var turn = 0
    func projected(_ value: Value?) throws(QueryError) -> Value? {
      defer { turn += 1 }
      guard let value else { return nil }
      return by.isEmpty ? value : try project(by[turn % by.count], traverser.with(value))
    }
    let object = start == nil ? traverser.value : try scoped(start ?? "", .last, traverser)
    guard let object = try projected(object) else { return false }
    let resolved = try predicate.replacing { label throws(QueryError) in
      guard case .string(let label) = label else {
        throw QueryError(.argument, "where() compares with labels, which are texts, not \(label.typeName). Use is().")
      }
      return try projected(try self.scoped(label, .last, traverser)).map { [$0] }
    }
    return try resolved?.test(object) ?? false
  }

  private func isNew(
    _ index: Int, _ labels: [String], _ by: [Projection], _ traverser: Traverser
  ) throws(QueryError) -> Bool {
    var key: Value
    if labels.isEmpty {
      guard let value = try project(by.first ?? .identity, traverser) else { return false }
      key = value
    } else {
      var values: [Value] = []
      for (position, label) in labels.enumerated() {
        guard let object = try scoped(label, .last, traverser),
          let value = try by.isEmpty ? object : project(by[position % by.count], traverser.with(object))
        else { return false }
        values.append(value)
      }
      key = .list(values)
    }
    guard state(index).seen.insert(GroupingKey(key)).inserted else { return false }
    try context.hold()
    return true
  }

  /// Whether no object comes twice; nil if an object has no projection.
  private func isSimple(_ range: PathRange, _ traverser: Traverser) throws(QueryError) -> Bool? {
    guard let path = try path(range, traverser) else { return nil }
    var seen: Set<GroupingKey> = []
    return path.objects.allSatisfy { seen.insert(GroupingKey($0)).inserted }
  }

  private func quantifies(
    _ quantifier: Quantifier, _ predicate: Predicate, _ traverser: Traverser
  ) throws(QueryError) -> Bool {
    guard let values = Self.elements(of: traverser.value) else { return false }
    for value in values {
      let holds = try predicate.test(value) ?? false
      switch quantifier {
      case .all: if !holds { return false }
      case .any: if holds { return true }
      case .none, .single: if holds { return false }
      }
    }
    return quantifier != .any
  }

  /// The elements of a collection; nil for other values.
  static func elements(of value: Value) -> [Value]? {
    switch value {
    case .list(let values), .set(let values): values
    case .path(let path): path.objects
    default: nil
    }
  }
}
