import QueryValues
import Testing

@Suite struct FunctionTests {
  static let vertex = Value.vertex(OneVertexGraph.vertex)
  static let edge = Value.edge(OneVertexGraph.edge)
  static let path = Value.path(Path(objects: [vertex, edge, vertex]))

  @Test(
    arguments: [
      ("coalesce", [.null, 2, 3], "2"), ("nullIf", [1, 1.0], "null"), ("id", [vertex], "7"),
      ("elementId", [edge], "'9'"),
      ("labels", [vertex], "['Person']"), ("labels", [1], "InvalidArgumentValue"), ("type", [edge], "'KNOWS'"),
      ("startNode", [edge], "(:Person {name: 'Ann'})"), ("properties", [edge], "{`first year`: 1999}"),
      ("keys", [vertex], "['name']"), ("keys", [.null], "null"), ("length", [path], "1"),
      ("nodes", [path], "[(:Person {name: 'Ann'}), (:Person {name: 'Ann'})]"),
      ("relationships", [path], "[[:KNOWS {`first year`: 1999}]]"), ("timestamp", [], "1709249415123"),
      ("valueType", [[1, "a"]], "'LIST<INTEGER NOT NULL | STRING NOT NULL> NOT NULL'"), ("size", ["aé𝄞"], "3"),
      ("size", [[1]], "1"),
      ("reverse", ["abc"], "'cba'"), ("reverse", [[1, 2]], "[2, 1]"), ("tail", [[1, 2, 3]], "[2, 3]"),
      ("head", [[]], "null"), ("last", [[1, 2]], "2"),
      ("range", [0, 10, 4], "[0, 4, 8]"), ("range", [3, 1], "[]"), ("range", [1, 1, -1], "[1]"),
      ("range", [3, 1, -2], "[3, 1]"),
      ("range", [1, 2, 0], "NumberOutOfRange"), ("range", [1.0, 2], "InvalidArgumentType"),
      ("range", [.integer(.max), .integer(.min), .integer(.min)], "[9223372036854775807, -1]"),
      (
        "range", [.integer(.min), .integer(.max), .integer(.max)],
        "[-9223372036854775808, -1, 9223372036854775806]"
      ),
      ("isEmpty", [""], "true"), ("toInteger", ["2.9"], "2"), ("toInteger", [" 42 "], "42"),
      ("toInteger", ["0x10"], "null"), ("toInteger", [true], "1"),
      ("toInteger", [1e300], "NumberOutOfRange"), ("toInteger", [[]], "InvalidArgumentValue"),
      ("toIntegerOrNull", [[]], "null"), ("toFloat", ["1e3"], "1000.0"),
      ("toFloat", ["inf"], "null"), ("toBoolean", ["TRUE"], "true"), ("toBoolean", [0], "false"),
      ("toString", [1.5e10], "'1.5E10'"),
      ("toStringList", [[1, .null, []]], "['1', null, null]"), ("left", ["hello", 2], "'he'"),
      ("right", ["hello", 9], "'hello'"),
      ("left", ["a", -1], "NumberOutOfRange"), ("substring", ["hello", 1, 3], "'ell'"), ("trim", ["  a "], "'a'"),
      ("bTrim", ["xxaxx", "x"], "'a'"),
      ("rTrim", [" a "], "' a'"), ("replace", ["abab", "b", "xy"], "'axyaxy'"), ("replace", ["ab", "", "x"], "'ab'"),
      ("split", ["a,b;c", [",", ";"]], "['a', 'b', 'c']"),
      ("split", ["ab", ""], "['a', 'b']"), ("split", [",a", ","], "['', 'a']"), ("toUpper", ["straße"], "'STRASSE'"),
      ("abs", [-3], "3"), ("abs", [.integer(.min)], "NumberOutOfRange"),
      ("sign", [-0.5], "-1"), ("ceil", [1.2], "2.0"), ("round", [-1.5], "-1.0"), ("round", [1.25, 1], "1.3"),
      ("round", [1.25, 1, "HALF_EVEN"], "1.2"),
      ("round", [-1.55, 1, "UP"], "-1.6"), ("round", [0.004, 2], "0.0"), ("round", [0.006, 2], "0.01"),
      ("round", [9.99, 1], "10.0"), ("round", [0.5, 0, "FLOOR"], "0.0"), ("round", [1e300, 2], "1.0E300"),
      ("round", [0.001, 2, "CEILING"], "0.01"), ("round", [-0.0004, 2, "UP"], "-0.01"),
      ("sqrt", ["a"], "InvalidArgumentType"), ("log10", [1000], "3.0"), ("isNaN", [.float(.nan)], "true"),
      ("haversin", [0], "0.0"), ("point", [map([:])], ""),
      ("apoc.map.merge", [map(["a": 1, "b": 2]), map(["b": 3])], "{a: 1, b: 3}"),
    ] as [(String, [Value], String)])
  func `Functions answer`(name: String, arguments: [Value], expected: String) {
    let context = FunctionContext(
      graph: OneVertexGraph(), seconds: statementTime.seconds, nanoseconds: statementTime.nanoseconds,
      random: RandomSource(seed: 1))
    let result = outcome { () throws(QueryError) in try Functions.named(name.lowercased())!.body(arguments, context) }
    #expect(result == expected)
  }

