import QueryAlgebra
import QueryValues

/// WITH and RETURN.
extension Lowering {
  /// What a projection yields, and what ORDER BY and WHERE see behind it.
  struct Projected {
    var plan: Plan
    var columns: [Column] = []
    /// The context of ORDER BY and WHERE.
    var context: Context
    /// Whether aggregations of the projection may be used in ORDER BY.
    var aggregates = false
  }

  mutating func lower(_ projection: ProjectionSyntax, _ state: inout State) throws(QueryError) {
    let items = try expandStar(projection, state.scope)
    var projected =
      items.contains { $0.value.aggregates } ? try aggregate(items, state) : try project(items, state)
    if projection.distinct {
      projected.plan = .distinct(projected.plan, slots: projected.columns.map(\.variable.slot))
      projected.context = outputContext(projected, items, state.scope)
    }
    try lowerOrder(projection, items, &projected)
    if projected.aggregates { projected.context.computed = [:] }
    if let filter = projection.filter {
      projected.plan = .filter(projected.plan, try lowerCondition(filter, projected.context))
    }
    try rejectMissingAliases(projection)
    state.plan = projected.plan
    state.scope = state.scope.emptied
    for column in projected.columns { state.scope[column.name] = column.variable }
    if projection.isReturn { state.columns = projected.columns }
  }

  private func expandStar(_ projection: ProjectionSyntax, _ scope: Scope) throws(QueryError) -> [ProjectionItemSyntax] {
    var items: [ProjectionItemSyntax] = []
    if projection.star {
      items = scope.names.map { name in
        ProjectionItemSyntax(
          value: ExpressionSyntax(.variable(name), at: projection.position, height: 1), alias: name, text: name)
      }
      if items.isEmpty, projection.isReturn {
        throw QueryError(
          .syntax, detail: "NoVariablesInScope",
          "RETURN * has nothing to return: no variable is defined. Name one in MATCH.",
          offset: projection.position.offset)
      }
    }
    items += projection.items
    var names: Set<String> = []
    for item in items where !names.insert(item.name).inserted {
      throw QueryError(
        .syntax, detail: "ColumnNameConflict", "Two columns are called '\(item.name)'. Rename one with AS.",
        offset: item.value.position.offset)
    }
    return items
  }

  private func rejectMissingAliases(_ projection: ProjectionSyntax) throws(QueryError) {
    for item in projection.items where !projection.isReturn && item.alias == nil {
      if case .variable = item.value.kind { continue }
      throw QueryError(
        .syntax, detail: "NoExpressionAlias",
        "The expression '\(item.text.prefix(60))' in WITH needs a name. Add AS name.",
        offset: item.value.position.offset)
    }
  }

  private mutating func project(_ items: [ProjectionItemSyntax], _ state: State) throws(QueryError) -> Projected {
    var projected = Projected(plan: state.plan, context: Context(state.scope))
    var assignments: [(slot: Int, value: Expression)] = []
    for item in items {
      if case .variable(let name) = item.value.kind, let variable = state.scope[name] {
        projected.columns.append(Column(name: item.name, variable: variable))
        continue
      }
      let value = try lower(item.value, Context(state.scope))
      let slot = newSlot()
      assignments.append((slot, value.expression))
      projected.columns.append(Column(name: item.name, variable: Variable(slot: slot, type: value.type)))
    }
    if !assignments.isEmpty { projected.plan = .assign(state.plan, assignments) }
    projected.context.computed = computed(projected.columns, items)
    for column in projected.columns { projected.context.scope[column.name] = column.variable }
    return projected
  }

  /// The context in which only the columns are left, and expressions that are columns.
  private func outputContext(_ projected: Projected, _ items: [ProjectionItemSyntax], _ scope: Scope) -> Context {
    var context = Context(scope.emptied)
    for column in projected.columns { context.scope[column.name] = column.variable }
    context.computed = computed(projected.columns, items)
    return context
  }

