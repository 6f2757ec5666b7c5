/// Sums and differences of temporal values.
enum TemporalArithmetic {
  /// A temporal value plus a duration, or the sum of two durations.
  static func add(_ left: Temporal, _ right: Temporal) throws(QueryError) -> Temporal {
    switch (left, right) {
    case (.duration(let left), .duration(let right)): return .duration(try left.adding(right))
    case (_, .duration(let duration)): return try move(left, by: duration)
    case (.duration(let duration), _): return try move(right, by: duration)
    default: throw notTaken("+", left, right)
    }
  }

  /// A temporal value minus a duration, or the difference of two durations.
  static func subtract(_ left: Temporal, _ right: Temporal) throws(QueryError) -> Temporal {
    guard case .duration(let duration) = right else { throw notTaken("-", left, right) }
    return try add(left, .duration(try duration.negated()))
  }

  private static func notTaken(_ symbol: String, _ left: Temporal, _ right: Temporal) -> QueryError {
    QueryError(
      .type, detail: "InvalidArgumentType",
      "\(symbol) does not take \(left.typeName) and \(right.typeName); use a duration, or duration.between()")
  }

  /// Moves a value by the months, then the days, then the seconds of a duration; units that a type does not have are left out,
  /// except that full days of seconds move a date.
  private static func move(_ value: Temporal, by duration: DurationValue) throws(QueryError) -> Temporal {
    switch value {
    case .date(let days):
      let moved = try ClockReading(days: days, nanoseconds: 0).adding(months: duration.months, days: duration.days)
      return .date(days: try CalendarDate.add(moved.days, duration.wholeDaysOfSeconds))
    case .localTime(let nanoseconds): return .localTime(nanoseconds: move(nanoseconds, by: duration))
    case .time(let nanoseconds, let offset): return .time(nanoseconds: move(nanoseconds, by: duration), offset: offset)
    case .localDateTime(let seconds, let nanoseconds):
      let moved = try ClockReading(seconds: seconds, nanoseconds: nanoseconds)
        .adding(months: duration.months, days: duration.days)
        .adding(seconds: duration.seconds, nanoseconds: duration.nanoseconds)
      return .localDateTime(seconds: moved.seconds, nanoseconds: moved.nanosecondsOfSecond)
    case .dateTime(let value):
      let zone = try value.rules()
      var moved = value
      if duration.months != 0 || duration.days != 0 {
        let reading = try value.reading.adding(months: duration.months, days: duration.days)
        moved = zone.instant(reading, preferred: value.offset)
      }
      let instant = try ClockReading(seconds: moved.seconds, nanoseconds: moved.nanoseconds)
        .adding(seconds: duration.seconds, nanoseconds: duration.nanoseconds)
      return .dateTime(zone.show(seconds: instant.seconds, nanoseconds: instant.nanosecondsOfSecond))
    case .duration(let value): return .duration(try value.adding(duration))
    }
  }

  private static func move(_ nanoseconds: Int64, by duration: DurationValue) -> Int64 {
    let seconds = duration.seconds.flooredRemainder(86_400)
    return (nanoseconds + seconds * ClockReading.nanosecondsPerSecond + Int64(duration.nanoseconds))
      .flooredRemainder(ClockReading.nanosecondsPerDay)
  }
}

extension DurationValue {
  /// The full days in the seconds, rounded toward zero.
  fileprivate var wholeDaysOfSeconds: Int64 {
    let total = Int128(seconds) * 1_000_000_000 + Int128(nanoseconds)
    return Int64(total / Int128(ClockReading.nanosecondsPerDay))
  }
}
