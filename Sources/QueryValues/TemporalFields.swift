/// The fields of a map from which a temporal value is made, such as `{year: 1984, week: 10, timezone: '+01:00'}`.
struct TemporalFields {
  /// The fields that are whole numbers.
  enum Field: String {
    case year, quarter, month, week, day
    case dayOfWeek = "dayofweek"
    case dayOfQuarter = "dayofquarter"
    case ordinalDay = "ordinalday"
    case hour, minute, second, millisecond, microsecond, nanosecond
    case epochSeconds = "epochseconds"
    case epochMillis = "epochmillis"

    static let ofDate: Set<Field> = [.year, .quarter, .month, .week, .day, .dayOfWeek, .dayOfQuarter, .ordinalDay]
    static let ofTime: Set<Field> = [.hour, .minute, .second, .millisecond, .microsecond, .nanosecond]
    static let ofEpoch: Set<Field> = [.epochSeconds, .epochMillis]
  }

  /// The temporal values from which fields that are not given are taken.
  enum Source: String { case date, time, datetime }

  private let function: String
  private var numbers: [Field: Int64] = [:]
  private(set) var sources: [Source: Temporal] = [:]
  private(set) var zone: Zone?

  /// Reads the entries of a map.
  /// - Parameter function: The function that is called, for messages.
  init(_ map: ValueMap, of function: String) throws(QueryError) {
    self.function = function
    for (key, value) in map.entries {
      guard case .string(let name) = key else {
        throw .wrongType(function, takes: "a map with texts as keys", not: key)
      }
      try read(name, value)
    }
  }

  /// No field.
  init(of function: String) { self.function = function }

  private mutating func read(_ name: String, _ value: Value) throws(QueryError) {
    let lowercased = name.utf8.count <= 20 ? name.lowercased() : ""
    if let source = Source(rawValue: lowercased) {
      guard case .temporal(let temporal) = value else {
        throw .wrongType("The field \(name)", takes: "a temporal value", not: value)
      }
      sources[source] = temporal
    } else if lowercased == "timezone" {
      guard case .string(let text) = value else { throw .wrongType("The field timezone", takes: "a text", not: value) }
      zone = try TemporalParser.zone(text)
    } else if let field = Field(rawValue: lowercased) {
      guard case .whole(let number) = value.number else {
        throw QueryError(
          .type, detail: "InvalidArgumentType",
          "The field \(name) of \(function)() takes an integer, not \(value.typeName)")
      }
      numbers[field] = number
    } else {
      throw QueryError(
        .argument, detail: "InvalidArgumentValue",
        "\(function)() has no field '\(name.prefix(40))'; use year, month, day, hour, timezone and the like")
    }
  }

  /// Whether the time zone is all that is given.
  var hasZoneOnly: Bool { numbers.isEmpty && sources.isEmpty && zone != nil }
  var isEmpty: Bool { numbers.isEmpty && sources.isEmpty && zone == nil }

  subscript(_ field: Field) -> Int64? { numbers[field] }

  /// Sets a field that is not given.
  mutating func setDefault(_ field: Field, _ value: Int64) { if numbers[field] == nil { numbers[field] = value } }

  func has(_ fields: Set<Field>) -> Bool { numbers.keys.contains(where: fields.contains) }

  /// Fails for given fields that the function does not use.
  func allow(_ fields: Set<Field>, _ allowedSources: Set<Source>, zone allowsZone: Bool) throws(QueryError) {
    let field = numbers.keys.filter { !fields.contains($0) }.map(\.rawValue).min()
    let source = sources.keys.filter { !allowedSources.contains($0) }.map(\.rawValue).min()
    if let name = field ?? source ?? (allowsZone || zone == nil ? nil : "timezone") {
      throw failure("does not take the field '\(name)'; leave it out")
    }
    if sources[.datetime] != nil && sources.count > 1 { throw failure("takes datetime, or date and time, not both") }
  }

  func failure(_ reason: String) -> QueryError {
    QueryError(.argument, detail: "InvalidArgumentValue", "\(function)() \(reason)")
  }

  // MARK: Dates

  /// The date of the fields, in days since 1970-01-01; fields that are not given are those of a base, if there is one.
  func date(base: CalendarDate?) throws(QueryError) -> Int64 {
    let isWeek = self[.week] != nil || self[.dayOfWeek] != nil
    let isQuarter = self[.quarter] != nil || self[.dayOfQuarter] != nil
    let isOrdinal = self[.ordinalDay] != nil
    let isCalendar = self[.month] != nil || self[.day] != nil
    if [isWeek, isQuarter, isOrdinal, isCalendar].filter(\.self).count > 1 {
      throw failure(
        "takes either month and day, week and dayOfWeek, quarter and dayOfQuarter, or ordinalDay; leave the others out")
    }
    guard let year = self[.year] ?? (isWeek ? base?.weekYear : base?.year) else {
      throw failure("needs the field 'year'")
    }
    try CalendarDate.check(year: year)
    if isWeek { return try weekDate(year, base) }
    if isQuarter { return try quarterDate(year, base) }
    if isOrdinal {
      let day = try value(.ordinalDay, else: nil, in: 1...(CalendarDate.isLeap(year) ? 366 : 365))
      return CalendarDate(year: year, month: 1, day: 1).days + day - 1
    }
    return try calendarDate(year, base)
  }

