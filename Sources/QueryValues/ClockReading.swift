/// A date and a time of day as a clock without zone shows them.
struct ClockReading: Sendable {
  static let nanosecondsPerSecond: Int64 = 1_000_000_000
  static let nanosecondsPerDay: Int64 = 86_400 * nanosecondsPerSecond

  /// Days since 1970-01-01.
  var days: Int64
  /// Nanoseconds since midnight, 0 to 86,399,999,999,999.
  var nanoseconds: Int64

  init(days: Int64, nanoseconds: Int64) {
    self.days = days
    self.nanoseconds = nanoseconds
  }

  /// The reading of seconds since 1970-01-01T00:00:00 and nanoseconds of the second.
  init(seconds: Int64, nanoseconds: Int32) {
    days = seconds.flooredQuotient(86_400)
    self.nanoseconds = seconds.flooredRemainder(86_400) * Self.nanosecondsPerSecond + Int64(nanoseconds)
  }

  /// Seconds since 1970-01-01T00:00:00 on the same clock.
  var seconds: Int64 { days * 86_400 + nanoseconds / Self.nanosecondsPerSecond }
  var nanosecondsOfSecond: Int32 { Int32(nanoseconds % Self.nanosecondsPerSecond) }
  var date: CalendarDate { CalendarDate(days: days) }

  /// The reading some seconds and nanoseconds later.
  func adding(seconds more: Int64, nanoseconds moreNanoseconds: Int32) throws(QueryError) -> ClockReading {
    let nanoseconds = nanosecondsOfSecond + moreNanoseconds
    let carry = Int64(nanoseconds).flooredQuotient(Self.nanosecondsPerSecond)
    let (sum, overflow) = seconds.addingReportingOverflow(more)
    let (total, carryOverflow) = sum.addingReportingOverflow(carry)
    if overflow || carryOverflow { throw .overflow("A time plus \(more) seconds") }
    let rest = Int32(Int64(nanoseconds).flooredRemainder(Self.nanosecondsPerSecond))
    let result = ClockReading(seconds: total, nanoseconds: rest)
    _ = try CalendarDate.add(result.days, 0)
    return result
  }

  /// The reading some months and days later.
  func adding(months: Int64, days more: Int64) throws(QueryError) -> ClockReading {
    let moved = months == 0 ? days : try date.adding(months: months).days
    return ClockReading(days: try CalendarDate.add(moved, more), nanoseconds: nanoseconds)
  }

  static func precedes(_ left: ClockReading, _ right: ClockReading) -> Bool {
    (left.days, left.nanoseconds) < (right.days, right.nanoseconds)
  }
}

/// Where a clock stands: an offset from UTC, or a place whose offset depends on the instant.
enum Zone: Sendable {
  case offset(Int32)
  case named(String, ZoneRules)

  static let utc = Zone.offset(0)

  /// The name of the place; nil for an offset.
  var name: String? {
    if case .named(let name, _) = self { name } else { nil }
  }

  /// The offset at an instant in seconds since 1970-01-01T00:00:00Z.
  func offset(at seconds: Int64) -> Int32 {
    switch self {
    case .offset(let offset): offset
    case .named(_, let rules): rules.offset(at: seconds)
    }
  }

  /// The instant at which a clock of the zone shows a reading. The first of two when clocks are set back; when they are set
  /// forward, a reading that never appears counts on from before the gap.
  /// - Parameter preferred: The offset to take if the zone allows two.
  func instant(_ reading: ClockReading, preferred: Int32? = nil) -> ZonedDateTime {
    let offset: Int32
    switch self {
    case .offset(let value): offset = value
    case .named(_, let rules):
      let before = rules.offset(at: reading.seconds - 86_400)
      let candidates = [before, rules.offset(at: reading.seconds + 86_400), rules.offset(at: reading.seconds)]
      let valid = candidates.filter { rules.offset(at: reading.seconds - Int64($0)) == $0 }
      if let preferred, valid.contains(preferred) {
        offset = preferred
      } else {
        // The larger offset is the earlier instant.
        offset = valid.max() ?? before
      }
    }
    let seconds = reading.seconds - Int64(offset)
    return ZonedDateTime(
      seconds: seconds, nanoseconds: reading.nanosecondsOfSecond, offset: self.offset(at: seconds), zone: name)
  }

  /// How the zone shows an instant.
  func show(seconds: Int64, nanoseconds: Int32) -> ZonedDateTime {
    ZonedDateTime(seconds: seconds, nanoseconds: nanoseconds, offset: offset(at: seconds), zone: name)
  }
}

extension ZonedDateTime {
  /// What a clock in the zone shows.
  var reading: ClockReading { ClockReading(seconds: seconds + Int64(offset), nanoseconds: nanoseconds) }

  /// The zone; its rules are read from the system.
  /// - Throws: An error if the system does not know the zone.
  func rules() throws(QueryError) -> Zone {
    if let zone { try TimeZones.zone(named: zone) } else { .offset(offset) }
  }
}
