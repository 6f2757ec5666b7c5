import QueryAlgebra
import QueryValues

/// CREATE.
extension Lowering {
  mutating func lowerCreate(_ parts: [PatternPartSyntax], _ state: inout State) throws(QueryError) {
    var creations: [Creation] = []
    var paths: [(slot: Int, value: Expression)] = []
    for part in parts {
      let isAlone = part.relationships.isEmpty
      var slots = [try create(part.nodes[0], isAlone: isAlone, &state.scope, &creations)]
      for (relationship, node) in zip(part.relationships, part.nodes.dropFirst()) {
        let from = slots[slots.count - 1]
        let to = try create(node, isAlone: false, &state.scope, &creations)
        slots.append(try create(relationship, from, to, &state.scope, &creations))
        slots.append(to)
      }
      guard let name = part.name else { continue }
      try rejectBound(name, in: state.scope)
      let slot = newSlot()
      paths.append((slot, .path(slots)))
      state.scope[name.text] = Variable(slot: slot, type: .path, nullable: false)
    }
    // Clauses that follow each other become one operator, however many there are.
    if case .create(let input, let earlier) = state.plan {
      state.plan = .create(input, earlier + creations)
    } else {
      state.plan = .create(state.plan, creations)
    }
    if !paths.isEmpty { state.plan = .assign(state.plan, paths) }
  }

  /// The slot of a node, which is created unless its variable is bound.
  private mutating func create(
    _ node: NodePatternSyntax, isAlone: Bool, _ scope: inout Scope, _ creations: inout [Creation]
  ) throws(QueryError) -> Int {
    if let name = node.name, let variable = scope[name.text] {
      if isAlone || node.labels != nil || node.properties != nil { try rejectBound(name, in: scope) }
      guard [.node, .any, .null].contains(variable.type) else {
        throw QueryError(
          .syntax, detail: "VariableTypeConflict",
          "The variable '\(name.text)' is \(variable.type.name) and cannot be a node, too. Choose another name.",
          offset: name.position.offset)
      }
      return variable.slot
    }
    let properties = try createdProperties(node.properties, scope)
    let slot = newSlot()
    var labels: [String] = []
    if let expression = node.labels {
      guard let conjunction = expression.conjunction else {
        throw invalidCreation("UnexpectedSyntax", "A node is created with labels joined by ':' or '&'", node.position)
      }
      labels = conjunction
    }
    creations.append(.vertex(slot: slot, labels: labels, properties: properties))
    if let name = node.name { scope[name.text] = Variable(slot: slot, type: .node, nullable: false) }
    return slot
  }

  private mutating func create(
    _ relationship: RelationshipPatternSyntax, _ from: Int, _ to: Int, _ scope: inout Scope,
    _ creations: inout [Creation]
  ) throws(QueryError) -> Int {
    let position = relationship.position
    if let name = relationship.name { try rejectBound(name, in: scope) }
    guard relationship.length == nil else {
      throw invalidCreation("CreatingVarLength", "A relationship is created without a length", position)
    }
    guard case .label(let type) = relationship.types else {
      throw invalidCreation("NoSingleRelationshipType", "A relationship is created with exactly one type", position)
    }
    guard relationship.direction != .both else {
      throw invalidCreation("RequiresDirectedRelationship", "A relationship is created with a direction", position)
    }
    let properties = try createdProperties(relationship.properties, scope)
    let slot = newSlot()
    let isForward = relationship.direction == .out
    creations.append(
      .edge(slot: slot, from: isForward ? from : to, to: isForward ? to : from, label: type, properties: properties))
    if let name = relationship.name { scope[name.text] = Variable(slot: slot, type: .relationship, nullable: false) }
    return slot
  }

  private mutating func createdProperties(_ syntax: ExpressionSyntax?, _ scope: Scope) throws(QueryError) -> Expression?
  {
    guard let syntax else { return nil }
    if syntax.aggregates { try rejectAggregation(in: syntax) }
    return try lower(syntax, Context(scope)).expression
  }

  private func invalidCreation(_ detail: String, _ rule: String, _ position: Position) -> QueryError {
    QueryError(.syntax, detail: detail, "\(rule). Change the pattern of CREATE.", offset: position.offset)
  }
}

extension LabelExpression {
  /// The labels, if the expression is nothing but all of them.
  fileprivate var conjunction: [String]? {
    switch self {
    case .label(let label): return [label]
    case .and(let left, let right):
      guard let first = left.conjunction, let second = right.conjunction else { return nil }
      return first + second.filter { !first.contains($0) }
    case .any, .or, .not: return nil
    }
  }
}
