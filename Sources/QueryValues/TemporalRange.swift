extension Temporal {
  /// The value itself, if its parts are in range. Whoever makes temporal values from what a client sent calls it; everything else
  /// relies on it.
  ///
  /// Years are -999,999,999 to 999,999,999, times below 24 hours, nanoseconds below a second, offsets at most 18 hours, names of
  /// zones at most 64 bytes. Months, days and seconds of durations have no range.
  /// - Throws: An argument error that names the part.
  public func validated() throws(QueryError) -> Temporal {
    switch self {
    case .date(let days): try Self.check(days: days)
    case .localTime(let nanoseconds): try Self.check(time: nanoseconds)
    case .time(let nanoseconds, let offset):
      try Self.check(time: nanoseconds)
      try Self.check(offset: offset)
    case .localDateTime(let seconds, let nanoseconds):
      try Self.check(days: seconds.flooredQuotient(86_400))
      try Self.check(nanoseconds: nanoseconds)
    case .dateTime(let value):
      try Self.check(offset: value.offset)
      try Self.check(nanoseconds: value.nanoseconds)
      // Checked before the offset is added, which could leave 64 bits.
      try Self.check(days: value.seconds.flooredQuotient(86_400))
      try Self.check(days: value.reading.days)
      if let zone = value.zone, zone.utf8.count > 64 {
        throw Self.outOfRange("The name of a time zone", "at most 64 bytes")
      }
    case .duration(let value): try Self.check(nanoseconds: value.nanoseconds)
    }
    return self
  }

  private static func check(days: Int64) throws(QueryError) {
    let first = CalendarDate(year: CalendarDate.years.lowerBound, month: 1, day: 1).days
    let last = CalendarDate(year: CalendarDate.years.upperBound, month: 12, day: 31).days
    if days < first || days > last { throw outOfRange("The year of a date", "-999999999 to 999999999") }
  }

  private static func check(time: Int64) throws(QueryError) {
    if !(0..<ClockReading.nanosecondsPerDay).contains(time) { throw outOfRange("A time of day", "below 24 hours") }
  }

  private static func check(nanoseconds: Int32) throws(QueryError) {
    if !(0..<Int32(ClockReading.nanosecondsPerSecond)).contains(nanoseconds) {
      throw outOfRange("The nanoseconds of a second", "0 to 999999999")
    }
  }

  private static func check(offset: Int32) throws(QueryError) {
    if !(-64_800...64_800).contains(offset) { throw outOfRange("An offset from UTC", "at most 18 hours") }
  }

  private static func outOfRange(_ what: String, _ range: String) -> QueryError {
    QueryError(.argument, detail: "NumberOutOfRange", "\(what) is out of range; it must be \(range)")
  }
}