  /// The expressions that have become columns. One that uses a name that a column has taken means something else behind it.
  private func computed(_ columns: [Column], _ items: [ProjectionItemSyntax]) -> [ExpressionSyntax: Typed] {
    var taken: Set<String> = []
    for item in items {
      if case .variable(item.name) = item.value.kind { continue }
      taken.insert(item.name)
    }
    let unchanged = zip(columns, items).filter { $1.value.variables.isDisjoint(with: taken) }
    return Dictionary(
      unchanged.map { ($1.value, Typed(.slot($0.variable.slot), $0.variable.type)) },
      uniquingKeysWith: { first, _ in first })
  }

  // MARK: Aggregation

  private mutating func aggregate(_ items: [ProjectionItemSyntax], _ state: State) throws(QueryError) -> Projected {
    var keys: [(slot: Int, value: Expression)] = []
    var inner = Context(state.scope.emptied)
    var columns = [Column?](repeating: nil, count: items.count)
    for (index, item) in items.enumerated() where !item.value.aggregates {
      let (key, variable) = try groupingKey(item, state.scope)
      if !keys.contains(where: { $0.slot == key.slot }) { keys.append(key) }
      columns[index] = Column(name: item.name, variable: variable)
      if case .variable(let name) = item.value.kind {
        inner.scope[name] = variable
      } else if item.value.isSimpleKey {
        inner.computed[item.value] = Typed(.slot(variable.slot), variable.type)
      }
    }
    inner.hidden = Set(state.scope.names).subtracting(inner.scope.names)

    var aggregations: [Aggregation] = []
    for item in items where item.value.aggregates {
      try collectAggregations(item.value, Context(state.scope), &aggregations, &inner)
    }
    var plan = Plan.aggregate(state.plan, keys: keys, aggregations)
    var assignments: [(slot: Int, value: Expression)] = []
    for (index, item) in items.enumerated() where item.value.aggregates {
      let value = try lower(item.value, inner)
      if case .slot(let slot) = value.expression {
        columns[index] = Column(name: item.name, variable: Variable(slot: slot, type: value.type))
        continue
      }
      let slot = newSlot()
      assignments.append((slot, value.expression))
      columns[index] = Column(name: item.name, variable: Variable(slot: slot, type: value.type))
    }
    if !assignments.isEmpty { plan = .assign(plan, assignments) }
    var projected = Projected(plan: plan, columns: columns.compactMap { $0 }, context: inner, aggregates: true)
    projected.context = outputContext(projected, items, state.scope)
    projected.context.computed.merge(inner.computed) { first, _ in first }
    return projected
  }

  private mutating func groupingKey(_ item: ProjectionItemSyntax, _ scope: Scope) throws(QueryError)
    -> ((slot: Int, value: Expression), Variable)
  {
    let value = try lower(item.value, Context(scope))
    if case .variable(let name) = item.value.kind, let variable = scope[name] {
      return ((variable.slot, value.expression), variable)
    }
    let slot = newSlot()
    return ((slot, value.expression), Variable(slot: slot, type: value.type))
  }

  /// Gives each aggregation in an expression a slot.
  private mutating func collectAggregations(
    _ syntax: ExpressionSyntax, _ context: Context, _ aggregations: inout [Aggregation], _ inner: inout Context
  ) throws(QueryError) {
    switch syntax.kind {
    case .call(let call):
      guard let function = call.aggregate else { break }
      if inner.computed[syntax] != nil { return }
      let aggregation = try lowerAggregation(call, function, syntax.position, context)
      inner.computed[syntax] = Typed(.slot(aggregation.slot), resultType(of: function, call))
      aggregations.append(aggregation)
      return
    case .comprehension(let parts), .quantifier(_, let parts):
      for part in [parts.filter, parts.result].compactMap({ $0 }) where part.aggregates {
        try rejectAggregation(in: part)
      }
    case .reduce(let reduce): if reduce.step.aggregates { try rejectAggregation(in: reduce.step) }
    default: break
    }
    for child in syntax.children { try collectAggregations(child, context, &aggregations, &inner) }
  }

