/// Makes temporal values from texts, maps and other temporal values: what the functions `date()` to `datetime()` do.
struct TemporalBuilder {
  /// The statement's time, which values without date or offset refer to.
  let now: ZonedDateTime

  private typealias Field = TemporalFields.Field

  func date(_ value: Value) throws(QueryError) -> Value {
    switch value {
    case .null: return .null
    case .string(let text): return .temporal(try TemporalParser.date(text))
    case .temporal(let temporal): return .temporal(.date(days: try temporal.part(of: "date").days))
    case .map(let map):
      let fields = try TemporalFields(map, of: "date")
      if fields.hasZoneOnly { return .temporal(.date(days: current(fields.zone).reading.days)) }
      try fields.allow(Field.ofDate, [.date, .datetime], zone: false)
      return .temporal(.date(days: try fields.date(base: try baseDate(fields))))
    default: throw notTaken("date", value)
    }
  }

  func localTime(_ value: Value) throws(QueryError) -> Value {
    switch value {
    case .null: return .null
    case .string(let text): return .temporal(try TemporalParser.localTime(text))
    case .temporal(let temporal): return .temporal(.localTime(nanoseconds: try temporal.timePart(of: "localtime")))
    case .map(let map):
      let fields = try TemporalFields(map, of: "localtime")
      if fields.hasZoneOnly { return .temporal(.localTime(nanoseconds: current(fields.zone).reading.nanoseconds)) }
      try fields.allow(Field.ofTime, [.time, .datetime], zone: false)
      return .temporal(.localTime(nanoseconds: try requiredTime(fields)))
    default: throw notTaken("localtime", value)
    }
  }

  func time(_ value: Value) throws(QueryError) -> Value {
    switch value {
    case .null: return .null
    case .string(let text): return .temporal(try TemporalParser.time(text, else: 0))
    case .temporal(let temporal):
      return .temporal(.time(nanoseconds: try temporal.timePart(of: "time"), offset: temporal.offset ?? 0))
    case .map(let map):
      let fields = try TemporalFields(map, of: "time")
      if fields.hasZoneOnly {
        let current = current(fields.zone)
        return .temporal(.time(nanoseconds: current.reading.nanoseconds, offset: current.offset))
      }
      try fields.allow(Field.ofTime, [.time, .datetime], zone: true)
      return .temporal(time(try requiredTime(fields), from: baseTime(fields)?.offset, to: fields.zone))
    default: throw notTaken("time", value)
    }
  }

  func localDateTime(_ value: Value) throws(QueryError) -> Value {
    switch value {
    case .null: return .null
    case .string(let text): return .temporal(try TemporalParser.localDateTime(text))
    case .temporal(let temporal): return .temporal(.local(try temporal.part(of: "localdatetime")))
    case .map(let map):
      let fields = try TemporalFields(map, of: "localdatetime")
      if fields.hasZoneOnly { return .temporal(.local(current(fields.zone).reading)) }
      try fields.allow(Field.ofDate.union(Field.ofTime).union(Field.ofEpoch), [.date, .time, .datetime], zone: false)
      if let epoch = try epoch(fields) { return .temporal(.local(epoch)) }
      return .temporal(.local(try reading(fields)))
    default: throw notTaken("localdatetime", value)
    }
  }

  func dateTime(_ value: Value) throws(QueryError) -> Value {
    switch value {
    case .null: return .null
    case .string(let text): return .temporal(try TemporalParser.dateTime(text, else: .utc))
    case .temporal(let temporal):
      let reading = try temporal.part(of: "datetime")
      if case .dateTime = temporal { return value }
      return .temporal(.dateTime(Zone.utc.instant(reading)))
    case .map(let map):
      let fields = try TemporalFields(map, of: "datetime")
      if fields.hasZoneOnly { return .temporal(.dateTime(current(fields.zone))) }
      try fields.allow(Field.ofDate.union(Field.ofTime).union(Field.ofEpoch), [.date, .time, .datetime], zone: true)
      return .temporal(.dateTime(try dateTime(fields)))
    default: throw notTaken("datetime", value)
    }
  }

  func duration(_ value: Value) throws(QueryError) -> Value {
    switch value {
    case .null: return .null
    case .string(let text): return .temporal(.duration(try DurationParser.parse(text)))
    case .temporal(.duration): return value
    case .map(let map):
      var parts = DurationParts()
      for (key, value) in map.entries {
        guard case .string(let name) = key, let unit = DurationParts.Unit(rawValue: name.lowercased()) else {
          throw QueryError(
            .argument, detail: "InvalidArgumentValue",
            "duration() has no field \(key.plainText ?? "of this key"); use years, months, days, hours, minutes, seconds and the like"
          )
        }
        guard let amount = value.number else {
          throw .wrongType("The field \(name) of duration()", takes: "a number", not: value)
        }
        try parts.add(amount, unit)
      }
      return .temporal(.duration(try parts.value()))
    default: throw notTaken("duration", value)
    }
  }

  /// The statement's time in a zone; in UTC for nil.
  func current(_ zone: Zone?) -> ZonedDateTime {
    (zone ?? .utc).show(seconds: now.seconds, nanoseconds: now.nanoseconds)
  }