  @Test func `Every function rejects other numbers of arguments`() {
    #expect(Functions.all.count > 100)
    for function in Functions.all where function.name != "coalesce" {
      let many = Array(repeating: Value.null, count: function.arity.upperBound + 1)
      #expect(throws: QueryError.self) { try function.checkCount(many.count) }
    }
  }

  /// Nothing crashes on values that nobody thought of.
  @Test func `Every function answers or fails for every kind of value`() {
    let kinds: [Value] = [
      .null, true, .integer(.min), .integer(.max), .float(.nan), .float(-.infinity), "", "P1D", "9999-99", [], [[]],
      map([:]), map(["year": .integer(.max)]),
      map(["nanosecond": .integer(.min)]), map(["months": 1e18, "days": .integer(.max)]), Self.vertex, Self.edge,
      Self.path, .temporal(.date(days: .max / (1 << 25))),
      .temporal(.duration(DurationValue(months: .min, days: .max, seconds: .min, nanoseconds: 999_999_999))),
      .integer32(1), .float32(1), .set([1]), .token(.id),
      .temporal(.dateTime(ZonedDateTime(seconds: 0, nanoseconds: 0, offset: 0, zone: "../etc/passwd"))),
    ]
    for function in Functions.all {
      for first in kinds {
        for second in kinds {
          let arguments = [first, second, first].prefix(
            max(function.arity.lowerBound, min(3, function.arity.upperBound)))
          _ = outcome { () throws(QueryError) in
            try function.body(
              Array(arguments),
              FunctionContext(graph: OneVertexGraph(), seconds: 0, nanoseconds: 0, random: RandomSource(seed: 1)))
          }
        }
      }
    }
    for first in kinds {
      for second in kinds {
        for operation in Operation.allCases {
          _ = outcome { () throws(QueryError) in try operation.apply(first, second) }
        }
      }
    }
  }

  @Test func `Random values come from the source`() throws {
    let context = FunctionContext(graph: OneVertexGraph(), seconds: 0, nanoseconds: 0, random: RandomSource(seed: 7))
    let again = FunctionContext(graph: OneVertexGraph(), seconds: 0, nanoseconds: 0, random: RandomSource(seed: 7))
    for name in ["rand", "randomuuid"] {
      let function = Functions.named(name)!
      #expect(try function.body([], context).isSame(as: try function.body([], again)))
    }
    let text = try #require(try Functions.named("randomuuid")!.body([], context).plainText)
    #expect(try Pattern("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}").matches(text))
  }

  @Test(
    arguments: [
      (1.0, "1.0"), (-0.0, "-0.0"), (0.001, "0.001"), (0.0001, "1.0E-4"), (1e7, "1.0E7"), (9_999_999.5, "9999999.5"),
      (123.456, "123.456"),
      (1.0e100, "1.0E100"), (100, "100.0"), (1_234_567, "1234567.0"), (12_345_678, "1.2345678E7"),
    ] as [(Double, String)])
  func `Floating-point numbers are written as Java writes them`(value: Double, expected: String) {
    #expect(Value.float(value).plainText == expected)
  }

  @Test func `Values are written as Cypher writes them`() {
    let graph = OneVertexGraph()
    #expect(
      Self.path.cypherText(graph: graph)
        == "<(:Person {name: 'Ann'})-[:KNOWS {`first year`: 1999}]->(:Person {name: 'Ann'})>")
    #expect(Value.string("a'b\n\\").cypherText(graph: nil) == "'a\\'b\\n\\\\'")
    #expect(Self.vertex.cypherText(graph: nil) == "(7)")
    #expect((["aaaa", "bbbb"] as Value).cypherText(graph: nil, limit: 9) == "['aaaa', …")
  }
}

/// The operators with two operands that fail for some of them.
private enum Operation: CaseIterable {
  case add, subtract, multiply, divide, modulo, power, membership, subscripted

  func apply(_ left: Value, _ right: Value) throws(QueryError) -> Value {
    switch self {
    case .add: try Arithmetic.add(left, right)
    case .subtract: try Arithmetic.subtract(left, right)
    case .multiply: try Arithmetic.multiply(left, right)
    case .divide: try Arithmetic.divide(left, right)
    case .modulo: try Arithmetic.modulo(left, right)
    case .power: try Arithmetic.power(left, right)
    case .membership: try Lists.membership(left, right)
    case .subscripted: try Lists.subscripted(left, right)
    }
  }
}