  private func calendarDate(_ year: Int64, _ base: CalendarDate?) throws(QueryError) -> Int64 {
    if self[.day] != nil && self[.month] == nil && base == nil { throw failure("needs the field 'month' with 'day'") }
    let month = try value(.month, else: base?.month, in: 1...12)
    let last = CalendarDate.daysInMonth(year, month)
    let day = try value(.day, else: base.map { min($0.day, last) }, in: 1...last)
    return CalendarDate(year: year, month: month, day: day).days
  }

  private func weekDate(_ year: Int64, _ base: CalendarDate?) throws(QueryError) -> Int64 {
    if self[.week] == nil && base == nil { throw failure("needs the field 'week' with 'dayOfWeek'") }
    let week = try value(.week, else: base?.week, in: 1...CalendarDate.weeks(year))
    let day = try value(.dayOfWeek, else: base?.dayOfWeek, in: 1...7)
    return CalendarDate.firstMonday(year) + (week - 1) * 7 + day - 1
  }

  private func quarterDate(_ year: Int64, _ base: CalendarDate?) throws(QueryError) -> Int64 {
    if self[.quarter] == nil && base == nil { throw failure("needs the field 'quarter' with 'dayOfQuarter'") }
    let quarter = try value(.quarter, else: base?.quarter, in: 1...4)
    let first = CalendarDate(year: year, month: quarter * 3 - 2, day: 1)
    if self[.dayOfQuarter] == nil, let base {
      // The same month of the quarter and the same day of the month.
      let month = first.month + (base.month - 1) % 3
      return CalendarDate(year: year, month: month, day: min(base.day, CalendarDate.daysInMonth(year, month))).days
    }
    let length = try first.adding(months: 3).days - first.days
    return first.days + (try value(.dayOfQuarter, else: 1, in: 1...length)) - 1
  }

  // MARK: Times

  /// The time of the fields, in nanoseconds since midnight; fields that are not given are those of a base, if there is one.
  func time(base: Int64?) throws(QueryError) -> Int64 {
    if base == nil {
      let order: [Field] = [.hour, .minute, .second]
      for (field, before) in zip(order.dropFirst(), order) where self[field] != nil && self[before] == nil {
        throw failure("needs the field '\(before.rawValue)' with '\(field.rawValue)'")
      }
      if hasFraction && self[.second] == nil { throw failure("needs the field 'second' with fractions of it") }
    }
    let seconds = base.map { $0 / ClockReading.nanosecondsPerSecond }
    let hour = try value(.hour, else: seconds.map { $0 / 3_600 } ?? 0, in: 0...23)
    let minute = try value(.minute, else: seconds.map { $0 / 60 % 60 } ?? 0, in: 0...59)
    let second = try value(.second, else: seconds.map { $0 % 60 } ?? 0, in: 0...59)
    let fraction = hasFraction ? try fraction() : (base ?? 0) % ClockReading.nanosecondsPerSecond
    return (hour * 3_600 + minute * 60 + second) * ClockReading.nanosecondsPerSecond + fraction
  }

  private var hasFraction: Bool { has([.millisecond, .microsecond, .nanosecond]) }

  /// Nanoseconds of the second. A smaller unit counts within the larger ones that are given.
  func fraction() throws(QueryError) -> Int64 {
    let hasMilliseconds = self[.millisecond] != nil
    let milliseconds = try value(.millisecond, else: 0, in: 0...999)
    let microseconds = try value(.microsecond, else: 0, in: 0...(hasMilliseconds ? 999 : 999_999))
    let nanosecondLimit: Int64 = self[.microsecond] != nil ? 999 : hasMilliseconds ? 999_999 : 999_999_999
    let nanoseconds = try value(.nanosecond, else: 0, in: 0...nanosecondLimit)
    return milliseconds * 1_000_000 + microseconds * 1_000 + nanoseconds
  }

  private func value(_ field: Field, else other: Int64?, in range: ClosedRange<Int64>) throws(QueryError) -> Int64 {
    let value = self[field] ?? other ?? range.lowerBound
    if !range.contains(value) {
      throw QueryError(
        .argument, detail: "NumberOutOfRange",
        "The field '\(field.rawValue)' of \(function)() is \(value); it must be \(range.lowerBound) to \(range.upperBound)"
      )
    }
    return value
  }
}
