import QueryValues
import Testing

@Suite struct AccumulatorTests {
  private static func result(
    _ function: AggregateFunction, _ values: [Value], distinct: Bool = false, percentile: Value? = nil
  ) -> String {
    outcome { () throws(QueryError) in
      var accumulator = Accumulator(function, distinct: distinct)
      for value in values { try accumulator.add([value] + (percentile.map { [$0] } ?? [])) }
      return try accumulator.result()
    }
  }

  @Test(
    arguments: [
      (.countAll, [.null, 1], "2"), (.count, [.null, 1], "1"), (.sum, [], "0"), (.sum, [1, 2.5], "3.5"),
      (.sum, [.integer(.max), 1], "NumberOutOfRange"),
      (.sum, ["a"], "InvalidArgumentType"), (.average, [], "null"), (.average, [1, 2], "1.5"),
      (.average, [.integer(.max), .integer(.max)], "9.223372036854776E18"),
      (.minimum, [1, "a", .null, [1, 2], 0.2], "[1, 2]"), (.maximum, [1, "a", .null, [1, 2], 0.2], "1"),
      (.maximum, [], "null"), (.collect, [1, .null, 1], "[1, 1]"),
      (.collect, [], "[]"), (.sampleDeviation, [2, 4, 4, 4, 5, 5, 7, 9], "2.138089935299395"),
      (.populationDeviation, [2, 4, 4, 4, 5, 5, 7, 9], "2.0"),
      (.sampleDeviation, [1], "0.0"), (.sum, [1e100, 1.0, -1e100], "1.0"),
      (
        .sum,
        [
          .temporal(.duration(DurationValue(months: 1, days: 2, seconds: 3, nanoseconds: 4))),
          .temporal(.duration(DurationValue(months: 1, days: 2, seconds: 3, nanoseconds: 4))),
        ], "'P2M4DT6.000000008S'"
      ),
      (
        .average,
        [
          .temporal(.duration(DurationValue(months: 1, days: 2, seconds: 4, nanoseconds: 4))),
          .temporal(.duration(DurationValue(months: 1, days: 2, seconds: 4, nanoseconds: 4))),
        ], "'P1M2DT4.000000004S'"
      ),
    ] as [(AggregateFunction, [Value], String)])
  func `Aggregations skip nulls`(function: AggregateFunction, values: [Value], expected: String) {
    #expect(Self.result(function, values) == expected)
  }

  @Test func `Values that are the same count once`() {
    #expect(Self.result(.collect, [1, 1.0, 2, .float(.nan), .float(.nan)], distinct: true) == "[1, 2, NaN]")
    #expect(Self.result(.sum, [1, 1.0, 2], distinct: true) == "3")
    #expect(Self.result(.count, ["a", "a", .null], distinct: true) == "1")
  }

  @Test(
    arguments: [
      (0.0, "10", "10.0"), (0.5, "20", "25.0"), (1.0, "40", "40.0"), (0.9, "40", "37.0"),
      (1.1, "NumberOutOfRange", "NumberOutOfRange"), ("a", "NumberOutOfRange", "NumberOutOfRange"),
    ] as [(Value, String, String)])
  func `Percentiles are values or lie between them`(percentile: Value, discrete: String, continuous: String) {
    let values: [Value] = [40, 10, .null, 30, 20]
    #expect(Self.result(.discretePercentile, values, percentile: percentile) == discrete)
    #expect(Self.result(.continuousPercentile, values, percentile: percentile) == continuous)
  }
}
