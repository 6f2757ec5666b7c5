extension ZonedDateTime {
  /// An instant, shown in a named zone.
  /// - Parameters:
  ///   - seconds: Seconds since 1970-01-01T00:00:00Z.
  ///   - nanoseconds: Nanoseconds of the second, 0 to 999,999,999.
  ///   - zone: The name of a zone, such as `Europe/Stockholm`.
  /// - Throws: An argument error if the system does not know the zone, or if the year is out of range.
  public static func instant(seconds: Int64, nanoseconds: Int32, zone: String) throws(QueryError) -> ZonedDateTime {
    _ = try Temporal.localDateTime(seconds: seconds, nanoseconds: nanoseconds).validated()
    return try TimeZones.zone(named: zone).show(seconds: seconds, nanoseconds: nanoseconds)
  }

  /// The instant at which the clock of a named zone shows a date and a time: the first one if there are two.
  /// - Parameters:
  ///   - clock: Seconds since 1970-01-01T00:00:00 on that clock.
  ///   - nanoseconds: Nanoseconds of the second, 0 to 999,999,999.
  ///   - zone: The name of a zone, such as `Europe/Stockholm`.
  /// - Throws: An argument error if the system does not know the zone, or if the year is out of range.
  public static func instant(clock: Int64, nanoseconds: Int32, zone: String) throws(QueryError) -> ZonedDateTime {
    _ = try Temporal.localDateTime(seconds: clock, nanoseconds: nanoseconds).validated()
    return try TimeZones.zone(named: zone).instant(ClockReading(seconds: clock, nanoseconds: nanoseconds))
  }
}
