/// A date, a time or a duration, with the precision of a nanosecond.
public enum Temporal: Sendable {
  /// Days since 1970-01-01 in the proleptic Gregorian calendar.
  case date(days: Int64)
  /// Nanoseconds since midnight.
  case localTime(nanoseconds: Int64)
  /// Nanoseconds since midnight at an offset of seconds from UTC.
  case time(nanoseconds: Int64, offset: Int32)
  /// Seconds since 1970-01-01T00:00:00 on a clock without zone, and nanoseconds of the second.
  case localDateTime(seconds: Int64, nanoseconds: Int32)
  /// An instant with the zone in which it is shown.
  case dateTime(ZonedDateTime)
  /// Months, days, seconds and nanoseconds, which are not converted into each other.
  case duration(DurationValue)
}

/// An instant with the zone in which it is shown.
public final class ZonedDateTime: Sendable {
  /// Seconds since 1970-01-01T00:00:00Z.
  public let seconds: Int64
  /// Nanoseconds of the second, 0 to 999,999,999.
  public let nanoseconds: Int32
  /// The offset of the zone at that instant, in seconds east of UTC.
  public let offset: Int32
  /// The name of the zone, such as `Europe/Stockholm`; nil for an offset alone.
  public let zone: String?

  /// Creates an instant.
  public init(seconds: Int64, nanoseconds: Int32, offset: Int32, zone: String?) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
    self.offset = offset
    self.zone = zone
  }
}

/// A length of time in four units that are not converted into each other.
public final class DurationValue: Sendable {
  /// Months.
  public let months: Int64
  /// Days.
  public let days: Int64
  /// Seconds.
  public let seconds: Int64
  /// Nanoseconds of the second, 0 to 999,999,999; the seconds carry the sign.
  public let nanoseconds: Int32

  /// Creates a duration.
  public init(months: Int64, days: Int64, seconds: Int64, nanoseconds: Int32) {
    self.months = months
    self.days = days
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }
}