  private mutating func lowerAggregation(
    _ call: CallSyntax, _ function: AggregateFunction, _ position: Position, _ context: Context
  ) throws(QueryError) -> Aggregation {
    let isPercentile = function == .continuousPercentile || function == .discretePercentile
    let expected = function == .countAll ? 0 : isPercentile ? 2 : 1
    guard call.arguments.count == expected else {
      throw invalidCount(call, "\(expected)", position)
    }
    var arguments: [Expression] = []
    for argument in call.arguments {
      if argument.aggregates {
        throw QueryError(
          .syntax, detail: "NestedAggregation",
          "An aggregation cannot hold another one. Compute the inner one in a WITH before.",
          offset: argument.position.offset)
      }
      if argument.isRandom {
        throw QueryError(
          .syntax, detail: "NonConstantExpression",
          "An aggregation cannot use rand() or randomUUID(). Compute it in a WITH before.",
          offset: argument.position.offset)
      }
      arguments.append(try lower(argument, context).expression)
    }
    return Aggregation(slot: newSlot(), function: function, distinct: call.distinct, arguments: arguments)
  }

  private func resultType(of function: AggregateFunction, _ call: CallSyntax) -> CypherType {
    switch function {
    case .countAll, .count: .integer
    case .collect: .list(.any)
    default: .any
    }
  }

  // MARK: ORDER BY, SKIP, LIMIT

  private mutating func lowerOrder(
    _ projection: ProjectionSyntax, _ items: [ProjectionItemSyntax], _ projected: inout Projected
  ) throws(QueryError) {
    var keys: [SortKey] = []
    for order in projection.order {
      var context = projected.context
      if order.value.aggregates {
        guard projected.aggregates else { throw invalidOrder(order) }
        // Beside an aggregation, a grouping key counts only if it is a variable or a property.
        context.computed = context.computed.filter { $0.key.aggregates || $0.key.isSimpleKey }
        for item in items where !item.value.aggregates { context.hidden.formUnion(item.value.variables) }
      }
      keys.append(SortKey(try lower(order.value, context).expression, descending: order.descending))
    }
    if !keys.isEmpty { projected.plan = .sort(projected.plan, keys) }
    if let skip = projection.skip { projected.plan = .skip(projected.plan, try lowerCount(skip, "SKIP")) }
    if let limit = projection.limit { projected.plan = .limit(projected.plan, try lowerCount(limit, "LIMIT")) }
  }

  private func invalidOrder(_ order: OrderSyntax) -> QueryError {
    QueryError(
      .syntax, detail: "InvalidAggregation",
      "ORDER BY cannot aggregate where WITH or RETURN does not. Project the aggregation and order by its name.",
      offset: order.value.position.offset)
  }

  private mutating func lowerCount(_ syntax: ExpressionSyntax, _ clause: String) throws(QueryError) -> Expression {
    var context = Context(Scope())
    context.isConstant = true
    let value = try lower(syntax, context)
    switch value.type {
    case .any, .null, .integer: break
    default: throw invalidType(clause, "a whole number", value.type, syntax.position)
    }
    if case .literal(.integer(let count)) = value.expression, count < 0 {
      throw QueryError(
        .syntax, detail: "NegativeIntegerArgument", "\(clause) must not be negative, but \(count) is given.",
        offset: syntax.position.offset)
    }
    return value.expression
  }
}

extension ExpressionSyntax {
  /// Whether each evaluation yields another value.
  fileprivate var isRandom: Bool {
    if case .call(let call) = kind, call.name == "rand" || call.name == "randomuuid" { return true }
    return children.contains { $0.isRandom }
  }
}
