import QueryAlgebra
import QueryValues

/// What a text says: a mode, and a query.
struct ParsedText {
  var mode: Query.Mode
  var query: QuerySyntax
}

/// Queries and their clauses.
extension Parser {
  /// Reads a whole text.
  mutating func parseText(defaultDatabase: String) throws(QueryError) -> ParsedText {
    var mode = Query.Mode.run
    skipVersion()
    if take("EXPLAIN") { mode = .explain } else if take("PROFILE") { mode = .profile }
    if isAt("USE") { try parseUse(defaultDatabase) }
    let query: QuerySyntax
    if isAt("SHOW") {
      query = QuerySyntax(branches: [BranchSyntax(clauses: try parseShow(), position: position)])
    } else {
      query = try parseQuery()
    }
    _ = take(.semicolon)
    guard token.kind == .end else { throw unexpected("a clause or the end of the query") }
    return ParsedText(mode: mode, query: query)
  }

  /// Skips `CYPHER 5` with options such as `runtime=slotted`, which tools put before queries: they choose no language here.
  private mutating func skipVersion() {
    guard take("CYPHER") else { return }
    switch token.kind {
    case .integer, .float: advance()
    default: break
    }
    while peek().kind == .symbol(.equal), case .name = token.kind {
      for _ in 0..<3 { advance() }
    }
  }

  private mutating func parseUse(_ database: String) throws(QueryError) {
    advance()
    let name = try name("the name of a database")
    guard name.text.lowercased() == database.lowercased() else {
      throw QueryError(
        .notFound, "The database '\(name.text)' does not exist; there is one, '\(database)'. Leave USE out.",
        offset: name.position.offset)
    }
  }

  /// Reads branches joined by UNION, up to the end or a closing brace.
  mutating func parseQuery() throws(QueryError) -> QuerySyntax {
    var query = QuerySyntax(branches: [try parseBranch()])
    while isAt("UNION") {
      let union = position
      advance()
      let keeps = take("ALL")
      if !keeps { _ = take("DISTINCT") }
      guard query.branches.count == 1 || query.keepsDuplicates == keeps else {
        throw QueryError(
          .syntax, detail: "InvalidClauseComposition",
          "UNION and UNION ALL cannot be mixed in one query. Use one of them, or a subquery.", offset: union.offset)
      }
      query.keepsDuplicates = keeps
      query.branches.append(try parseBranch())
    }
    return query
  }

  private mutating func parseBranch() throws(QueryError) -> BranchSyntax {
    var branch = BranchSyntax(clauses: [], position: position)
    while let clause = try parseClause() {
      if case .create = clause {} else { try countClause() }
      branch.clauses.append(clause)
      if case .project(let projection) = clause, projection.isReturn { break }
    }
    try rejectStarBesideClauses(branch)
    guard !branch.clauses.isEmpty else { throw unexpected("a clause such as MATCH, UNWIND, WITH, CALL or RETURN") }
    return branch
  }

  /// `YIELD *` needs a call that stands alone: what it binds would not be seen in the text.
  private func rejectStarBesideClauses(_ branch: BranchSyntax) throws(QueryError) {
    guard branch.clauses.count > 1 else { return }
    for case .procedure(let call) in branch.clauses where call.yieldsAll {
      throw QueryError(
        .syntax, detail: "UnexpectedSyntax", "YIELD * stands in a query with other clauses. Name the results.",
        offset: call.position.offset)
    }
  }

  private mutating func parseClause() throws(QueryError) -> ClauseSyntax? {
    switch token.keyword {
    case "OPTIONAL" where peek().keyword == "MATCH":
      let start = position
      advance()
      return .match(try parseMatch(optional: true, start))
    case "OPTIONAL" where peek().keyword == "CALL":
      advance()
      return try parseCall(optional: true)
    case "MATCH": return .match(try parseMatch(optional: false, position))
    case "UNWIND": return try parseUnwind()
    case "WITH": return .project(try parseProjection(isReturn: false))
    case "RETURN": return .project(try parseProjection(isReturn: true))
    case "CALL": return try parseCall(optional: false)
    default: return try parseUpdate()
    }
  }

  private mutating func parseMatch(optional: Bool, _ start: Position) throws(QueryError) -> MatchSyntax {
    try expect("MATCH")
    var match = MatchSyntax(optional: optional, parts: try parsePattern(), position: start)
    if isAt("USING") {
      throw unsupported("USING", at: position, "Leave it out; the planner chooses where to begin.")
    }
    match.filter = try parseWhere()
    return match
  }

  /// Reads WHERE with its condition, if it stands here.
  mutating func parseWhere() throws(QueryError) -> ExpressionSyntax? {
    take("WHERE") ? try parseExpression() : nil
  }

  private mutating func parseUnwind() throws(QueryError) -> ClauseSyntax {
    advance()
    let list = try parseExpression()
    try expect("AS")
    return .unwind(list, try name("a name for the elements"))
  }

  // MARK: WITH and RETURN

  mutating func parseProjection(isReturn: Bool) throws(QueryError) -> ProjectionSyntax {
    var projection = ProjectionSyntax(isReturn: isReturn, position: position)
    advance()
    projection.distinct = take("DISTINCT")
    if take(.star) {
      projection.star = true
      if take(.comma) { projection.items = try parseItems() }
    } else {
      projection.items = try parseItems()
    }
    try parseOrder(into: &projection)
    if !isReturn { projection.filter = try parseWhere() }
    return projection
  }

  private mutating func parseItems() throws(QueryError) -> [ProjectionItemSyntax] {
    var items: [ProjectionItemSyntax] = []
    repeat {
      let start = index
      let value = try parseExpression()
      let text = text(from: start)
      let alias = take("AS") ? try name("a name for the column").text : nil
      items.append(ProjectionItemSyntax(value: value, alias: alias, text: text))
    } while take(.comma)
    return items
  }

  /// Reads ORDER BY, SKIP (or OFFSET) and LIMIT, as far as they stand here.
  mutating func parseOrder(into projection: inout ProjectionSyntax) throws(QueryError) {
    if isAt("ORDER", "BY") {
      advance()
      advance()
      repeat {
        let value = try parseExpression()
        let descending = take("DESC") || take("DESCENDING")
        if !descending { _ = take("ASC") || take("ASCENDING") }
        projection.order.append(OrderSyntax(value: value, descending: descending))
      } while take(.comma)
    }
    if take("SKIP") || take("OFFSET") { projection.skip = try parseExpression() }
    if take("LIMIT") { projection.limit = try parseExpression() }
  }
}
