import QueryAlgebra
import QueryValues

/// MATCH: declares the variables of the pattern, checks them, and plans the pattern.
extension Lowering {
  mutating func lower(_ match: MatchSyntax, _ state: inout State) throws(QueryError) {
    var builder = PatternBuilder(outer: state.scope, scope: state.scope)
    for part in match.parts { try declare(part, in: match, &builder) }
    let context = Context(builder.scope)
    for property in builder.properties { try lowerProperties(property, context, &builder.graph) }
    for condition in builder.conditions { try addConditions(condition, context, &builder.graph) }
    if let filter = try lowerShortestConditions(match, context, &builder.graph) {
      try addConditions(filter, context, &builder.graph)
    }

    let input = match.optional ? Plan.argument : state.plan
    var planner = PatternPlanner(builder.graph, input: input, firstSlot: slotCount)
    let plan = try planner.solve()
    reserveSlots(upTo: planner.slotCount)
    state.scope = builder.scope
    guard match.optional else {
      state.plan = plan
      return
    }
    for name in builder.introduced { state.scope[name]?.nullable = true }
    state.plan = .optional(state.plan, plan, nulls: builder.graph.slots.sorted())
  }

  /// Adds the conjuncts of a condition, each of which runs as soon as it can.
  private mutating func addConditions(_ syntax: ExpressionSyntax, _ context: Context, _ graph: inout PatternGraph)
    throws(QueryError)
  {
    if case .junction(.and, let operands) = syntax.kind {
      for operand in operands { try addConditions(operand, context, &graph) }
    } else {
      graph.add(condition: try lowerCondition(syntax, context))
    }
  }

  // MARK: Variables

  private mutating func declare(_ part: PatternPartSyntax, in match: MatchSyntax, _ builder: inout PatternBuilder)
    throws(QueryError)
  {
    var slots = [try declare(part.nodes[0], &builder)]
    for (index, relationship) in part.relationships.enumerated() {
      let position = builder.graph.relationships.count
      try declare(relationship, part.shortest, needsSlot: part.name != nil || match.hasManyRelationships, &builder)
      let to = try declare(part.nodes[index + 1], &builder)
      builder.graph.relationships[position].from = slots[slots.count - 1]
      builder.graph.relationships[position].to = to
      if let slot = builder.graph.relationships[position].slot ?? builder.graph.relationships[position].given {
        slots.append(slot)
      }
      slots.append(to)
    }
    guard let name = part.name else { return }
    try rejectBound(name, in: builder.scope)
    let slot = newSlot()
    builder.bind(name.text, Variable(slot: slot, type: .path, nullable: false))
    let needs = builder.graph.slots.intersection(slots)
    builder.graph.slots.insert(slot)
    builder.graph.pending.append(PatternGraph.Pending(needs: needs, action: .path(slot: slot, slots)))
  }

  private mutating func declare(_ node: NodePatternSyntax, _ builder: inout PatternBuilder) throws(QueryError) -> Int {
    let slot: Int
    var mayBeNull = false
    if let name = node.name, let variable = builder.scope[name.text] {
      guard [.node, .any, .null].contains(variable.type) else { throw conflict(name, variable.type, "a node") }
      slot = variable.slot
      mayBeNull = variable.nullable && builder.outer[name.text] != nil
    } else {
      slot = newSlot()
      builder.graph.slots.insert(slot)
      if let name = node.name { builder.bind(name.text, Variable(slot: slot, type: .node, nullable: false)) }
    }
    let index = builder.graph.node(slot, node.position)
    if mayBeNull { builder.graph.nodes[index].mayBeNull = true }
    if let labels = node.labels { builder.graph.nodes[index].labels.append(labels) }
    if let properties = node.properties { builder.properties.append((.slot(slot), properties)) }
    if let predicate = node.predicate { builder.conditions.append(predicate) }
    return slot
  }

  private mutating func declare(
    _ syntax: RelationshipPatternSyntax, _ shortest: PatternPartSyntax.Shortest?, needsSlot: Bool,
    _ builder: inout PatternBuilder
  ) throws(QueryError) {
    var relationship = PatternGraph.Relationship(
      from: 0, to: 0, direction: syntax.direction, types: syntax.types?.alternatives, length: syntax.length,
      shortest: shortest, position: syntax.position)
    if let types = syntax.types, relationship.types == nil { relationship.typeCondition = types }
    try checkLength(syntax)
    let isTrail = syntax.length != nil || shortest != nil
    if let name = syntax.name, let variable = builder.scope[name.text] {
      try checkBound(name, variable, isTrail: isTrail, builder)
      relationship.given = variable.slot
    } else if isTrail || syntax.name != nil || syntax.properties != nil || syntax.predicate != nil || needsSlot
      || relationship.typeCondition != nil
    {
      let slot = newSlot()
      relationship.slot = slot
      builder.graph.slots.insert(slot)
      let type: CypherType = isTrail ? .list(.relationship) : .relationship
      if let name = syntax.name { builder.bind(name.text, Variable(slot: slot, type: type, nullable: false)) }
    }
    if isTrail {
      try declareTrail(syntax, &relationship, &builder)
    } else if let slot = relationship.slot ?? relationship.given {
      if let types = relationship.typeCondition { builder.graph.add(condition: .hasLabels(.slot(slot), types)) }
      if let properties = syntax.properties { builder.properties.append((.slot(slot), properties)) }
      if let predicate = syntax.predicate { builder.conditions.append(predicate) }
    }
    builder.graph.relationships.append(relationship)
  }

