extension Temporal {
  /// A component such as `year`, `weekDay`, `nanosecond`, `timezone`, or `minutesOfHour` of a duration.
  /// - Throws: An error for a component that the type does not have.
  func component(_ name: String) throws(QueryError) -> Value {
    let value: Value? =
      switch self {
      case .date(let days): Self.component(name, of: CalendarDate(days: days))
      case .localTime(let nanoseconds): Self.component(name, ofTime: nanoseconds)
      case .time(let nanoseconds, let offset):
        Self.component(name, ofTime: nanoseconds) ?? Self.component(name, ofOffset: offset, zone: nil)
      case .localDateTime(let seconds, let nanoseconds):
        Self.component(name, of: ClockReading(seconds: seconds, nanoseconds: nanoseconds))
      case .dateTime(let value):
        Self.component(name, of: value.reading) ?? Self.component(name, ofOffset: value.offset, zone: value.zone)
          ?? Self.component(name, ofInstant: value)
      case .duration(let value): try value.component(name).map(Value.integer)
      }
    if let value { return value }
    throw QueryError(
      .argument, detail: "InvalidArgumentValue",
      "\(typeName) has no component '\(name.prefix(40))'; see the components of its type")
  }

  private static func component(_ name: String, of reading: ClockReading) -> Value? {
    component(name, of: reading.date) ?? component(name, ofTime: reading.nanoseconds)
  }

  private static func component(_ name: String, of date: CalendarDate) -> Value? {
    switch name {
    case "year": .integer(date.year)
    case "quarter": .integer(date.quarter)
    case "month": .integer(date.month)
    case "week": .integer(date.week)
    case "weekYear": .integer(date.weekYear)
    case "day": .integer(date.day)
    case "ordinalDay": .integer(date.dayOfYear)
    case "weekDay", "dayOfWeek": .integer(date.dayOfWeek)
    case "dayOfQuarter": .integer(date.dayOfQuarter)
    default: nil
    }
  }

  private static func component(_ name: String, ofTime nanoseconds: Int64) -> Value? {
    let seconds = nanoseconds / ClockReading.nanosecondsPerSecond
    let fraction = nanoseconds % ClockReading.nanosecondsPerSecond
    switch name {
    case "hour": return .integer(seconds / 3_600)
    case "minute": return .integer(seconds / 60 % 60)
    case "second": return .integer(seconds % 60)
    case "millisecond": return .integer(fraction / 1_000_000)
    case "microsecond": return .integer(fraction / 1_000)
    case "nanosecond": return .integer(fraction)
    default: return nil
    }
  }

  private static func component(_ name: String, ofOffset offset: Int32, zone: String?) -> Value? {
    switch name {
    case "timezone": .string(zone ?? Self.offset(offset))
    case "offset": .string(Self.offset(offset))
    case "offsetMinutes": .integer(Int64(offset / 60))
    case "offsetSeconds": .integer(Int64(offset))
    default: nil
    }
  }

  private static func component(_ name: String, ofInstant value: ZonedDateTime) -> Value? {
    switch name {
    case "epochSeconds": .integer(value.seconds)
    case "epochMillis": .integer(value.seconds * 1_000 + Int64(value.nanoseconds / 1_000_000))
    default: nil
    }
  }
}

extension DurationValue {
  /// A component by its name; nil if there is none of it.
  /// - Throws: An error for a component that leaves 64 bits, such as the nanoseconds of a thousand years.
  fileprivate func component(_ name: String) throws(QueryError) -> Int64? {
    let fraction = Int64(nanoseconds)
    switch name {
    case "years": return months / 12
    case "quarters": return months / 3
    case "months": return months
    case "weeks": return days / 7
    case "days": return days
    case "hours": return seconds / 3_600
    case "minutes": return seconds / 60
    case "seconds": return seconds
    case "milliseconds": return try count(1_000, fraction / 1_000_000)
    case "microseconds": return try count(1_000_000, fraction / 1_000)
    case "nanoseconds": return try count(1_000_000_000, fraction)
    case "quartersOfYear": return months / 3 % 4
    case "monthsOfQuarter": return months % 3
    case "monthsOfYear": return months % 12
    case "daysOfWeek": return days % 7
    case "minutesOfHour": return seconds / 60 % 60
    case "secondsOfMinute": return seconds % 60
    case "millisecondsOfSecond": return fraction / 1_000_000
    case "microsecondsOfSecond": return fraction / 1_000
    case "nanosecondsOfSecond": return fraction
    default: return nil
    }
  }

  private func count(_ perSecond: Int128, _ fraction: Int64) throws(QueryError) -> Int64 {
    guard let count = Int64(exactly: Int128(seconds) * perSecond + Int128(fraction)) else {
      throw .overflow("A component of the duration \(text)")
    }
    return count
  }
}
