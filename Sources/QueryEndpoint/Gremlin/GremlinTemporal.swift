import QueryValues

/// Dates and times as drivers of Gremlin read them. TinkerPop's `Date` is an instant in milliseconds: a clock without zone counts
/// as UTC, and what is finer is cut off. Times of day are texts, and so are durations with months.
enum GremlinTemporal {
  case instant(milliseconds: Int64)
  case duration(seconds: Int64, nanoseconds: Int32, text: String)
  case text(String)

  init(_ temporal: Temporal) throws(QueryError) {
    switch temporal {
    case .date(let days): self = try Self.instant(seconds: days, times: 86_400, 0)
    case .localDateTime(let seconds, let nanoseconds): self = try Self.instant(seconds: seconds, times: 1, nanoseconds)
    case .dateTime(let instant): self = try Self.instant(seconds: instant.seconds, times: 1, instant.nanoseconds)
    case .localTime, .time: self = .text(temporal.text)
    case .duration(let duration): self = Self.length(duration, temporal.text)
    }
  }

  private static func instant(seconds: Int64, times factor: Int64, _ nanoseconds: Int32) throws(QueryError) -> Self {
    let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: factor * 1000)
    let (total, carry) = milliseconds.addingReportingOverflow(Int64(nanoseconds / 1_000_000))
    if overflow || carry {
      throw QueryError(.arithmetic, "A date of the result is too far from 1970 for milliseconds; return its parts")
    }
    return .instant(milliseconds: total)
  }

  private static func length(_ duration: DurationValue, _ text: String) -> Self {
    let (seconds, overflow) = duration.days.multipliedReportingOverflow(by: 86_400)
    let (total, carry) = seconds.addingReportingOverflow(duration.seconds)
    guard duration.months == 0, !overflow, !carry else { return .text(text) }
    return .duration(seconds: total, nanoseconds: duration.nanoseconds, text: text)
  }
}
