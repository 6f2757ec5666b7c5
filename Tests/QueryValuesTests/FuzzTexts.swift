import QueryValues
import Testing

/// Texts of random characters must be answered or rejected, and never trap.
@Suite struct FuzzTexts {
  private static func text(_ alphabet: [Character], _ random: RandomSource, longest: UInt64) -> String {
    String((0..<random.next() % longest).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] })
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `Readers of dates and durations take any text`(seed: UInt64) {
    let random = RandomSource(seed: seed)
    let alphabet = Array("00112345699-+:TWZPYMDHS.,[]/Q ")
    for _ in 0..<600 {
      let text = Value.string(Self.text(alphabet, random, longest: 24))
      for function in ["date", "localtime", "time", "localdatetime", "datetime", "duration", "tointeger", "tofloat"] {
        let result = outcome { () throws(QueryError) in try call(function, text) }
        #expect(!result.isEmpty)
      }
    }
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `Expressions of any characters are compiled or rejected`(seed: UInt64) {
    let random = RandomSource(seed: seed)
    let alphabet = Array("aab()[]{}*+?|\\^$.-12,&:<>=!QEdwpiu")
    for _ in 0..<800 {
      guard let pattern = try? Pattern(Self.text(alphabet, random, longest: 14)) else { continue }
      for text in ["", "a", "ab\n", "aab-12"] { _ = try? pattern.matches(text) }
    }
  }

  /// Fields of any size, alone and together.
  @Test(arguments: [1, 2, 3] as [UInt64])
  func `Fields of any size make a value or an error`(seed: UInt64) {
    let random = RandomSource(seed: seed)
    let names = [
      "year", "month", "day", "week", "dayOfWeek", "quarter", "dayOfQuarter", "ordinalDay", "hour", "minute", "second",
      "millisecond", "nanosecond", "epochSeconds", "epochMillis", "years", "months", "weeks", "days", "hours",
      "seconds",
      "nanoseconds",
    ]
    let numbers: [Value] = [
      0, 1, -1, 12, 53, 999_999_999, -999_999_999, 1_000_000_000, .integer(.max), .integer(.min), 0.5, 1e18,
      .float(.nan),
    ]
    for _ in 0..<800 {
      var fields = ValueMap()
      for _ in 0...random.next() % 4 {
        fields[names[Int(random.next() % UInt64(names.count))]] = numbers[Int(random.next() % UInt64(numbers.count))]
      }
      for function in ["date", "localtime", "time", "localdatetime", "datetime", "duration"] {
        guard let value = try? call(function, .map(fields)) else { continue }
        for duration in ["P1Y1M1DT1S", "-P999999999Y", "PT9223372036854775807S"] {
          guard let length = try? call("duration", .string(duration)) else { continue }
          _ = try? Arithmetic.add(value, length)
          _ = try? Arithmetic.subtract(value, length)
        }
        #expect(value.plainText?.isEmpty == false)
      }
    }
  }
}
