/// A day of the proleptic Gregorian calendar, and its position in weeks, quarters and years.
///
/// The conversions between days and dates follow Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013). Years lie
/// between -999,999,999 and 999,999,999.
struct CalendarDate: Sendable {
  static let years: ClosedRange<Int64> = -999_999_999...999_999_999

  let year: Int64
  /// 1 to 12.
  let month: Int64
  /// 1 to 31.
  let day: Int64

  init(year: Int64, month: Int64, day: Int64) {
    self.year = year
    self.month = month
    self.day = day
  }

  /// The date of a number of days since 1970-01-01.
  init(days: Int64) {
    let shifted = days + 719_468
    let era = shifted.flooredQuotient(146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  /// Days since 1970-01-01.
  var days: Int64 {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = shiftedYear.flooredQuotient(400)
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  var quarter: Int64 { (month + 2) / 3 }
  var dayOfYear: Int64 { days - Self(year: year, month: 1, day: 1).days + 1 }
  var dayOfQuarter: Int64 { days - Self(year: year, month: quarter * 3 - 2, day: 1).days + 1 }
  /// 1 for Monday to 7 for Sunday.
  var dayOfWeek: Int64 { Self.dayOfWeek(days) }

  /// The year to which the week belongs by ISO 8601.
  var weekYear: Int64 { Self(days: days + 4 - dayOfWeek).year }
  /// The week of ISO 8601, 1 to 53.
  var week: Int64 { (days - Self.firstMonday(weekYear)) / 7 + 1 }

  static func dayOfWeek(_ days: Int64) -> Int64 { (days + 3).flooredRemainder(7) + 1 }

  static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  static func daysInMonth(_ year: Int64, _ month: Int64) -> Int64 {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// The Monday of the first week of a year, in days since 1970-01-01: the week with January 4.
  static func firstMonday(_ weekYear: Int64) -> Int64 {
    let january4 = Self(year: weekYear, month: 1, day: 4).days
    return january4 - dayOfWeek(january4) + 1
  }

  /// The number of weeks of a year by ISO 8601.
  static func weeks(_ weekYear: Int64) -> Int64 { (firstMonday(weekYear + 1) - firstMonday(weekYear)) / 7 }

  /// The date some months later; the day is moved to the end of the month if the month is too short.
  func adding(months: Int64) throws(QueryError) -> CalendarDate {
    let (total, overflow) = (year * 12 + month - 1).addingReportingOverflow(months)
    if overflow { throw .overflow("A date plus \(months) months") }
    let newYear = total.flooredQuotient(12)
    try Self.check(year: newYear)
    let newMonth = total.flooredRemainder(12) + 1
    return Self(year: newYear, month: newMonth, day: min(day, Self.daysInMonth(newYear, newMonth)))
  }

  static func check(year: Int64) throws(QueryError) {
    if !years.contains(year) {
      throw QueryError(
        .argument, detail: "NumberOutOfRange", "The year \(year) is out of range; years are -999999999 to 999999999")
    }
  }

  /// Days some days later.
  static func add(_ days: Int64, _ more: Int64) throws(QueryError) -> Int64 {
    let (sum, overflow) = days.addingReportingOverflow(more)
    // 999,999,999 years are below 2^39 days.
    if overflow || sum.magnitude > 1 << 40 { throw .overflow("A date plus \(more) days") }
    try check(year: Self(days: sum).year)
    return sum
  }
}

extension Int64 {
  /// The quotient rounded down; the divisor is positive.
  func flooredQuotient(_ divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }

  /// The remainder that is not negative; the divisor is positive.
  func flooredRemainder(_ divisor: Int64) -> Int64 {
    let remainder = self % divisor
    return remainder < 0 ? remainder + divisor : remainder
  }
}