  /// The condition on each relationship of a trail.
  private mutating func declareTrail(
    _ syntax: RelationshipPatternSyntax, _ relationship: inout PatternGraph.Relationship,
    _ builder: inout PatternBuilder
  ) throws(QueryError) {
    if syntax.predicate != nil {
      throw QueryError(
        .unsupported,
        "WHERE in a relationship of variable length is not supported. Use all(r IN rs WHERE …) behind the pattern.",
        offset: syntax.position.offset)
    }
    guard syntax.properties != nil || relationship.typeCondition != nil || relationship.given != nil else { return }
    let slot = newSlot()
    var conditions: [Expression] = []
    if let types = relationship.typeCondition { conditions.append(.hasLabels(.slot(slot), types)) }
    if let given = relationship.given { conditions.append(.binary(.in, .slot(slot), .slot(given))) }
    if let properties = syntax.properties, case .map(let entries) = properties.kind {
      for (key, value) in try lowerEntries(entries, Context(builder.scope)) {
        conditions.append(.binary(.equal, .property(.slot(slot), key: key), value))
      }
    }
    guard !conditions.isEmpty else { return }
    relationship.condition = (slot, Lowering.balanced(.and, conditions[...]))
  }

  private mutating func lowerProperties(
    _ property: (element: Expression, map: ExpressionSyntax), _ context: Context, _ graph: inout PatternGraph
  ) throws(QueryError) {
    guard case .map(let entries) = property.map.kind else { return }
    for (key, value) in try lowerEntries(entries, context) {
      graph.add(condition: .binary(.equal, .property(property.element, key: key), value))
    }
  }

  // MARK: Checks

  private func checkLength(_ syntax: RelationshipPatternSyntax) throws(QueryError) {
    guard let length = syntax.length, length.minimum > Int(Int32.max) || (length.maximum ?? 0) > Int(Int32.max) else {
      return
    }
    throw QueryError(
      .syntax, detail: "InvalidRelationshipPattern", "A bound of the relationship's length is too large.",
      offset: syntax.position.offset)
  }

  private func checkBound(_ name: Name, _ variable: Variable, isTrail: Bool, _ builder: PatternBuilder)
    throws(QueryError)
  {
    let expected: [CypherType] = isTrail ? [.list(.relationship), .list(.any), .list(.null)] : [.relationship]
    guard (expected + [.any, .null]).contains(variable.type) else {
      throw conflict(name, variable.type, isTrail ? "a list of relationships" : "a relationship")
    }
    guard builder.outer[name.text] == nil else { return }
    throw QueryError(
      .syntax, detail: "RelationshipUniquenessViolation",
      "The relationship '\(name.text)' stands twice in one MATCH, which follows a relationship once. Use two variables.",
      offset: name.position.offset)
  }

  private func conflict(_ name: Name, _ type: CypherType, _ wanted: String) -> QueryError {
    QueryError(
      .syntax, detail: "VariableTypeConflict",
      "The variable '\(name.text)' is \(type.name) and cannot be \(wanted), too. Choose another name.",
      offset: name.position.offset)
  }
}

/// The pattern while its variables are declared.
struct PatternBuilder {
  /// The variables before the clause.
  let outer: Scope
  var scope: Scope
  var graph = PatternGraph()
  /// Maps of properties in the pattern, and the elements that must have them.
  var properties: [(element: Expression, map: ExpressionSyntax)] = []
  /// Conditions inside the pattern.
  var conditions: [ExpressionSyntax] = []
  /// The names that the clause binds.
  var introduced: [String] = []

  mutating func bind(_ name: String, _ variable: Variable) {
    scope[name] = variable
    introduced.append(name)
  }

  init(outer: Scope, scope: Scope) {
    self.outer = outer
    self.scope = scope
  }
}

extension MatchSyntax {
  /// Whether relationships must be told apart.
  fileprivate var hasManyRelationships: Bool { parts.reduce(0) { $0 + $1.relationships.count } > 1 }
}
