import QueryValues
import Testing

@Suite struct TemporalTests {
  private static func text(_ name: String, _ arguments: Value...) -> String {
    let context = FunctionContext(
      graph: OneVertexGraph(), seconds: statementTime.seconds, nanoseconds: statementTime.nanoseconds,
      random: RandomSource(seed: 1))
    do throws(QueryError) {
      return try Functions.named(name.lowercased())!.body(arguments, context).plainText ?? "null"
    } catch { return error.detail }
  }

  private static func value(_ name: String, _ text: Value) throws(QueryError) -> Value { try call(name, text) }

  @Test(
    arguments: [
      ("date", "2024-W09-4", "2024-02-29"), ("date", "2024060", "2024-02-29"), ("date", "20240229", "2024-02-29"),
      ("date", "2024-Q1-60", "2024-02-29"),
      ("date", "-0044-03-15", "-0044-03-15"), ("date", "+12345-01-01", "+12345-01-01"),
      ("date", "2023-02-29", "InvalidArgumentValue"), ("date", "2023-366", "InvalidArgumentValue"),
      ("date", "2023-W53", "InvalidArgumentValue"), ("date", "2024-02-29T00:00", "InvalidArgumentValue"),
      ("date", "", "InvalidArgumentValue"), ("date", "24-01-01", "InvalidArgumentValue"),
      ("date", "+1234567890-01-01", "InvalidArgumentValue"), ("localtime", "235959.999999999", "23:59:59.999999999"),
      ("localtime", "24:00", "InvalidArgumentValue"), ("localtime", "1:00", "InvalidArgumentValue"),
      ("localtime", "12:00:00.1234567890", "InvalidArgumentValue"), ("time", "12:00-0530", "12:00-05:30"),
      ("time", "12", "12:00Z"), ("time", "12:00+18:01", "InvalidArgumentValue"),
      ("localdatetime", "2024-W09T12", "2024-02-26T12:00"),
      ("datetime", "2024-03-31T02:30[Europe/Berlin]", "2024-03-31T03:30+02:00[Europe/Berlin]"),
      ("datetime", "2024-10-27T02:30[Europe/Berlin]", "2024-10-27T02:30+02:00[Europe/Berlin]"),
      ("datetime", "2024-10-27T02:30+01:00[Europe/Berlin]", "2024-10-27T02:30+01:00[Europe/Berlin]"),
      ("datetime", "2024-06-01T00:00+01:00[Europe/Berlin]", "InvalidArgumentValue"),
      ("datetime", "2090-07-01T12:00[Europe/Berlin]", "2090-07-01T12:00+02:00[Europe/Berlin]"),
      ("datetime", "2090-01-01T12:00[America/New_York]", "2090-01-01T12:00-05:00[America/New_York]"),
      ("datetime", "2090-01-01T12:00[Australia/Sydney]", "2090-01-01T12:00+11:00[Australia/Sydney]"),
      ("datetime", "2024-01-01T00:00[Europe/Nowhere]", "InvalidArgumentValue"),
      ("datetime", "2024-01-01T00:00[../../../etc/passwd]", "InvalidArgumentValue"),
      ("datetime", "2024-01-01T00:00[right/UTC]", "InvalidArgumentValue"),
      ("duration", "P1Y-2M3DT-4H", "P10M3DT-4H"), ("duration", "-P1D", "P-1D"), ("duration", "P1.5W", "P10DT12H"),
      ("duration", "PT0.000000001S", "PT0.000000001S"), ("duration", "P", "InvalidArgumentValue"),
      ("duration", "P1D1Y", "InvalidArgumentValue"), ("duration", "PT", "InvalidArgumentValue"),
      ("duration", "P1H", "InvalidArgumentValue"), ("duration", "PT1.S", "InvalidArgumentValue"),
      ("duration", "P99999999999999999999Y", "InvalidArgumentValue"),
      ("duration", "P9223372036854775807Y", "NumberOutOfRange"),
      ("duration", "P2024-02-29T12:30", "P2024Y2M29DT12H30M"),
    ])
  func `Texts of ISO 8601 are read`(function: String, text: String, expected: String) {
    #expect(Self.text(function, .string(text)) == expected)
  }

