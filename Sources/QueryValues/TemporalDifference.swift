/// The functions `duration.between`, `duration.inMonths`, `duration.inDays` and `duration.inSeconds`.
///
/// A value without date takes the other one's date, a value without time midnight, a value without zone the other one's zone; two
/// zoned values are compared in the zone of the first.
enum TemporalDifference {
  /// The units that a difference is counted in.
  enum Units { case all, months, days, seconds }

  static func between(_ left: Value, _ right: Value, _ units: Units) throws(QueryError) -> Value {
    if left.isNull || right.isNull { return .null }
    guard case .temporal(let first) = left else { throw notTaken(left) }
    guard case .temporal(let second) = right else { throw notTaken(right) }
    return .temporal(.duration(try between(first, second, units)))
  }

  private static func notTaken(_ value: Value) -> QueryError {
    .wrongType("duration.between() and the like", takes: "dates and times", not: value)
  }

  private static func between(_ left: Temporal, _ right: Temporal, _ units: Units) throws(QueryError) -> DurationValue {
    let leftDay = try day(of: left)
    let rightDay = try day(of: right)
    let day = leftDay ?? rightDay ?? 0
    var from = ClockReading(days: leftDay ?? day, nanoseconds: time(of: left))
    var to = ClockReading(days: rightDay ?? day, nanoseconds: time(of: right))
    let leftZone = try left.zone()
    let rightZone = try right.zone()
    let zone = leftZone ?? rightZone
    if let leftZone, let rightZone {
      let instant = rightZone.instant(to, preferred: right.offset)
      to = leftZone.show(seconds: instant.seconds, nanoseconds: instant.nanoseconds).reading
    }

    var months: Int64 = 0
    var days: Int64 = 0
    if leftDay != nil, rightDay != nil {
      if units == .all || units == .months { months = try self.months(from, to) }
      if units == .months { return DurationValue(months: months, days: 0, seconds: 0, nanoseconds: 0) }
      if units != .seconds {
        from = try from.adding(months: months, days: 0)
        days = self.days(from, to)
      }
    }
    if units == .days || units == .months { return DurationValue(months: 0, days: days, seconds: 0, nanoseconds: 0) }
    from = try from.adding(months: 0, days: days)
    return difference(instant(from, left, zone), instant(to, right, zone), months, days)
  }

  private static func instant(_ reading: ClockReading, _ value: Temporal, _ zone: Zone?) -> ClockReading {
    guard let zone else { return reading }
    let instant = zone.instant(reading, preferred: value.offset)
    return ClockReading(seconds: instant.seconds, nanoseconds: instant.nanoseconds)
  }

  private static func difference(_ from: ClockReading, _ to: ClockReading, _ months: Int64, _ days: Int64)
    -> DurationValue
  {
    let nanoseconds = Int64(to.nanosecondsOfSecond) - Int64(from.nanosecondsOfSecond)
    return DurationValue(
      months: months, days: days,
      seconds: to.seconds - from.seconds + nanoseconds.flooredQuotient(ClockReading.nanosecondsPerSecond),
      nanoseconds: Int32(nanoseconds.flooredRemainder(ClockReading.nanosecondsPerSecond)))
  }

  /// Full months, rounded toward zero.
  private static func months(_ from: ClockReading, _ to: ClockReading) throws(QueryError) -> Int64 {
    let (first, last) = (from.date, to.date)
    let months = (last.year - first.year) * 12 + last.month - first.month
    // A month is full if the day and the time of the start are reached.
    let start = (first.day, from.nanoseconds)
    let end = (last.day, to.nanoseconds)
    if months > 0 && end < start { return months - 1 }
    if months < 0 && end > start { return months + 1 }
    return months
  }

  /// Full days, rounded toward zero.
  private static func days(_ from: ClockReading, _ to: ClockReading) -> Int64 {
    let days = to.days - from.days
    if days > 0 && to.nanoseconds < from.nanoseconds { return days - 1 }
    if days < 0 && to.nanoseconds > from.nanoseconds { return days + 1 }
    return days
  }

  private static func day(of value: Temporal) throws(QueryError) -> Int64? {
    switch value {
    case .date, .localDateTime, .dateTime: try value.part(of: "duration.between").days
    case .time, .localTime: nil
    case .duration: throw notTaken(.temporal(value))
    }
  }

  private static func time(of value: Temporal) -> Int64 { (try? value.timePart(of: "duration.between")) ?? 0 }
}
