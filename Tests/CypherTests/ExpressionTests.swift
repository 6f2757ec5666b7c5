import Cypher
import QueryAlgebra
import Testing

@Suite("Expressions of queries")
struct ExpressionTests {
  @Test(
    "bind as strongly as openCypher says",
    arguments: [
      ("1 + 2 * 3 ^ 2", "(1 + (2 * (3 ^ 2)))"),
      ("2 ^ 3 ^ 2", "((2 ^ 3) ^ 2)"),
      ("-3 ^ 2", "(-3 ^ 2)"),
      ("7 - 2 - 1", "((7 - 2) - 1)"),
      ("NOT true AND false OR true", "((not true and false) or true)"),
      ("true XOR false OR true", "((true xor false) or true)"),
      ("NOT 1 = 2", "not (1 = 2)"),
      ("1 IN [1] = true", "((1 in [1]) = true)"),
      ("1 + 2 IS NULL", "((1 + 2) is null)"),
      ("'a' STARTS WITH 'b' + 'c'", "('a' starts with ('b' + 'c'))"),
      ("1 < 2 <= 3", "((1 < 2) and (2 <= 3))"),
      ("$a[0].b[1..]", "$a[0].b[1..]"),
      ("$`a b`.c =~ 'x'", "($a b.c =~ 'x')"),
      ("{a: 1, `b c`: [2]}.a", "{a: 1, b c: [2]}.a"),
      ("[x IN [1] WHERE x > 0 | x + 1]", "[#0 in [1] where (#0 > 0) | (#0 + 1)]"),
      ("[x IN [1], 2]", ""),
      ("reduce(s = 0, x IN [1] | s + x)", "reduce(#1 = 0, #0 in [1] | (#1 + #0))"),
      ("CASE 1 WHEN 2 THEN 3 END", "case 1 when 2 then 3 end"),
      ("CASE WHEN true THEN 1 ELSE 2 END", "case when true then 1 else 2 end"),
      ("all(x IN [1] WHERE x = 1)", "all(#0 in [1] where (#0 = 1))"),
      ("exists($p.x)", "($p.x is not null)"),
      ("1 < $x + 1 < 3", "[#0 in [($x + 1)] | ((1 < #0) and (#0 < 3))][0]"),
    ])
  func precedence(_ text: String, _ expected: String) throws {
    if expected.isEmpty {
      #expect(failure("RETURN \(text)") == "SyntaxError.UndefinedVariable@8")
    } else {
      #expect(try expression(text) == expected)
    }
  }

  @Test(
    "read numbers and texts in each of their forms",
    arguments: [
      ("0x1F", "31"), ("0o17", "15"), ("1_000", "1000"), ("-9223372036854775808", "-9223372036854775808"),
      ("-0x8000000000000000", "-9223372036854775808"), (".5", "0.5"), ("1e3", "1000.0"), ("1.5E-1", "0.15"),
      ("\"a'b\"", "'a'b'"), ("'a\\'b\\u00e5\\U0001F600'", "'a'bå😀'"), ("'\\uD83D\\uDE00'", "'😀'"), ("TrUe", "true"),
      ("/* a */ 1 // b\n", "1"),
    ])
  func literals(_ text: String, _ expected: String) throws {
    #expect(try expression(text) == expected)
  }

  @Test("name columns as the text writes them")
  func columns() throws {
    let query = try CypherCompiler.compile(
      "MATCH (n) RETURN n, n.x ,  count( * ), n.`y z`+1 AS `a b`", catalogue: catalogue)
    #expect(query.columns.map(\.name) == ["n", "n.x", "count( * )", "a b"])
  }

  @Test("may use keywords as names")
  func keywords() throws {
    let query =
      "MATCH (end)-[order:IN]->(case {limit: 1}) RETURN end.match, order, case.return ORDER BY order.skip LIMIT 1"
    #expect(try plan(query).contains("#0.match"))
  }

  @Test("say how a query runs", arguments: [("EXPLAIN ", Query.Mode.explain), ("PROFILE ", .profile), ("", .run)])
  func modes(_ prefix: String, _ mode: Query.Mode) throws {
    #expect(try CypherCompiler.compile("\(prefix)USE neo4j RETURN 1;", catalogue: catalogue).mode == mode)
  }
}
