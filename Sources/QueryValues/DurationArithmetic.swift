/// Parts of a duration that may have fractions, which are carried into the smaller units: a month has 2,629,746 seconds (a
/// twelfth of 365.2425 days), a day 86,400.
struct DurationParts {
  private var months: Int64 = 0
  private var days: Int64 = 0
  private var seconds: Int64 = 0
  private var nanoseconds: Int64 = 0

  /// The units by the names of their fields in maps.
  enum Unit: String {
    case years, quarters, months, weeks, days, hours, minutes, seconds, milliseconds, microseconds, nanoseconds
  }

  mutating func add(_ amount: Number, _ unit: Unit) throws(QueryError) {
    switch unit {
    case .years: try add(months: amount, 12)
    case .quarters: try add(months: amount, 3)
    case .months: try add(months: amount, 1)
    case .weeks: try add(days: amount, 7)
    case .days: try add(days: amount, 1)
    case .hours: try add(seconds: amount, 3_600)
    case .minutes: try add(seconds: amount, 60)
    case .seconds: try add(seconds: amount, 1)
    case .milliseconds: try add(nanoseconds: amount, 1_000_000)
    case .microseconds: try add(nanoseconds: amount, 1_000)
    case .nanoseconds: try add(nanoseconds: amount, 1)
    }
  }

  mutating func add(months amount: Number, _ factor: Int64) throws(QueryError) {
    let (whole, fraction) = try Self.split(amount, factor)
    try Self.add(&months, whole)
    let inSeconds = fraction * 2_629_746
    let wholeDays = (inSeconds / 86_400).rounded(.towardZero)
    try Self.add(&days, Int64(wholeDays))
    try add(seconds: .real(inSeconds - wholeDays * 86_400), 1)
  }

  mutating func add(days amount: Number, _ factor: Int64) throws(QueryError) {
    let (whole, fraction) = try Self.split(amount, factor)
    try Self.add(&days, whole)
    try add(seconds: .real(fraction), 86_400)
  }

  mutating func add(seconds amount: Number, _ factor: Int64) throws(QueryError) {
    let (whole, fraction) = try Self.split(amount, factor)
    try Self.add(&seconds, whole)
    try Self.add(&nanoseconds, Int64((fraction * 1e9).rounded(.toNearestOrEven)))
  }

  mutating func add(nanoseconds amount: Number, _ factor: Int64) throws(QueryError) {
    switch amount {
    case .whole(let count):
      // Seconds are split off first, because nanoseconds leave 64 bits after 292 years.
      let perSecond = ClockReading.nanosecondsPerSecond / factor
      try Self.add(&seconds, count / perSecond)
      try Self.add(&nanoseconds, count % perSecond * factor)
    case .real(let count): try add(seconds: .real(count * Double(factor) / 1e9), 1)
    }
  }

  /// The duration of the parts.
  func value() throws(QueryError) -> DurationValue {
    let perSecond = ClockReading.nanosecondsPerSecond
    var seconds = seconds
    try Self.add(&seconds, nanoseconds.flooredQuotient(perSecond))
    return DurationValue(
      months: months, days: days, seconds: seconds, nanoseconds: Int32(nanoseconds.flooredRemainder(perSecond)))
  }

  private static func add(_ part: inout Int64, _ more: Int64) throws(QueryError) {
    let (sum, overflow) = part.addingReportingOverflow(more)
    if overflow { throw .overflow("A duration") }
    part = sum
  }

  private static func split(_ amount: Number, _ factor: Int64) throws(QueryError) -> (Int64, Double) {
    switch amount {
    case .whole(let count):
      let (product, overflow) = count.multipliedReportingOverflow(by: factor)
      if overflow { throw .overflow("A duration") }
      return (product, 0)
    case .real(let count):
      let product = count * Double(factor)
      guard product.magnitude < 0x1p62 else { throw .overflow("A duration") }
      let whole = product.rounded(.towardZero)
      return (Int64(whole), product - whole)
    }
  }
}

extension DurationValue {
  /// The sum of two durations, part by part.
  func adding(_ other: DurationValue) throws(QueryError) -> DurationValue {
    var parts = DurationParts()
    for (amount, unit) in amounts + other.amounts { try parts.add(.whole(amount), unit) }
    return try parts.value()
  }

  /// The duration times a number; fractions are carried into smaller units.
  func multiplied(by factor: Number) throws(QueryError) -> DurationValue {
    var parts = DurationParts()
    switch factor {
    case .whole(let factor):
      for (amount, unit) in amounts {
        let (product, overflow) = amount.multipliedReportingOverflow(by: factor)
        if overflow { throw .overflow("A duration times \(factor)") }
        try parts.add(.whole(product), unit)
      }
    case .real(let factor):
      for (amount, unit) in amounts { try parts.add(.real(Double(amount) * factor), unit) }
    }
    return try parts.value()
  }

  /// The duration divided by a number; fractions are carried into smaller units.
  func divided(by divisor: Number) throws(QueryError) -> DurationValue {
    if divisor.double == 0 {
      throw QueryError(.arithmetic, detail: "DivisionByZero", "A duration is divided by zero; use CASE to avoid it")
    }
    var parts = DurationParts()
    for (amount, unit) in amounts { try parts.add(.real(Double(amount) / divisor.double), unit) }
    return try parts.value()
  }

  /// The duration with the other sign.
  func negated() throws(QueryError) -> DurationValue { try multiplied(by: .whole(-1)) }

  private var amounts: [(Int64, DurationParts.Unit)] {
    [(months, .months), (days, .days), (seconds, .seconds), (Int64(nanoseconds), .nanoseconds)]
  }
}
