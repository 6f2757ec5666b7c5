import QueryAlgebra
import QueryValues

/// Patterns and queries inside expressions, and CALL { … }.
extension Lowering {
  /// Lowers a pattern that stands for whether it matches, or a shortest path.
  mutating func lowerPatternExpression(
    _ part: PatternPartSyntax, _ context: Context, _ isCondition: Bool, _ position: Position
  ) throws(QueryError) -> Typed {
    guard isCondition || part.shortest != nil else {
      throw QueryError(
        .syntax, detail: "UnexpectedSyntax",
        "A pattern can only stand for its existence, where a condition is expected. Use exists(…), COUNT { … } or a pattern comprehension.",
        offset: position.offset)
    }
    try requireDefined(part, context)
    if let shortest = part.shortest { return try lowerShortest(part, shortest, context, isCondition) }
    var state = State(plan: .argument, scope: context.scope)
    try lower(MatchSyntax(parts: [part], position: position), &state)
    return Typed(.exists(state.plan), .boolean)
  }

  private func requireDefined(_ part: PatternPartSyntax, _ context: Context) throws(QueryError) {
    for name in part.nodes.compactMap(\.name) + part.relationships.compactMap(\.name)
    where context.scope[name.text] == nil {
      if part.shortest != nil, part.relationships.contains(where: { $0.name == name }) { continue }
      throw context.undefined(name.text, at: name.position)
    }
  }

  private mutating func lowerShortest(
    _ part: PatternPartSyntax, _ shortest: PatternPartSyntax.Shortest, _ context: Context, _ isCondition: Bool
  ) throws(QueryError) -> Typed {
    var named = part
    let path = Name(text: " path", position: part.position)
    named.name = path
    var state = State(plan: .argument, scope: context.scope)
    try lower(MatchSyntax(parts: [named], position: part.position), &state)
    guard !isCondition else { return Typed(.exists(state.plan), .boolean) }
    guard let variable = state.scope[path.text] else {
      throw QueryError(.internal, "A path is not bound. Report this query.", offset: part.position.offset)
    }
    let paths = Expression.collect(state.plan, .slot(variable.slot))
    return shortest == .all
      ? Typed(paths, .list(.path)) : Typed(.subscripted(paths, .literal(.integer(0))), .path)
  }

  mutating func lowerPatternComprehension(
    _ part: PatternPartSyntax, _ filter: ExpressionSyntax?, _ result: ExpressionSyntax, _ context: Context
  ) throws(QueryError) -> Typed {
    if result.aggregates { try rejectAggregation(in: result) }
    var state = State(plan: .argument, scope: context.scope)
    try lower(MatchSyntax(parts: [part], filter: filter, position: part.position), &state)
    var inner = context
    inner.scope = state.scope
    for name in ([part.name] + part.nodes.map(\.name) + part.relationships.map(\.name)).compactMap({ $0 })
    where context.scope[name.text] == nil {
      inner.hidden.remove(name.text)
    }
    let value = try lower(result, inner)
    return Typed(.collect(state.plan, value.expression), .list(value.type))
  }

  mutating func lowerSubquery(_ kind: SubqueryKind, _ query: QuerySyntax, _ context: Context) throws(QueryError)
    -> Typed
  {
    let state = try lower(query, in: Scope(fixing: context.scope), as: kind)
    switch kind {
    case .exists: return Typed(.exists(state.plan), .boolean)
    case .count: return Typed(.count(state.plan), .integer)
    case .collect:
      let column = state.columns[0].variable
      return Typed(.collect(state.plan, .slot(column.slot)), .list(column.type))
    }
  }

  // MARK: CALL { … }

  mutating func lower(_ clause: SubqueryClauseSyntax, _ state: inout State) throws(QueryError) {
    let inner = try lowerBody(clause, state.scope)
    guard clause.query.branches.allSatisfy({ $0.clauses.last?.concludes ?? false }) else {
      throw QueryError(
        .syntax, detail: "InvalidClauseComposition",
        "A subquery that only reads must end with RETURN. Add it.", offset: clause.position.offset)
    }
    for column in inner.columns {
      try rejectBound(Name(text: column.name, position: clause.position), in: state.scope)
    }
    let slots = inner.columns.map(\.variable.slot)
    state.plan =
      clause.optional ? .optional(state.plan, inner.plan, nulls: slots) : .apply(state.plan, inner.plan)
    for column in inner.columns { state.scope[column.name] = column.variable }
  }

  private mutating func lowerBody(_ clause: SubqueryClauseSyntax, _ scope: Scope) throws(QueryError) -> State {
    switch clause.imports {
    case .all: return try lower(clause.query, in: Scope(fixing: scope), as: nil)
    case .names(let names):
      var imported = Scope()
      for name in names {
        guard let variable = scope[name.text] else { throw Context(scope).undefined(name.text, at: name.position) }
        imported[name.text] = variable
      }
      return try lower(clause.query, in: Scope(fixing: imported), as: nil)
    case .body: return try lowerImporting(clause.query, scope)
    }
  }

  /// Lowers the branches of a subquery, each of which may begin with a WITH that imports variables.
  private mutating func lowerImporting(_ query: QuerySyntax, _ scope: Scope) throws(QueryError) -> State {
    var states: [State] = []
    for branch in query.branches {
      var branch = branch
      var imported = scope.emptied
      if case .project(let projection) = branch.clauses.first, try isImport(projection) {
        for name in projection.star ? scope.names : projection.items.map(\.name) {
          guard let variable = scope[name] else { throw Context(scope).undefined(name, at: projection.position) }
          imported[name] = variable
        }
        branch.clauses.removeFirst()
      }
      states.append(try lower(QuerySyntax(branches: [branch]), in: imported, as: nil))
    }
    return states.count == 1 ? states[0] : try unite(states, query)
  }

  /// Whether a projection is the WITH that imports; it does nothing but name variables.
  private func isImport(_ projection: ProjectionSyntax) throws(QueryError) -> Bool {
    guard !projection.isReturn else { return false }
    let isPlain =
      !projection.distinct && projection.order.isEmpty && projection.skip == nil && projection.limit == nil
      && projection.filter == nil
    let variables = projection.items.filter {
      if case .variable = $0.value.kind { $0.alias == nil || $0.value.kind == .variable($0.name) } else { false }
    }
    return isPlain && variables.count == projection.items.count && (projection.star || !variables.isEmpty)
  }
}
