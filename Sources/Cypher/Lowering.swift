import QueryAlgebra
import QueryValues

/// Turns syntax into a plan, and rejects what has no meaning: names, scopes and types that are known before a query runs.
struct Lowering {
  let catalogue: CypherCatalogue
  /// Whether CREATE is lowered, or rejected as all other clauses that write.
  let creates: Bool
  private(set) var slotCount = 0

  init(catalogue: CypherCatalogue, creates: Bool) {
    self.catalogue = catalogue
    self.creates = creates
  }

  /// A column of a query or a subquery.
  struct Column {
    var name: String
    var variable: Variable
  }

  /// The rows so far, and the variables in them.
  struct State {
    var plan: Plan
    var scope: Scope
    /// The columns, behind RETURN.
    var columns: [Column] = []
  }

  /// A new position in the rows.
  mutating func newSlot() -> Int {
    defer { slotCount += 1 }
    return slotCount
  }

  /// Takes over positions that a planner has used.
  mutating func reserveSlots(upTo count: Int) { slotCount = max(slotCount, count) }

  /// Lowers a whole query.
  mutating func lower(_ query: QuerySyntax) throws(QueryError) -> Query {
    var state = try lower(query, in: Scope(), as: nil)
    // Without RETURN, a query runs for what it does, and yields no rows.
    if state.columns.isEmpty { state.plan = .filter(state.plan, .literal(.boolean(false))) }
    return Query(
      plan: state.plan, slots: slotCount, columns: state.columns.map { (name: $0.name, slot: $0.variable.slot) })
  }

  /// Lowers the branches of a query, each from the given row.
  /// - Parameter kind: What the query is a subquery of; nil if the query must end as a query of its own does.
  mutating func lower(_ query: QuerySyntax, in scope: Scope, as kind: SubqueryKind?) throws(QueryError) -> State {
    var states: [State] = []
    for branch in query.branches { states.append(try lower(branch, in: scope, as: kind)) }
    guard states.count > 1 else { return states[0] }
    return try unite(states, query)
  }

  mutating func unite(_ states: [State], _ query: QuerySyntax) throws(QueryError) -> State {
    var columns = states[0].columns
    for index in columns.indices { columns[index].variable.slot = newSlot() }
    var plans: [Plan] = []
    for (state, branch) in zip(states, query.branches) {
      guard Set(state.columns.map(\.name)) == Set(columns.map(\.name)) else {
        throw QueryError(
          .syntax, detail: "DifferentColumnsInUnion",
          "The parts of a UNION return different columns. Return the same names in each, with AS.",
          offset: branch.position.offset)
      }
      var assignments: [(slot: Int, value: Expression)] = []
      for index in columns.indices {
        guard let column = state.columns.first(where: { $0.name == columns[index].name }) else { continue }
        assignments.append((columns[index].variable.slot, .slot(column.variable.slot)))
        columns[index].variable.type = columns[index].variable.type.joined(with: column.variable.type)
      }
      plans.append(.assign(state.plan, assignments))
    }
    var plan = Plan.union(plans)
    if !query.keepsDuplicates { plan = .distinct(plan, slots: columns.map(\.variable.slot)) }
    return State(plan: plan, scope: states[0].scope, columns: columns)
  }

  private mutating func lower(_ branch: BranchSyntax, in scope: Scope, as kind: SubqueryKind?) throws(QueryError)
    -> State
  {
    var state = State(plan: .argument, scope: scope)
    for (index, clause) in branch.clauses.enumerated() {
      let isAlone = branch.clauses.count == 1
      let isLast = index == branch.clauses.count - 1
      try lower(clause, isAlone: isAlone, isLast: isLast, isSubquery: kind != nil, &state)
    }
    let concludes = branch.clauses.last?.concludes ?? false
    if let last = branch.clauses.last, !concludes, kind == nil || kind == .collect {
      throw QueryError(
        .syntax, detail: "InvalidClauseComposition",
        "The query ends without RETURN. Add RETURN and what is wanted.", offset: last.position.offset)
    }
    if kind == .collect, state.columns.count != 1 {
      throw QueryError(
        .syntax, detail: "InvalidClauseComposition", "COLLECT { … } needs exactly one column in RETURN.",
        offset: branch.position.offset)
    }
    return state
  }

  private mutating func lower(
    _ clause: ClauseSyntax, isAlone: Bool, isLast: Bool, isSubquery: Bool, _ state: inout State
  ) throws(QueryError) {
    switch clause {
    case .match(let match): try lower(match, &state)
    case .unwind(let list, let name): try lowerUnwind(list, name, &state)
    case .project(let projection): try lower(projection, &state)
    case .procedure(let call): try lower(call, isAlone: isAlone && !isSubquery, isLast: isLast, &state)
    case .subquery(let subquery): try lower(subquery, &state)
    case .create(let parts, let position):
      guard creates, !isSubquery else { throw rejected("CREATE", isSubquery: isSubquery, position) }
      try lowerCreate(parts, &state)
    case .update(let keyword, let position): throw rejected(keyword, isSubquery: isSubquery, position)
    }
  }

  private func rejected(_ keyword: String, isSubquery: Bool, _ position: Position) -> QueryError {
    if isSubquery {
      return QueryError(
        .syntax, detail: "InvalidClauseComposition",
        "\(keyword) cannot stand in a subquery of an expression, which only reads.", offset: position.offset)
    }
    return QueryError(
      .unsupported,
      "\(keyword) is not supported: queries only read. Change the graph through the client, and query the new one.",
      offset: position.offset)
  }

  private mutating func lowerUnwind(_ list: ExpressionSyntax, _ name: Name, _ state: inout State) throws(QueryError) {
    let value = try lower(list, Context(state.scope))
    try rejectBound(name, in: state.scope)
    let slot = newSlot()
    var type = CypherType.any
    if case .list(let element) = value.type { type = element }
    state.plan = .unwind(state.plan, slot: slot, value.expression)
    state.scope[name.text] = Variable(slot: slot, type: type)
  }

  /// Rejects a name that a clause introduces although it is bound already.
  func rejectBound(_ name: Name, in scope: Scope) throws(QueryError) {
    guard scope[name.text] != nil else { return }
    throw QueryError(
      .syntax, detail: "VariableAlreadyBound",
      "The variable '\(name.text)' is bound already. Choose another name.", offset: name.position.offset)
  }

  /// Lowers a condition: its value must be a boolean.
  mutating func lowerCondition(_ syntax: ExpressionSyntax, _ context: Context) throws(QueryError) -> Expression {
    if syntax.aggregates { try rejectAggregation(in: syntax) }
    let value = try lower(syntax, context, isCondition: true)
    try requireBoolean(value, syntax)
    return value.expression
  }

  func requireBoolean(_ value: Typed, _ syntax: ExpressionSyntax) throws(QueryError) {
    switch value.type {
    case .any, .null, .boolean: return
    default: throw invalidType("A condition", "a boolean", value.type, syntax.position)
    }
  }

  func invalidType(_ what: String, _ expected: String, _ type: CypherType, _ position: Position) -> QueryError {
    QueryError(
      .syntax, detail: "InvalidArgumentType", "\(what) must be \(expected), but \(type.name) is given.",
      offset: position.offset)
  }

  func rejectAggregation(in syntax: ExpressionSyntax) throws(QueryError) {
    throw QueryError(
      .syntax, detail: "InvalidAggregation",
      "An aggregation cannot stand here. Compute it in WITH or RETURN first.", offset: syntax.position.offset)
  }
}
