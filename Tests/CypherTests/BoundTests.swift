import Cypher
import Testing

@Suite("Bounds of queries")
struct BoundTests {
  /// Forms that nest: what opens a level, what closes it, and what stands inside.
  static let forms = [
    ("RETURN ", "[", "]", "1"), ("RETURN ", "{k: ", "}", "1"), ("RETURN ", "(", ")", "1"),
    ("RETURN ", "NOT ", "", "true"),
    ("RETURN ", "- ", "", "1"), ("RETURN ", "abs(", ")", "1"), ("RETURN ", "1 + ", "", "1"),
    ("RETURN ", "CASE WHEN true THEN ", " END", "1"), ("RETURN ", "[x IN [1] | ", "]", "1"),
    ("RETURN ", "1 < (", ") < 3", "2"), ("RETURN 1", " + 1", "", ""), ("WITH {} AS x RETURN x", ".a", "", ""),
  ]

  @Test("admit expressions that are nested 400 levels deep", arguments: forms)
  func deep(_ prefix: String, _ open: String, _ close: String, _ inner: String) {
    let text = prefix + String(repeating: open, count: 400) + inner + String(repeating: close, count: 400)
    #expect(failure(text) == "none")
  }

  @Test("reject expressions that are nested deeper, and do not fall over them", arguments: forms)
  func deeper(_ prefix: String, _ open: String, _ close: String, _ inner: String) {
    for count in [600, 20_000] {
      let text = prefix + String(repeating: open, count: count) + inner + String(repeating: close, count: count)
      #expect(failure(text).hasPrefix("ArgumentError@"))
    }
  }

  @Test(
    "count levels of subqueries with those of expressions",
    arguments: [
      ("RETURN ", "COUNT { RETURN 1 + 1 + 1 + ", " AS x }", "1"),
      ("MATCH (n) WHERE ", "EXISTS { (n)-->() WHERE ", " }", "true"),
      ("", "CALL { ", " RETURN 1 AS x }", "MATCH (n)"),
    ])
  func subqueries(_ prefix: String, _ open: String, _ close: String, _ inner: String) {
    let text = prefix + String(repeating: open, count: 600) + inner + String(repeating: close, count: 600) + " RETURN 1"
    #expect(failure(text).hasPrefix("ArgumentError@"))
  }

  @Test("do not count the operands of a long chain of OR as levels")
  func longChain() {
    let condition = (0..<3000).map { "n.x = \($0)" }.joined(separator: " OR ")
    #expect(failure("MATCH (n) WHERE \(condition) RETURN n") == "none")
  }

  @Test("limit the text, the clauses and the patterns")
  func sizes() {
    #expect(failure("RETURN '\(String(repeating: "a", count: CypherCompiler.maximumTextSize))'") == "ArgumentError@-1")
    #expect(failure(String(repeating: "WITH 1 AS a ", count: 500) + "RETURN a").hasPrefix("ArgumentError@"))
    #expect(failure("MATCH ()" + String(repeating: "--()", count: 500) + " RETURN 1").hasPrefix("ArgumentError@"))
  }
}
