import NIOCore
import QueryValues

/// Dates, times and durations as structures of Bolt.
///
/// Version 5, and 4.3 and 4.4 with the patch `utc`, count the seconds of an instant from 1970 in UTC; older versions count the
/// seconds that the clock of the zone shows.
enum BoltTemporal {
  enum Tag: UInt8 {
    case date = 0x44
    case time = 0x54
    case localTime = 0x74
    case dateTime = 0x49
    case zonedDateTime = 0x69
    case legacyDateTime = 0x46
    case legacyZonedDateTime = 0x66
    case localDateTime = 0x64
    case duration = 0x45
  }

  /// The value of a structure; nil if it is none.
  /// - Throws: An argument error if its numbers are out of range.
  static func decode(_ tag: UInt8, _ fields: [Value]) throws(QueryError) -> Temporal? {
    guard let tag = Tag(rawValue: tag) else { return nil }
    if tag == .zonedDateTime || tag == .legacyZonedDateTime { return try zoned(tag, fields) }
    let numbers = fields.compactMap { if case .integer(let number) = $0 { number } else { nil } }
    guard numbers.count == fields.count else { return nil }
    return try plain(tag, numbers)?.validated()
  }

  private static func zoned(_ tag: Tag, _ fields: [Value]) throws(QueryError) -> Temporal? {
    guard fields.count == 3, case .integer(let seconds) = fields[0], case .integer(let nanoseconds) = fields[1],
      let fraction = Int32(exactly: nanoseconds), case .string(let zone) = fields[2]
    else { return nil }
    let instant: ZonedDateTime =
      if tag == .zonedDateTime {
        try .instant(seconds: seconds, nanoseconds: fraction, zone: zone)
      } else {
        try .instant(clock: seconds, nanoseconds: fraction, zone: zone)
      }
    return .dateTime(instant)
  }

  /// A value without a named zone; nil if the structure has another number of fields, or numbers that do not fit.
  private static func plain(_ tag: Tag, _ numbers: [Int64]) throws(QueryError) -> Temporal? {
    switch (tag, numbers.count) {
    case (.date, 1): return .date(days: numbers[0])
    case (.localTime, 1): return .localTime(nanoseconds: numbers[0])
    case (.time, 2): return Int32(exactly: numbers[1]).map { .time(nanoseconds: numbers[0], offset: $0) }
    case (.localDateTime, 2):
      return Int32(exactly: numbers[1]).map { .localDateTime(seconds: numbers[0], nanoseconds: $0) }
    case (.dateTime, 3), (.legacyDateTime, 3):
      guard let nanoseconds = Int32(exactly: numbers[1]), let offset = Int32(exactly: numbers[2]) else { return nil }
      let (utc, overflow) = numbers[0].subtractingReportingOverflow(tag == .dateTime ? 0 : numbers[2])
      if overflow { return nil }
      return .dateTime(ZonedDateTime(seconds: utc, nanoseconds: nanoseconds, offset: offset, zone: nil))
    case (.duration, 4): return duration(numbers[0], numbers[1], numbers[2], numbers[3]).map { .duration($0) }
    default: return nil
    }
  }

  /// Moves nanoseconds beyond a second to the seconds.
  private static func duration(_ months: Int64, _ days: Int64, _ seconds: Int64, _ nanoseconds: Int64)
    -> DurationValue?
  {
    let rest = nanoseconds % 1_000_000_000
    let carry = nanoseconds / 1_000_000_000 - (rest < 0 ? 1 : 0)
    let (total, overflow) = seconds.addingReportingOverflow(carry)
    if overflow { return nil }
    return DurationValue(
      months: months, days: days, seconds: total, nanoseconds: Int32(rest < 0 ? rest + 1_000_000_000 : rest))
  }

  /// Writes a value; `isUTC` says how an instant is counted.
  static func encode(_ temporal: Temporal, isUTC: Bool, into bytes: inout ByteBuffer) {
    switch temporal {
    case .date(let days):
      bytes.packStructure(Tag.date.rawValue, 1)
      bytes.pack(days)
    case .localTime(let nanoseconds):
      bytes.packStructure(Tag.localTime.rawValue, 1)
      bytes.pack(nanoseconds)
    case .time(let nanoseconds, let offset):
      bytes.packStructure(Tag.time.rawValue, 2)
      bytes.pack(nanoseconds)
      bytes.pack(Int64(offset))
    case .localDateTime(let seconds, let nanoseconds):
      bytes.packStructure(Tag.localDateTime.rawValue, 2)
      bytes.pack(seconds)
      bytes.pack(Int64(nanoseconds))
    case .dateTime(let instant): encode(instant, isUTC: isUTC, into: &bytes)
    case .duration(let duration):
      bytes.packStructure(Tag.duration.rawValue, 4)
      bytes.pack(duration.months)
      bytes.pack(duration.days)
      bytes.pack(duration.seconds)
      bytes.pack(Int64(duration.nanoseconds))
    }
  }

  private static func encode(_ instant: ZonedDateTime, isUTC: Bool, into bytes: inout ByteBuffer) {
    let tag: Tag =
      switch (instant.zone == nil, isUTC) {
      case (true, true): .dateTime
      case (true, false): .legacyDateTime
      case (false, true): .zonedDateTime
      case (false, false): .legacyZonedDateTime
      }
    bytes.packStructure(tag.rawValue, 3)
    bytes.pack(isUTC ? instant.seconds : instant.seconds &+ Int64(instant.offset))
    bytes.pack(Int64(instant.nanoseconds))
    if let zone = instant.zone { bytes.pack(zone) } else { bytes.pack(Int64(instant.offset)) }
  }
}