  @Test(
    arguments: [
      ("date", map(["year": 2024, "week": 9, "dayOfWeek": 4]), "2024-02-29"),
      ("date", map(["year": 2024, "quarter": 2, "dayOfQuarter": 91]), "2024-06-30"),
      ("date", map(["year": 2024, "quarter": 2, "dayOfQuarter": 92]), "NumberOutOfRange"),
      ("date", map(["year": 2024, "day": 3]), "InvalidArgumentValue"),
      ("date", map(["month": 3]), "InvalidArgumentValue"),
      ("date", map(["year": 2024, "month": 2, "day": 30]), "NumberOutOfRange"),
      ("date", map(["year": 2024, "month": 2, "week": 3]), "InvalidArgumentValue"),
      ("date", map(["year": 2024.5]), "InvalidArgumentType"),
      ("date", map(["year": 2024, "hour": 3]), "InvalidArgumentValue"),
      ("date", map(["year": 1_000_000_000]), "NumberOutOfRange"), ("date", map(["foo": 1]), "InvalidArgumentValue"),
      ("localtime", map(["hour": 1, "second": 2]), "InvalidArgumentValue"),
      (
        "localtime", map(["hour": 1, "minute": 2, "second": 3, "millisecond": 4, "microsecond": 5, "nanosecond": 6]),
        "01:02:03.004005006"
      ),
      (
        "localtime", map(["hour": 1, "minute": 2, "second": 3, "millisecond": 4, "microsecond": 1_000]),
        "NumberOutOfRange"
      ), ("time", map(["hour": 12, "timezone": "Asia/Tokyo"]), "12:00+09:00"),
      ("datetime", map(["epochSeconds": 1, "nanosecond": 5]), "1970-01-01T00:00:01.000000005Z"),
      ("datetime", map(["epochMillis": -1, "timezone": "+01:00"]), "1970-01-01T00:59:59.999+01:00"),
      ("datetime", map(["timezone": "Asia/Tokyo"]), "2024-03-01T08:30:15.123456789+09:00[Asia/Tokyo]"),
      ("date", map(["timezone": "Asia/Tokyo"]), "2024-03-01"),
      ("duration", map(["years": 1.5, "days": -1.5]), "P1Y6M-1DT-12H"),
      ("duration", map(["foo": 1]), "InvalidArgumentValue"), ("duration", map(["seconds": "1"]), "InvalidArgumentType"),
    ] as [(String, Value, String)])
  func `Fields of a map make a value`(function: String, fields: Value, expected: String) {
    #expect(Self.text(function, fields) == expected)
  }

  @Test func `The clock is the statement's`() {
    #expect(Self.text("datetime") == "2024-02-29T23:30:15.123456789Z")
    #expect(Self.text("date.transaction", "Asia/Tokyo") == "2024-03-01")
    #expect(Self.text("time.statement", "-01:00") == "22:30:15.123456789-01:00")
    #expect(Self.text("localdatetime.realtime") == "2024-02-29T23:30:15.123456789")
    let context = FunctionContext(
      graph: OneVertexGraph(), seconds: 0, nanoseconds: 0, random: RandomSource(), clock: { (86_400, 0) })
    let realtime = outcome { () throws(QueryError) in try Functions.named("date.realtime")!.body([], context) }
    #expect(realtime == "'1970-01-02'")
  }

  @Test(
    arguments: [
      ("date", "2024-01-31", "P1M", "2024-02-29", "2023-12-31"),
      ("date", "2024-03-01", "PT-47H", "2024-02-29", "2024-03-02"),
      (
        "datetime", "2024-03-30T02:30[Europe/Berlin]", "P1D", "2024-03-31T03:30+02:00[Europe/Berlin]",
        "2024-03-29T02:30+01:00[Europe/Berlin]"
      ),
      (
        "datetime", "2024-03-31T01:30[Europe/Berlin]", "PT1H", "2024-03-31T03:30+02:00[Europe/Berlin]",
        "2024-03-31T00:30+01:00[Europe/Berlin]"
      ),
      ("localtime", "23:00", "P9DT2H", "01:00", "21:00"), ("duration", "P1M", "P1D", "P1M1D", "P1M-1D"),
      ("date", "+999999999-12-31", "P1D", "NumberOutOfRange", "+999999999-12-30"),
    ])
  func `Durations move values`(function: String, text: String, duration: String, sum: String, difference: String) throws
  {
    let value = try Self.value(function, .string(text))
    let duration = try Self.value("duration", .string(duration))
    func shown(_ body: () throws(QueryError) -> Value) -> String {
      do throws(QueryError) { return try body().plainText ?? "null" } catch { return error.detail }
    }
    #expect(shown { () throws(QueryError) in try Arithmetic.add(value, duration) } == sum)
    #expect(shown { () throws(QueryError) in try Arithmetic.subtract(value, duration) } == difference)
  }

  @Test func `Durations are scaled with their fractions`() throws {
    let duration = try Self.value("duration", "P1M1DT1H")
    #expect(try Arithmetic.multiply(duration, 0.5).plainText == "P15DT17H44M33S")
    #expect(try Arithmetic.divide(duration, -1).plainText == "P-1M-1DT-1H")
    #expect(throws: QueryError.self) { try Arithmetic.divide(duration, 0) }
    #expect(throws: QueryError.self) { try Arithmetic.multiply(duration, .float(.nan)) }
    #expect(throws: QueryError.self) { try Arithmetic.multiply(duration, .float(.infinity)) }
  }

