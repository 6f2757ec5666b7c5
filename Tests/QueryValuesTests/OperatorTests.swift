import QueryValues
import Testing

@Suite struct OperatorTests {
  @Test(
    arguments: [
      (7, 2, "3"), (-7, 2, "-3"), (7, 0, "DivisionByZero"), (7.0, 0, "Infinity"), (7, 2.0, "3.5"),
      (.null, 0, "DivisionByZero"),
      (.integer(.min), -1, "NumberOutOfRange"), ("a", 1, "InvalidArgumentType"),
    ] as [(Value, Value, String)])
  func `Division of whole numbers is whole`(left: Value, right: Value, expected: String) {
    let result = outcome { () throws(QueryError) in try Arithmetic.divide(left, right) }
    #expect(result == (left.isNull ? "null" : expected))
  }

  @Test(
    arguments: [
      (7, -3, "1"), (-7, 3, "-1"), (7, 0, "DivisionByZero"), (7.5, 2, "1.5"), (.integer(.min), -1, "0"),
    ] as [(Value, Value, String)])
  func `The remainder has the sign of the dividend`(left: Value, right: Value, expected: String) {
    #expect(outcome { () throws(QueryError) in try Arithmetic.modulo(left, right) } == expected)
  }

  @Test(
    arguments: [
      (1, 2, "3"), (1, 2.5, "3.5"), (.integer(.max), 1, "NumberOutOfRange"), ("a", "b", "'ab'"), ("a", 1, "'a1'"),
      (1.0, "a", "'1.0a'"), ([1], [2], "[1, 2]"), ([1], 2, "[1, 2]"), (1, [2], "[1, 2]"), ([1], .null, "null"),
      (true, 1, "InvalidArgumentType"), (.integer32(1), .float32(0.5), "1.5"),
    ] as [(Value, Value, String)])
  func `Plus adds numbers, texts and lists`(left: Value, right: Value, expected: String) {
    #expect(outcome { () throws(QueryError) in try Arithmetic.add(left, right) } == expected)
  }

  @Test func `Other arithmetic checks its range, too`() {
    #expect(outcome { () throws(QueryError) in try Arithmetic.multiply(.integer(.max), 2) } == "NumberOutOfRange")
    #expect(outcome { () throws(QueryError) in try Arithmetic.subtract(.integer(.min), 1) } == "NumberOutOfRange")
    #expect(outcome { () throws(QueryError) in try Arithmetic.negate(.integer(.min)) } == "NumberOutOfRange")
    #expect(outcome { () throws(QueryError) in try Arithmetic.power(-3, 2) } == "9.0")
  }

  @Test func `Logic is three-valued`() throws {
    #expect(try Logic.and(false, .null).isSame(as: false))
    #expect(try Logic.and(true, .null).isNull)
    #expect(try Logic.or(true, .null).isSame(as: true))
    #expect(try Logic.or(false, .null).isNull)
    #expect(try Logic.xor(true, .null).isNull)
    #expect(try Logic.not(.null).isNull)
    #expect(throws: QueryError.self) { try Logic.and(1, true) }
  }

  @Test(
    arguments: [
      (3, [1, .null, 3], "true"), (4, [1, .null, 3], "null"), (.null, [], "false"), (1, .null, "null"),
      ([1, 2], [[.null, "foo"], [1, 2]], "true"), ([1], [[1, .null]], "false"), (1, 1, "InvalidArgumentType"),
    ] as [(Value, Value, String)])
  func `Membership is three-valued`(element: Value, list: Value, expected: String) {
    #expect(outcome { () throws(QueryError) in try Lists.membership(element, list) } == expected)
  }

  @Test(
    arguments: [
      ([1, 2, 3], 0, "1"), ([1, 2, 3], -1, "3"), ([1, 2, 3], 3, "null"), ([1], 0.0, "InvalidArgumentType"),
      (1, 0, "InvalidArgumentType"),
      (map(["a": 1]), "a", "1"), (map(["a": 1]), "b", "null"), (map(["a": 1]), 0, "MapElementAccessByNonString"),
      ([1], .null, "null"),
    ] as [(Value, Value, String)])
  func `Subscripts read lists and maps`(base: Value, index: Value, expected: String) {
    #expect(outcome { () throws(QueryError) in try Lists.subscripted(base, index) } == expected)
  }

  @Test(
    arguments: [
      (1, 2, "[2]"), (.none, 2, "[1, 2]"), (-1, .none, "[3]"), (0, 99, "[1, 2, 3]"), (3, 1, "[]"),
      (Value.null, 1, "null"),
    ] as [(Value?, Value?, String)])
  func `Slices stay inside of the list`(from: Value?, to: Value?, expected: String) {
    #expect(outcome { () throws(QueryError) in try Lists.slice([1, 2, 3], from: from, to: to) } == expected)
  }

  @Test func `Texts that grow too large are rejected`() throws {
    let half = Value.string(
      String(repeating: String(repeating: "a", count: 1 << 16), count: ValueLimits.textBytes / (2 << 16) + 1))
    #expect(throws: QueryError.self) { try Arithmetic.add(half, half) }
    #expect(throws: QueryError.self) { try call("range", 0, .integer(.max)) }
    #expect(throws: QueryError.self) {
      try call(
        "replace", .string(String(repeating: "a", count: 100_000)), "a", .string(String(repeating: "b", count: 1_000)))
    }
  }

  @Test(arguments: ["", "a", "b", "aab", "abab", "ba", "c"])
  func `A text contains its parts`(part: String) {
    let short = "aaabab"
    #expect(Texts.contains(.string(short), .string(part)).isTrue == (part != "c"))
    // Long enough for the search that is linear in the worst case.
    let long = String(repeating: "ab", count: 4_000)
    let needle = String(repeating: "ab", count: 2_000)
    #expect(Texts.contains(.string(long), .string(needle)).isTrue)
    #expect(!Texts.contains(.string(long), .string(needle + "c")).isTrue)
    #expect(Texts.startsWith("ab", 1).isNull)
  }
}
