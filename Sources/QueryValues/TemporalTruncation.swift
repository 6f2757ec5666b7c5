/// The functions `….truncate(unit, value, fields)`: the start of the unit in which a value lies, with fields replaced.
struct TemporalTruncation {
  /// The types that a value can be truncated to.
  enum Target: String { case date, localtime, time, localdatetime, datetime }

  private enum Unit: String {
    case millennium, century, decade, year
    case weekYear = "weekyear"
    case quarter, month, week, day, hour, minute, second, millisecond, microsecond

    /// The length in nanoseconds of units below a day.
    var nanoseconds: Int64? {
      switch self {
      case .hour: 3_600 * ClockReading.nanosecondsPerSecond
      case .minute: 60 * ClockReading.nanosecondsPerSecond
      case .second: ClockReading.nanosecondsPerSecond
      case .millisecond: 1_000_000
      case .microsecond: 1_000
      default: nil
      }
    }
  }

  let target: Target

  func truncate(_ unit: Value, _ value: Value, _ fields: Value) throws(QueryError) -> Value {
    if unit.isNull || value.isNull { return .null }
    guard case .string(let name) = unit, let unit = Unit(rawValue: name.utf8.count < 20 ? name.lowercased() : "") else {
      throw QueryError(
        .argument, detail: "InvalidArgumentValue",
        "\(target.rawValue).truncate() has no unit \(unit.plainText ?? unit.typeName); use millennium to microsecond, such as 'month'"
      )
    }
    guard case .temporal(let temporal) = value else {
      throw .wrongType("\(target.rawValue).truncate()", takes: "a temporal value", not: value)
    }
    let replaced: TemporalFields
    switch fields {
    case .null: replaced = TemporalFields(of: "truncate")
    case .map(let map): replaced = try TemporalFields(map, of: "truncate")
    default: throw .wrongType("\(target.rawValue).truncate()", takes: "a map of fields", not: fields)
    }
    return .temporal(try truncate(unit, temporal, replaced))
  }

  private func truncate(_ unit: Unit, _ value: Temporal, _ fields: TemporalFields) throws(QueryError) -> Temporal {
    let hasTime = target != .date
    let hasDate = target != .localtime && target != .time
    try fields.allow(
      (hasDate ? TemporalFields.Field.ofDate : []).union(hasTime ? TemporalFields.Field.ofTime : []), [],
      zone: target == .datetime || target == .time)
    var reading = try self.reading(of: value, hasDate: hasDate)
    var fields = fields
    if let length = unit.nanoseconds {
      if case .date = value { throw notTaken(unit, value) }
      if !hasTime { throw notTaken(unit, value) }
      reading.nanoseconds -= reading.nanoseconds % length
      keepFraction(unit, reading, &fields)
    } else {
      if !hasDate && unit != .day { throw notTaken(unit, value) }
      reading.nanoseconds = 0
      if hasDate { reading.days = try start(of: unit, reading.date) }
    }
    let days = hasDate ? try fields.date(base: reading.date) : 0
    let nanoseconds = hasTime ? try fields.time(base: reading.nanoseconds) : 0
    return try result(ClockReading(days: days, nanoseconds: nanoseconds), value, fields.zone)
  }

  private func reading(of value: Temporal, hasDate: Bool) throws(QueryError) -> ClockReading {
    if hasDate { return try value.part(of: "\(target.rawValue).truncate") }
    return ClockReading(days: 0, nanoseconds: try value.timePart(of: "\(target.rawValue).truncate"))
  }

  /// A fraction that is given counts within the unit that is kept.
  private func keepFraction(_ unit: Unit, _ reading: ClockReading, _ fields: inout TemporalFields) {
    let fraction = Int64(reading.nanosecondsOfSecond)
    if unit == .millisecond, fields.has([.microsecond, .nanosecond]) {
      fields.setDefault(.millisecond, fraction / 1_000_000)
    } else if unit == .microsecond, fields.has([.nanosecond]) {
      fields.setDefault(.millisecond, fraction / 1_000_000)
      fields.setDefault(.microsecond, fraction / 1_000 % 1_000)
    }
  }

  private func result(_ reading: ClockReading, _ value: Temporal, _ given: Zone?) throws(QueryError) -> Temporal {
    switch target {
    case .date: return .date(days: reading.days)
    case .localtime: return .localTime(nanoseconds: reading.nanoseconds)
    case .localdatetime: return .local(reading)
    case .datetime:
      let zone = try value.zone()
      return .dateTime((given ?? zone ?? .utc).instant(reading, preferred: value.offset))
    case .time:
      let day = (try? value.part(of: "time").seconds) ?? 0
      return .time(nanoseconds: reading.nanoseconds, offset: given?.offset(at: day) ?? value.offset ?? 0)
    }
  }

  private func start(of unit: Unit, _ date: CalendarDate) throws(QueryError) -> Int64 {
    switch unit {
    case .millennium: return try year(date.year.flooredQuotient(1_000) * 1_000)
    case .century: return try year(date.year.flooredQuotient(100) * 100)
    case .decade: return try year(date.year.flooredQuotient(10) * 10)
    case .year: return try year(date.year)
    case .weekYear: return CalendarDate.firstMonday(date.weekYear)
    case .quarter: return CalendarDate(year: date.year, month: date.quarter * 3 - 2, day: 1).days
    case .month: return CalendarDate(year: date.year, month: date.month, day: 1).days
    case .week: return date.days - date.dayOfWeek + 1
    default: return date.days
    }
  }

  private func year(_ year: Int64) throws(QueryError) -> Int64 {
    try CalendarDate.check(year: year)
    return CalendarDate(year: year, month: 1, day: 1).days
  }

  private func notTaken(_ unit: Unit, _ value: Temporal) -> QueryError {
    QueryError(
      .argument, detail: "InvalidArgumentValue",
      "\(target.rawValue).truncate() does not truncate \(value.typeName) to the unit \(unit.rawValue); use a unit that both have"
    )
  }
}