  @Test(
    arguments: [
      ("2024-01-31", "2024-02-29", "P29D", "PT0S", "P29D"), ("2024-02-29", "2024-01-31", "P-29D", "PT0S", "P-29D"),
      ("2023-02-28", "2024-02-29", "P1Y1D", "P1Y", "P366D"),
    ])
  func `Differences count full units`(from: String, to: String, all: String, months: String, days: String) throws {
    let (from, to) = (try Self.value("date", .string(from)), try Self.value("date", .string(to)))
    #expect(try call("duration.between", from, to).plainText == all)
    #expect(try call("duration.inMonths", from, to).plainText == months)
    #expect(try call("duration.inDays", from, to).plainText == days)
  }

  @Test(
    arguments: [
      ("date.truncate", "century", "-0044-03-15", "-0100-01-01"),
      ("date.truncate", "hour", "2024-01-01", "InvalidArgumentValue"),
      ("date.truncate", "fortnight", "2024-01-01", "InvalidArgumentValue"),
      ("date.truncate", "weekYear", "2021-01-01", "2019-12-30"),
      ("date.truncate", "quarter", "2024-12-31", "2024-10-01"),
    ])
  func `Values are truncated to units`(function: String, unit: String, text: String, expected: String) throws {
    #expect(Self.text(function, .string(unit), try Self.value("date", .string(text))) == expected)
  }

  @Test(
    arguments: [
      ("week", "53"), ("weekYear", "2020"), ("ordinalDay", "1"), ("dayOfQuarter", "1"), ("weekDay", "5"),
      ("offsetMinutes", "60"), ("timezone", "Europe/Berlin"),
      ("offset", "+01:00"), ("epochSeconds", "1609455600"), ("epochMillis", "1609455600000"),
      ("foo", "InvalidArgumentValue"),
    ])
  func `Components are read`(component: String, expected: String) throws {
    let value = try Self.value("datetime", "2021-01-01T00:00[Europe/Berlin]")
    do throws(QueryError) {
      #expect(try Components.property(component, of: value).plainText == expected)
    } catch { #expect(error.detail == expected) }
  }

  /// Every day of a few centuries is read back from its text in each form.
  @Test func `Dates are read back from their texts`() throws {
    for days in stride(from: Int64(-800_000), through: 800_000, by: 97) {
      let value = Value.temporal(.date(days: days))
      let text = try #require(value.plainText)
      #expect(try Self.value("date", .string(text)).isSame(as: value))
      let week = map([
        "year": try Components.property("weekYear", of: value), "week": try Components.property("week", of: value),
        "dayOfWeek": try Components.property("weekDay", of: value),
      ])
      #expect(try Self.value("date", week).isSame(as: value))
    }
  }

  @Test func `Durations are ordered by their mean length`() throws {
    let ordered = try ["P29D", "P30D", "P1M", "P31D"].map { text throws(QueryError) in
      try Self.value("duration", .string(text))
    }
    for (left, right) in zip(ordered, ordered.dropFirst()) {
      #expect(Value.order(left, right) == .less)
      #expect(Value.compare(left, right) == nil)
    }
  }
}

@Suite struct TemporalRangeTests {
  @Test(
    arguments: [
      .date(days: .max), .date(days: .min), .localTime(nanoseconds: -1), .localTime(nanoseconds: 86_400_000_000_000),
      .time(nanoseconds: 0, offset: .max), .localDateTime(seconds: .max, nanoseconds: 0),
      .localDateTime(seconds: 0, nanoseconds: 1_000_000_000), .localDateTime(seconds: 0, nanoseconds: -1),
      .dateTime(ZonedDateTime(seconds: .min, nanoseconds: 0, offset: -3_600, zone: nil)),
      .dateTime(ZonedDateTime(seconds: 0, nanoseconds: 0, offset: 64_801, zone: nil)),
      .dateTime(ZonedDateTime(seconds: 0, nanoseconds: 0, offset: 0, zone: String(repeating: "a", count: 65))),
      .duration(DurationValue(months: 0, days: 0, seconds: 0, nanoseconds: -1)),
    ] as [Temporal])
  func `Parts out of range are rejected`(value: Temporal) {
    #expect(throws: QueryError.self) { try value.validated() }
  }

  @Test func `The ends of the range are valid and can be written`() throws {
    for text in ["-999999999-01-01", "+999999999-12-31"] {
      guard case .temporal(let date) = try call("date", .string(text)) else { return }
      #expect(try date.validated().text == text)
    }
  }
}
