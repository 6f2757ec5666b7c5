extension Temporal {
  /// The value in ISO 8601, as Cypher writes it: `1984-10-11`, `12:31:14.645+01:00`, `1984-10-11T12:31+01:00[Europe/Stockholm]`,
  /// `P12Y5M14DT16H13M10.000000001S`. Seconds are left out if they are 0.
  public var text: String {
    switch self {
    case .date(let days): Self.date(days)
    case .localTime(let nanoseconds): Self.time(nanoseconds)
    case .time(let nanoseconds, let offset): Self.time(nanoseconds) + Self.offset(offset)
    case .localDateTime(let seconds, let nanoseconds):
      Self.dateTime(ClockReading(seconds: seconds, nanoseconds: nanoseconds))
    case .dateTime(let value):
      Self.dateTime(value.reading) + Self.offset(value.offset) + (value.zone.map { "[\($0)]" } ?? "")
    case .duration(let value): value.text
    }
  }

  /// An offset in seconds as `Z`, `+01:00` or `+00:53:28`.
  static func offset(_ seconds: Int32) -> String {
    if seconds == 0 { return "Z" }
    let size = Int64(seconds.magnitude)
    let text = (seconds < 0 ? "-" : "+") + padded(size / 3_600) + ":" + padded(size / 60 % 60)
    return size % 60 == 0 ? text : text + ":" + padded(size % 60)
  }

  private static func dateTime(_ reading: ClockReading) -> String {
    date(reading.days) + "T" + time(reading.nanoseconds)
  }

  private static func date(_ days: Int64) -> String {
    let date = CalendarDate(days: days)
    let sign = date.year < 0 ? "-" : date.year > 9_999 ? "+" : ""
    return sign + padded(Int64(date.year.magnitude), 4) + "-" + padded(date.month) + "-" + padded(date.day)
  }

  private static func time(_ nanoseconds: Int64) -> String {
    let seconds = nanoseconds / ClockReading.nanosecondsPerSecond
    let fraction = nanoseconds % ClockReading.nanosecondsPerSecond
    var text = padded(seconds / 3_600) + ":" + padded(seconds / 60 % 60)
    if seconds % 60 == 0 && fraction == 0 { return text }
    text += ":" + padded(seconds % 60)
    // Milliseconds, microseconds or nanoseconds, as Java writes them.
    if fraction == 0 { return text }
    if fraction % 1_000_000 == 0 { return text + "." + padded(fraction / 1_000_000, 3) }
    return text + "." + (fraction % 1_000 == 0 ? padded(fraction / 1_000, 6) : padded(fraction, 9))
  }

  fileprivate static func padded(_ number: Int64, _ width: Int = 2) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

extension DurationValue {
  /// The duration in ISO 8601, each part with its own sign; `PT0S` if all are 0.
  var text: String {
    var date = Self.part(months / 12, "Y") + Self.part(months % 12, "M") + Self.part(days, "D")
    let time = timeText
    if !time.isEmpty { date += "T" + time }
    return date.isEmpty ? "PT0S" : "P" + date
  }

  private var timeText: String {
    // The seconds carry the sign for the nanoseconds: -1 s and 900,000,000 ns are -0.1 s.
    var whole = seconds
    var fraction = Int64(nanoseconds)
    if whole < 0 && fraction > 0 {
      whole += 1
      fraction = ClockReading.nanosecondsPerSecond - fraction
    }
    let isNegative = seconds < 0
    var text = Self.part(whole / 3_600, "H") + Self.part(whole / 60 % 60, "M")
    let rest = (whole % 60).magnitude
    if rest == 0 && fraction == 0 { return text }
    text += (isNegative ? "-" : "") + String(rest)
    if fraction != 0 {
      var digits = Temporal.padded(fraction, 9)
      while digits.last == "0" { digits.removeLast() }
      text += "." + digits
    }
    return text + "S"
  }

  private static func part(_ number: Int64, _ unit: String) -> String { number == 0 ? "" : "\(number)\(unit)" }
}
