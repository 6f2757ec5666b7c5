import QueryAlgebra
import QueryValues

/// Functions of points in time.
extension TraversalRunner {
  func date(_ function: DateFunction, _ traverser: Traverser) throws(QueryError) -> Value {
    switch function {
    case .parse: return try Self.parsed(traverser.value)
    case .add(let unit, let amount):
      let time = try Self.time(traverser.value, "dateAdd")
      let (seconds, overflow) = amount.multipliedReportingOverflow(by: unit.seconds)
      let (sum, overflowed) = time.seconds.addingReportingOverflow(seconds)
      guard !overflow, !overflowed else { throw QueryError(.arithmetic, "dateAdd() leaves the range of dates.") }
      return .temporal(
        .dateTime(ZonedDateTime(seconds: sum, nanoseconds: time.nanoseconds, offset: time.offset, zone: time.zone)))
    case .difference(let operand):
      let time = try Self.time(traverser.value, "dateDiff")
      let other: Value
      switch operand {
      case .value(let value): other = value
      case .traversal(let traversal): other = try first(of: traversal, for: traverser)?.value ?? .null
      }
      if other.isNull { return .integer(time.seconds) }
      return .integer(time.seconds &- (try Self.time(other, "dateDiff")).seconds)
    }
  }

  private static func parsed(_ value: Value) throws(QueryError) -> Value {
    switch value {
    case .temporal(.dateTime): return value
    case .string(let text):
      guard let time = GremlinDateTime.parse(text) else {
        throw QueryError(.argument, "asDate() cannot read '\(text.prefix(40))'. Write it as 2024-01-31T12:00:00Z.")
      }
      return .temporal(.dateTime(time))
    default:
      guard case .whole(let milliseconds)? = value.number else {
        throw QueryError(.argument, "asDate() reads texts and whole numbers of milliseconds, not \(value.typeName).")
      }
      let seconds = Int64((Double(milliseconds) / 1000).rounded(.down))
      let rest = milliseconds - seconds * 1000
      return .temporal(
        .dateTime(ZonedDateTime(seconds: seconds, nanoseconds: Int32(rest) * 1_000_000, offset: 0, zone: nil)))
    }
  }

  private static func time(_ value: Value, _ step: String) throws(QueryError) -> ZonedDateTime {
    if case .temporal(.dateTime(let time)) = value { return time }
    throw QueryError(.argument, "\(step)() reads points in time, not \(value.typeName). Use asDate() before it.")
  }
}

extension DateUnit {
  var seconds: Int64 {
    switch self {
    case .second: 1
    case .minute: 60
    case .hour: 3600
    case .day: 86400
    }
  }
}
