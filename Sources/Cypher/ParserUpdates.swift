import QueryValues

/// Clauses that write. They are read so that the error names them, and nothing else.
extension Parser {
  /// Reads a clause that writes, if one stands here.
  mutating func parseUpdate() throws(QueryError) -> ClauseSyntax? {
    let start = position
    let keyword = token.keyword
    switch keyword {
    case "CREATE", "INSERT": return .create(try parseCreate(start), start)
    case "MERGE": try parseMerge()
    case "SET":
      advance()
      try parseAssignments()
    case "REMOVE":
      advance()
      repeat { _ = try parseExpression() } while take(.comma)
    case "DETACH", "NODETACH", "DELETE":
      if keyword != "DELETE" { advance() }
      try expect("DELETE")
      repeat { _ = try parseExpression() } while take(.comma)
    case "FOREACH": try parseForeach()
    case "LOAD", "DROP", "ALTER", "GRANT", "REVOKE", "DENY", "START", "STOP", "TERMINATE", "FINISH", "LET", "FOR",
      "FILTER":
      throw unsupported("\(keyword)", at: start, "Use MATCH, UNWIND, WITH, CALL and RETURN.")
    default: return nil
    }
    return .update(keyword, start)
  }

  private static let schema: Set<String> = [
    "INDEX", "CONSTRAINT", "DATABASE", "FULLTEXT", "VECTOR", "RANGE", "TEXT", "POINT", "LOOKUP", "USER", "ROLE",
    "ALIAS",
  ]

  private mutating func parseCreate(_ start: Position) throws(QueryError) -> [PatternPartSyntax] {
    advance()
    guard !Parser.schema.contains(token.keyword) else {
      throw unsupported("CREATE \(token.keyword)", at: start, "The graph has no schema to change; leave it out.")
    }
    isCreating = true
    defer { isCreating = false }
    return try parsePattern()
  }

  private mutating func parseMerge() throws(QueryError) {
    advance()
    _ = try parsePattern()
    while isAt("ON", "CREATE") || isAt("ON", "MATCH") {
      advance()
      advance()
      try expect("SET")
      try parseAssignments()
    }
  }

  private mutating func parseAssignments() throws(QueryError) {
    repeat {
      // `a.name = value` reads as a comparison, `a:Label` as a predicate.
      _ = try parseExpression()
      if take(.addAssign) { _ = try parseExpression() }
    } while take(.comma)
  }

  private mutating func parseForeach() throws(QueryError) {
    advance()
    try expect(.leftParenthesis)
    _ = try name("a variable")
    try expect("IN")
    _ = try parseExpression()
    try expect(.bar)
    try nested { (parser) throws(QueryError) in
      while try parser.parseUpdate() != nil {}
    }
    try expect(.rightParenthesis)
  }
}
