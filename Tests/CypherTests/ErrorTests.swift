import Testing

@Suite("Mistakes in queries")
struct ErrorTests {
  @Test(
    "of the text are found where they stand",
    arguments: [
      ("", "SyntaxError.UnexpectedSyntax@0"),
      ("MATCH (n)", "SyntaxError.InvalidClauseComposition@0"),
      ("MATCH (n) RETURN", "SyntaxError.UnexpectedSyntax@16"),
      ("RETURN 'a", "SyntaxError.UnexpectedSyntax@7"),
      ("RETURN `a", "SyntaxError.UnexpectedSyntax@7"),
      ("RETURN /* x", "SyntaxError.UnexpectedSyntax@7"),
      ("RETURN 1 – 2", "SyntaxError.InvalidUnicodeCharacter@9"),
      ("RETURN '\\u12G4'", "SyntaxError.InvalidUnicodeLiteral@8"),
      ("RETURN '\\uD800'", "SyntaxError.InvalidUnicodeLiteral@8"),
      ("RETURN '\\q'", "SyntaxError.UnexpectedSyntax@8"),
      ("RETURN 9223372036854775808", "SyntaxError.IntegerOverflow@7"),
      ("RETURN -9223372036854775809", "SyntaxError.IntegerOverflow@8"),
      ("RETURN 0xFFFFFFFFFFFFFFFFF", "SyntaxError.IntegerOverflow@7"),
      ("RETURN 12abc", "SyntaxError.InvalidNumberLiteral@7"),
      ("RETURN 0x", "SyntaxError.InvalidNumberLiteral@7"),
      ("RETURN 1e400", "SyntaxError.FloatingPointOverflow@7"),
      ("RETURN 1 != 2", "SyntaxError.UnexpectedSyntax@9"),
      ("RETURN [1,]", "SyntaxError.UnexpectedSyntax@10"),
      ("MATCH (n $p) RETURN n", "SyntaxError.InvalidParameterUse@9"),
      ("MATCH ()-[:T*-1]->() RETURN 1", "SyntaxError.InvalidRelationshipPattern@13"),
      ("RETURN 1 AS a UNION RETURN 1 AS a UNION ALL RETURN 1 AS a", "SyntaxError.InvalidClauseComposition@34"),
      ("RETURN 1 AS a UNION RETURN 1 AS b", "SyntaxError.DifferentColumnsInUnion@20"),
    ])
  func text(_ query: String, _ expected: String) {
    #expect(failure(query) == expected, "\(query)")
  }

  @Test(
    "of names and scopes are found where they stand",
    arguments: [
      ("RETURN n", "SyntaxError.UndefinedVariable@7"),
      ("MATCH (n) WITH n.x AS x RETURN n", "SyntaxError.UndefinedVariable@31"),
      ("MATCH (n) WHERE (n)-->(m) RETURN n", "SyntaxError.UndefinedVariable@23"),
      ("MATCH (n) RETURN DISTINCT n.x ORDER BY n.y", "SyntaxError.UndefinedVariable@39"),
      ("MATCH (r)-[r]->() RETURN r", "SyntaxError.VariableTypeConflict@11"),
      ("WITH 1 AS n MATCH (n) RETURN n", "SyntaxError.VariableTypeConflict@19"),
      ("MATCH (p) MATCH p = ()--() RETURN p", "SyntaxError.VariableAlreadyBound@16"),
      ("UNWIND [1] AS x UNWIND [2] AS x RETURN x", "SyntaxError.VariableAlreadyBound@30"),
      ("MATCH ()-[r]->()-[r]->() RETURN r", "SyntaxError.RelationshipUniquenessViolation@18"),
      ("MATCH (n) CALL { MATCH (n) RETURN n } RETURN n", "SyntaxError.VariableAlreadyBound@10"),
      ("MATCH (n) WITH n.x RETURN 1", "SyntaxError.NoExpressionAlias@16"),
      ("RETURN 1 AS a, 2 AS a", "SyntaxError.ColumnNameConflict@15"),
      ("MATCH () RETURN *", "SyntaxError.NoVariablesInScope@9"),
      ("MATCH (n) RETURN n LIMIT n.x", "SyntaxError.NonConstantExpression@25"),
      ("RETURN nope(1)", "SyntaxError.UnknownFunction@7"),
      ("RETURN abs(1, 2)", "SyntaxError.InvalidNumberOfArguments@7"),
      ("CALL nope()", "ProcedureError.ProcedureNotFound@0"),
      ("CALL add(1)", "SyntaxError.InvalidNumberOfArguments@0"),
      ("CALL add('x', 1)", "SyntaxError.InvalidArgumentType@9"),
      ("CALL db.labels() YIELD foo", "SyntaxError.UndefinedVariable@23"),
      ("MATCH (n) CALL db.labels YIELD label RETURN n", "SyntaxError.InvalidArgumentPassingMode@10"),
      ("MATCH (n) CALL db.labels() YIELD * RETURN n", "SyntaxError.UnexpectedSyntax@10"),
      ("USE other RETURN 1", "EntityNotFound@4"),
    ])
  func names(_ query: String, _ expected: String) {
    #expect(failure(query) == expected, "\(query)")
  }

