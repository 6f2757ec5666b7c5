import QueryValues
import Testing

@Suite struct ComparisonTests {
  static let nan = Value.float(.nan)

  @Test(
    arguments: [
      (.integer(1), .float(1), true), (.null, .null, nil), (nan, nan, false), (.string("1"), .integer(1), false),
      (.list([.null]), .list([.integer(1)]), nil), (.list([.null, .integer(1)]), .list([.null, .integer(2)]), false),
      (.list([.null]), .list([]), false), (.string("\u{E9}"), .string("e\u{301}"), false),
      (.map(ValueMap([("a", .null)])), .map(ValueMap([("a", .integer(1))])), nil),
      (.map(ValueMap([("a", .null)])), .map(ValueMap([("b", .null)])), false),
      (.integer(9_007_199_254_740_993), .float(9_007_199_254_740_992), false),
    ] as [(Value, Value, Bool?)])
  func `Equality of Cypher is three-valued and exact`(left: Value, right: Value, expected: Bool?) {
    #expect(left.equals(right) == expected)
    #expect(right.equals(left) == expected)
  }

  @Test(
    arguments: [
      (.integer(1), .float(1.5), .less), (nan, .integer(1), .unordered), (.string("1"), .integer(1), nil),
      (.list([.integer(1), .integer(2)]), .list([.integer(1), .null]), nil),
      (.list([.integer(1), .integer(2)]), .list([.integer(3), .null]), .less),
      (.list([.integer(1), .null]), .list([.integer(1)]), .greater),
      (.integer(.max), .float(0x1p63), .less), (.integer(.min), .float(-0x1p63), .equal),
      (.float(-0x1.8p63), .integer(.min), .less), (.float(-1.5), .integer(-1), .less), (nan, .string("a"), nil),
      (.boolean(false), .boolean(true), .less), (.vertex(Vertex(id: 1)), .vertex(Vertex(id: 2)), nil),
    ] as [(Value, Value, Comparison?)])
  func `Comparison of Cypher is unknown across types`(left: Value, right: Value, expected: Comparison?) {
    #expect(Value.compare(left, right) == expected)
    #expect(Value.compare(right, left) == expected?.reversed)
  }

  @Test func `Every value has its place in Cypher's order`() {
    let edge = Edge(id: 1, source: Vertex(id: 0), target: Vertex(id: 1))
    let ordered: [Value] = [
      .map(ValueMap()), .map(ValueMap([("a", .integer(1))])), .map(ValueMap([("a", .string("x"))].reversed())),
      .vertex(Vertex(id: 0)), .edge(edge), .list([]), .list([.integer(1)]), .list([.integer(1), .null]),
      .path(Path(objects: [])), .temporal(.date(days: 1)), .string(""), .string("a"), .boolean(false), .boolean(true),
      .float(-.infinity), .integer(1), .float(1.5), .integer(.max), .float(.infinity), Self.nan, .null,
    ]
    for (index, left) in ordered.enumerated() where index != 1 && index != 2 {
      for (other, right) in ordered.enumerated() where other != 1 && other != 2 {
        #expect(Value.order(left, right) == Comparison(index, other), "\(index) \(other)")
      }
    }
    #expect(Value.order(ordered[2], ordered[1]) == .less)
  }

  @Test(
    arguments: [
      (.integer(1), .float(1), true), (.integer32(1), .integer(1), true), (nan, .float32(.nan), true),
      (.float(0), .float(-0.0), true), (.null, .null, true), (.list([.integer(1)]), .list([.float(1)]), true),
      (.set([.integer(1), .integer(2)]), .set([.integer(2), .integer(1)]), true),
      (.set([.integer(1)]), .list([.integer(1)]), false), (.string("a"), .string("b"), false),
      (.map(ValueMap([("a", .null), ("b", .null)])), .map(ValueMap([("b", .null), ("a", .null)])), true),
      (.temporal(.date(days: 1)), .temporal(.date(days: 1)), true), (.boolean(true), .integer(1), false),
    ] as [(Value, Value, Bool)])
  func `Grouping keys that are the same hash the same`(left: Value, right: Value, expected: Bool) {
    #expect(left.isSame(as: right) == expected)
    if expected { #expect(GroupingKey(left).hashValue == GroupingKey(right).hashValue) }
  }

  @Test func `Every value has its place in Gremlin's order`() {
    let ordered: [Value] = [
      .null, .boolean(false), .boolean(true), .float(-.infinity), .integer32(1), .float(2), .float(.infinity), Self.nan,
      .temporal(.date(days: 0)), .string("bar"), .string("foo"), .vertex(Vertex(id: 1)), .vertex(Vertex(id: 2)),
      .set([.string("z"), .string("x")]), .list([.string("a")]), .list([.string("a"), .string("b")]),
      .map(ValueMap([("b", .boolean(false)), ("a", .string("a")), ("c", .null)])),
      .map(ValueMap([("a", .string("a")), ("b", .string("b"))])), .token(.id),
    ]
    for (index, left) in ordered.enumerated() {
      for (other, right) in ordered.enumerated() {
        #expect(GremlinComparison.order(left, right) == Comparison(index, other), "\(index) \(other)")
      }
    }
  }

  @Test(
    arguments: [
      (.null, .null, true, .equal), (nan, nan, false, nil), (nan, .float(1), false, nil),
      (.integer32(1), .float(1), true, .equal), (.null, .integer(1), false, nil),
      (.string("a"), .integer(1), false, nil), (.list([.integer(1)]), .list([.string("a")]), false, nil),
      (.list([nan]), .list([nan]), false, nil), (.boolean(false), .boolean(true), false, .less),
    ] as [(Value, Value, Bool, Comparison?)])
  func `Gremlin compares within a type`(left: Value, right: Value, equal: Bool, expected: Comparison?) {
    #expect(GremlinComparison.equals(left, right) == equal)
    #expect(GremlinComparison.compare(left, right) == expected)
  }

  @Test func `Nesting is measured`() {
    var value = Value.integer(1)
    for _ in 0..<5 { value = .list([value]) }
    #expect(value.nests(deeperThan: 4))
    #expect(!value.nests(deeperThan: 5))
  }
}