  private func notTaken(_ function: String, _ value: Value) -> QueryError {
    .wrongType("\(function)()", takes: "a text, a map or a temporal value", not: value)
  }

  private func baseDate(_ fields: TemporalFields) throws(QueryError) -> CalendarDate? {
    guard let source = fields.sources[.datetime] ?? fields.sources[.date] else { return nil }
    return try source.part(of: "date").date
  }

  private func baseTime(_ fields: TemporalFields) -> Temporal? { fields.sources[.datetime] ?? fields.sources[.time] }

  private func requiredTime(_ fields: TemporalFields) throws(QueryError) -> Int64 {
    let base = try baseTime(fields).map { value throws(QueryError) in try value.timePart(of: "time") }
    if base == nil && fields[.hour] == nil { throw fields.failure("needs the field 'hour'") }
    return try fields.time(base: base)
  }

  private func reading(_ fields: TemporalFields) throws(QueryError) -> ClockReading {
    let base = try baseTime(fields).map { value throws(QueryError) in try value.timePart(of: "time") }
    return ClockReading(days: try fields.date(base: try baseDate(fields)), nanoseconds: try fields.time(base: base))
  }

  /// The reading of a clock in UTC at seconds or milliseconds since 1970; nil if neither is given.
  private func epoch(_ fields: TemporalFields) throws(QueryError) -> ClockReading? {
    guard fields[.epochSeconds] != nil || fields[.epochMillis] != nil else { return nil }
    if fields.has(Field.ofDate) || !fields.sources.isEmpty || fields.has([.hour, .minute, .second])
      || (fields[.epochSeconds] != nil && fields[.epochMillis] != nil)
    {
      throw fields.failure(
        "takes epochSeconds or epochMillis with fractions of the second alone; leave the other fields out")
    }
    let fraction = try fields.fraction()
    let start = ClockReading(days: 0, nanoseconds: 0)
    if let seconds = fields[.epochSeconds] { return try start.adding(seconds: seconds, nanoseconds: Int32(fraction)) }
    let milliseconds = fields[.epochMillis] ?? 0
    let nanoseconds = milliseconds.flooredRemainder(1_000) * 1_000_000 + fraction
    return try start.adding(
      seconds: milliseconds.flooredQuotient(1_000), nanoseconds: Int32(nanoseconds % 1_000_000_000))
  }

  /// The fields show the time in the zone of the value that they are taken from; a zone that is given shows the same instant.
  private func dateTime(_ fields: TemporalFields) throws(QueryError) -> ZonedDateTime {
    let zone = fields.zone ?? .utc
    if let epoch = try epoch(fields) {
      return zone.show(seconds: epoch.seconds, nanoseconds: epoch.nanosecondsOfSecond)
    }
    let reading = try reading(fields)
    guard let base = try baseTime(fields)?.zone() else { return zone.instant(reading) }
    let instant = base.instant(reading, preferred: baseTime(fields)?.offset)
    return fields.zone?.show(seconds: instant.seconds, nanoseconds: instant.nanoseconds) ?? instant
  }

  /// A time at an offset; if it comes from another offset, the same time of the day in UTC.
  private func time(_ nanoseconds: Int64, from base: Int32?, to zone: Zone?) -> Temporal {
    guard let zone else { return .time(nanoseconds: nanoseconds, offset: base ?? 0) }
    let offset = zone.offset(at: now.seconds)
    guard let base else { return .time(nanoseconds: nanoseconds, offset: offset) }
    let moved = nanoseconds + Int64(offset - base) * ClockReading.nanosecondsPerSecond
    return .time(nanoseconds: moved.flooredRemainder(ClockReading.nanosecondsPerDay), offset: offset)
  }
}

extension Temporal {
  static func local(_ reading: ClockReading) -> Temporal {
    .localDateTime(seconds: reading.seconds, nanoseconds: reading.nanosecondsOfSecond)
  }

  /// Date and time of a value with a date; a date's time is midnight.
  func part(of function: String) throws(QueryError) -> ClockReading {
    switch self {
    case .date(let days): ClockReading(days: days, nanoseconds: 0)
    case .localDateTime(let seconds, let nanoseconds): ClockReading(seconds: seconds, nanoseconds: nanoseconds)
    case .dateTime(let value): value.reading
    default: throw .wrongType("\(function)()", takes: "a value with a date", not: .temporal(self))
    }
  }

  /// The time of a value with a time, in nanoseconds since midnight.
  func timePart(of function: String) throws(QueryError) -> Int64 {
    switch self {
    case .localTime(let nanoseconds), .time(let nanoseconds, _): nanoseconds
    case .localDateTime, .dateTime: try part(of: function).nanoseconds
    default: throw .wrongType("\(function)()", takes: "a value with a time", not: .temporal(self))
    }
  }

  /// The offset from UTC in seconds; nil for values without one.
  var offset: Int32? {
    switch self {
    case .time(_, let offset): offset
    case .dateTime(let value): value.offset
    default: nil
    }
  }

  /// The zone; nil for values without one.
  func zone() throws(QueryError) -> Zone? {
    switch self {
    case .time(_, let offset): .offset(offset)
    case .dateTime(let value): try value.rules()
    default: nil
    }
  }
}