  @Test(
    "of types and aggregations are found where they stand",
    arguments: [
      ("RETURN 1 AND true", "SyntaxError.InvalidArgumentType@7"),
      ("MATCH (n) WHERE n RETURN n", "SyntaxError.InvalidArgumentType@16"),
      ("MATCH (n) RETURN type(n)", "SyntaxError.InvalidArgumentType@17"),
      ("RETURN 1 IN 2", "SyntaxError.InvalidArgumentType@9"),
      ("RETURN any(x IN ['a'] WHERE x * 2 = 1)", "SyntaxError.InvalidArgumentType@30"),
      ("WITH 1 AS x RETURN x.y", "TypeError.InvalidArgumentType@19"),
      ("WITH true AS x RETURN x[0]", "TypeError.InvalidArgumentType@22"),
      ("RETURN 1 LIMIT -1", "SyntaxError.NegativeIntegerArgument@15"),
      ("RETURN 1 SKIP 1.5", "SyntaxError.InvalidArgumentType@14"),
      ("MATCH (n) WHERE count(n) > 1 RETURN n", "SyntaxError.InvalidAggregation@25"),
      ("MATCH (n) RETURN n ORDER BY count(n)", "SyntaxError.InvalidAggregation@28"),
      ("RETURN [x IN [1] | count(x)]", "SyntaxError.InvalidAggregation@19"),
      ("RETURN count(count(*))", "SyntaxError.NestedAggregation@13"),
      ("RETURN sum(rand())", "SyntaxError.NonConstantExpression@11"),
      ("MATCH (n) RETURN n.x + count(*)", "SyntaxError.AmbiguousAggregationExpression@17"),
      ("MATCH (n) RETURN n.x + 1, n.x + 1 + count(*)", "SyntaxError.AmbiguousAggregationExpression@26"),
      ("MATCH (n) RETURN (n)-->()", "SyntaxError.UnexpectedSyntax@17"),
    ])
  func types(_ query: String, _ expected: String) {
    #expect(failure(query) == expected, "\(query)")
  }

  @Test(
    "that are none, but ask for what is not there, are rejected by name",
    arguments: [
      ("CREATE (n)", "CREATE"), ("MATCH (n) SET n.x = 1", "SET"), ("MERGE (n) ON CREATE SET n.x = 1", "MERGE"),
      ("MATCH (n) DETACH DELETE n", "DETACH"), ("MATCH (n) REMOVE n.x", "REMOVE"),
      ("FOREACH (x IN [1] | CREATE (n {a: x}))", "FOREACH"), ("LOAD CSV FROM 'x' AS l RETURN l", "LOAD"),
      ("MATCH (a)-[r* WHERE r.x]->() RETURN a", "WHERE"), ("MATCH ((a)-->(b)){2} RETURN a", "quantified"),
      ("MATCH p = shortestPath((a)-[*]-(b)) WHERE length(p) > 3 RETURN p", "shortest path"),
      ("RETURN 1 IS :: INTEGER", "IS without NULL"), ("SHOW USERS", "SHOW USERS"),
      ("MATCH p = ANY SHORTEST (a)-->(b) RETURN p", "ANY"), ("MATCH (a)-->{1,2}(b) RETURN a", "quantified"),
      ("MATCH (a:A) USING INDEX a:A(x) RETURN a", "USING"),
    ])
  func unsupported(_ query: String, _ name: String) {
    let error = #expect(throws: (any Error).self) { try plan(query) }
    #expect("\(error.map { "\($0)" } ?? "")".hasPrefix("Unsupported: "), "\(query)")
    #expect("\(error.map { "\($0)" } ?? "")".contains(name), "\(query)")
  }
}
