import QueryAlgebra
import QueryValues

/// CALL and SHOW.
extension Parser {
  mutating func parseCall(optional: Bool) throws(QueryError) -> ClauseSyntax {
    let start = position
    advance()
    if isAt(.leftBrace) { return try parseSubquery(optional: optional, imports: .body, start) }
    if isAt(.leftParenthesis) {
      let imports = try parseImports()
      return try parseSubquery(optional: optional, imports: imports, start)
    }
    var call = ProcedureCallSyntax(optional: optional, name: try parseDottedName(), position: start)
    if take(.leftParenthesis) { call.arguments = try parseArguments() }
    if take("YIELD") {
      try parseYield(into: &call)
      call.filter = try parseWhere()
    }
    return .procedure(call)
  }

  private mutating func parseSubquery(optional: Bool, imports: SubqueryClauseSyntax.Imports, _ start: Position)
    throws(QueryError) -> ClauseSyntax
  {
    let query = try nested { (parser) throws(QueryError) in
      try parser.expect(.leftBrace)
      let query = try parser.parseQuery()
      try parser.expect(.rightBrace)
      return query
    }
    if isAt("IN") {
      throw unsupported("CALL { … } IN TRANSACTIONS", at: position, "Queries only read; leave IN TRANSACTIONS out.")
    }
    return .subquery(SubqueryClauseSyntax(optional: optional, imports: imports, query: query, position: start))
  }

  private mutating func parseImports() throws(QueryError) -> SubqueryClauseSyntax.Imports {
    advance()
    if take(.star) {
      try expect(.rightParenthesis)
      return .all
    }
    var names: [Name] = []
    if take(.rightParenthesis) { return .names([]) }
    repeat { names.append(try name("a variable")) } while take(.comma)
    try expect(.rightParenthesis)
    return .names(names)
  }

  /// Reads names joined by dots.
  mutating func parseDottedName() throws(QueryError) -> String {
    var parts = [try name("the name of a procedure").text]
    while take(.dot) { parts.append(try name("a part of a name").text) }
    return parts.joined(separator: ".")
  }

  /// Reads expressions up to the closing parenthesis.
  mutating func parseArguments() throws(QueryError) -> [ExpressionSyntax] {
    var arguments: [ExpressionSyntax] = []
    if take(.rightParenthesis) { return arguments }
    repeat { arguments.append(try parseExpression()) } while take(.comma)
    try expect(.rightParenthesis)
    return arguments
  }

  private mutating func parseYield(into call: inout ProcedureCallSyntax) throws(QueryError) {
    if take(.star) {
      call.yieldsAll = true
      return
    }
    var yields: [YieldSyntax] = []
    if take(.minus) {
      call.yields = []
      return
    }
    repeat {
      let result = try name("the name of a result")
      let variable = take("AS") ? try name("a name for the result") : result
      yields.append(YieldSyntax(result: result.text, variable: variable))
    } while take(.comma)
    call.yields = yields
  }

  // MARK: SHOW

  /// The procedures that SHOW stands for, by the last word.
  private static let shown = [
    "DATABASE": "dbms.databases", "DATABASES": "dbms.databases", "FUNCTION": "dbms.functions",
    "FUNCTIONS": "dbms.functions", "PROCEDURE": "dbms.procedures", "PROCEDURES": "dbms.procedures",
    "INDEX": "db.indexes", "INDEXES": "db.indexes", "CONSTRAINT": "db.constraints", "CONSTRAINTS": "db.constraints",
  ]

  /// Reads the name behind SHOW DATABASE, and yields a call that keeps the database of that name.
  private mutating func parseShowDatabase(_ procedure: String, _ start: Position) throws(QueryError) -> [ClauseSyntax] {
    let name = try name("the name of a database")
    let variable = try make(.variable("name"), at: name.position)
    let literal = try make(.literal(.string(name.text)), at: name.position)
    var call = ProcedureCallSyntax(name: procedure, arguments: [], yieldsAll: true, position: start)
    call.filter = try make(.binary(.equal, variable, literal), at: name.position)
    return [.procedure(call)]
  }

  /// Reads SHOW as a call of a procedure: `SHOW FUNCTIONS YIELD name WHERE … RETURN …`.
  mutating func parseShow() throws(QueryError) -> [ClauseSyntax] {
    let start = position
    advance()
    while ["ALL", "BUILT", "IN", "DEFAULT", "HOME"].contains(token.keyword) { advance() }
    guard let procedure = Parser.shown[token.keyword] else {
      throw unsupported(
        "SHOW \(token.keyword)", at: start,
        "Use SHOW DATABASES, SHOW FUNCTIONS, SHOW PROCEDURES, SHOW INDEXES or SHOW CONSTRAINTS.")
    }
    let isOneDatabase = isAt("DATABASE")
    advance()
    if isOneDatabase, !isAt("YIELD"), !isAt("WHERE"), case .name = token.kind {
      return try parseShowDatabase(procedure, start)
    }
    if take("EXECUTABLE"), take("BY") {
      try expect("CURRENT")
      try expect("USER")
    }
    var call = ProcedureCallSyntax(name: procedure, arguments: [], yieldsAll: true, position: start)
    if isAt("WHERE") {
      call.filter = try parseWhere()
    } else if take("YIELD") {
      try parseYield(into: &call)
      var projection = ProjectionSyntax(isReturn: false, star: true, position: position)
      try parseOrder(into: &projection)
      projection.filter = try parseWhere()
      if isAt("RETURN") {
        return [.procedure(call), .project(projection), .project(try parseProjection(isReturn: true))]
      }
      projection.isReturn = projection.filter == nil
      let all = ProjectionSyntax(isReturn: true, star: true, position: position)
      return [.procedure(call), .project(projection)] + (projection.isReturn ? [] : [.project(all)])
    }
    return [.procedure(call)]
  }
}
