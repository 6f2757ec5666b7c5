import Gremlin
import QueryAlgebra
import QueryValues
import Testing

@Suite("Scripts of Gremlin")
struct GremlinParserTests {
  /// The only argument of the second step of a script.
  private func argument(_ text: String, bindings: [String: Value] = [:]) throws -> Bytecode.Argument {
    let bytecode = try GremlinParser.parse("g.V().is(\(text))", bindings: bindings)
    return try #require(bytecode.steps.last?.arguments.first)
  }

  private func value(_ text: String, bindings: [String: Value] = [:]) throws -> Value {
    guard case .value(let value) = try argument(text, bindings: bindings) else {
      throw QueryError(.internal, "\(text) is no value")
    }
    return value
  }

  @Test(
    "Literals have the type that their suffix says",
    arguments: [
      ("7", Value.integer32(7)), ("-7", .integer32(-7)), ("7L", .integer(7)), ("7i", .integer32(7)),
      ("2147483648", .integer(2_147_483_648)), ("-2147483648i", .integer32(.min)),
      ("-9223372036854775808L", .integer(.min)), ("0x1F", .integer32(31)), ("1_000", .integer32(1000)),
      ("1.5", .float(1.5)), (".5", .float(0.5)), ("1.5f", .float32(1.5)), ("2d", .float(2)), ("1e3", .float(1000)),
      ("-Infinity", .float(-.infinity)), ("null", .null), ("true", .boolean(true)), ("T.id", .token(.id)),
      ("'it''s'".replacing("''", with: "\\'"), .string("it's")), ("\"a\\tb\"", .string("a\tb")),
      ("'\\u00e9\\ud83d\\ude00'", .string("é😀")), ("'''a\nb'''", .string("a\nb")),
      ("[1,2]", .list([.integer32(1), .integer32(2)])),
      ("1..3", .list([.integer32(1), .integer32(2), .integer32(3)])),
      ("{1,2,1}", .set([.integer32(1), .integer32(2)])),
      ("[1,1] as Set", .set([.integer32(1)])), ("[]", .list([])),
      ("new ReferenceVertex(5, 'person')", .vertex(Vertex(id: 5))),
    ])
  func literals(text: String, expected: Value) throws {
    let value = try value(text)
    #expect(value.isSame(as: expected))
    #expect(String(describing: value).prefix(8) == String(describing: expected).prefix(8))
  }

  @Test("Maps have keys of any kind")
  func maps() throws {
    guard case .map(let map) = try value("[a: 1, 'b c': 2, (T.id): 3, 4: 5]") else {
      Issue.record("no map")
      return
    }
    #expect(map.count == 4)
    #expect(map["a"]?.isSame(as: .integer32(1)) == true)
    #expect(map[.token(.id)]?.isSame(as: .integer32(3)) == true)
    #expect(try value("[:]").isSame(as: .map(ValueMap())))
  }

  @Test("Names are constants, bindings or assigned values")
  func names() throws {
    #expect(try value("x", bindings: ["x": .integer(9)]).isSame(as: .integer(9)))
    guard case .constant("Order", "desc") = try argument("desc"), case .constant("Pop", "all") = try argument("Pop.all")
    else {
      Issue.record("no constants")
      return
    }
    let bytecode = try GremlinParser.parse("def n = 3\n g.V().limit(n);")
    guard case .value(let limit)? = bytecode.steps.last?.arguments.first else {
      Issue.record("no value")
      return
    }
    #expect(limit.isSame(as: .integer32(3)))
  }

  @Test("A script spans lines, has comments, and calls of the source")
  func lines() throws {
    let bytecode = try GremlinParser.parse(
      """
      // all of them
      g.with('evaluationTimeout', 500).V() /* here */
       .out('knows').
         values("name")
      """)
    #expect(bytecode.source.map(\.name) == ["with"])
    #expect(bytecode.steps.map(\.name) == ["V", "out", "values"])
  }

  @Test("Predicates are chained and negated, and not() is a step, too")
  func predicates() throws {
    guard case .predicate(_, "and", let parts) = try argument("gt(1).and(P.lt(3))") else {
      Issue.record("no conjunction")
      return
    }
    #expect(parts.count == 2)
    guard case .predicate(_, "not", _) = try argument("not(within(1, 2))"),
      case .traversal(let bytecode) = try argument("not(out())")
    else {
      Issue.record("no negations")
      return
    }
    #expect(bytecode.steps.map(\.name) == ["not"])
  }

  @Test(
    "Mistakes are rejected with their place",
    arguments: [
      ("g.V().has('a", 10), ("g.V(", 4), ("g.V().out", 9), ("V()", 0), ("g.V().is(foo)", 9), ("g.V().is(1x)", 9),
      ("g.V(); g.E()", 7), ("g", 1), ("g.V().is(99999999999999999999)", 9), ("g.V().map(g.V())", 10),
      ("g.V().is('a\\q')", 11),
    ])
  func mistakes(text: String, offset: Int) throws {
    let error = try #require(throws: QueryError.self) { try GremlinParser.parse(text) }
    #expect(error.kind == .syntax)
    #expect(error.offset == offset)
  }

  @Test(
    "Code is rejected by name",
    arguments: ["g.V().map{it.get()}", "g.V().map({ it -> it })", "g.V().map(Lambda.function('it'))"])
  func code(text: String) throws {
    let error = try #require(throws: QueryError.self) { try GremlinParser.parse(text) }
    #expect(error.kind == .unsupported)
  }

  @Test("Nesting and length are bounded")
  func bounds() {
    let nested = "g.V().is(" + String(repeating: "[", count: 100_000)
    #expect(throws: QueryError.self) { try GremlinParser.parse(nested) }
    #expect(throws: QueryError.self) { try GremlinParser.parse("g" + String(repeating: ".V()", count: 100_000)) }
    #expect(throws: QueryError.self) { try GremlinParser.parse("g.inject(1..1000000)") }
    #expect(throws: QueryError.self) {
      try GremlinParser.parse("g.V()" + String(repeating: ".where(out()", count: 5000))
    }
  }
}
