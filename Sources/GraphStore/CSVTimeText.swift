/// Dates and times in ISO 8601 format.
extension CellText {
  /// Parses `YYYY-MM-DD`, with optional surrounding blanks, as days since 1970-01-01.
  static func days(_ cell: CellBytes) -> Int32? {
    let text = cell.trimmed
    return text.count == 10 ? date(text) : nil
  }

  /// Parses `YYYY-MM-DD`, optionally followed by a blank or `T` and `HH[:MM[:SS[.fraction]]]` with an optional zone (`Z`, `±HH`,
  /// `±HHMM`, `±HH:MM`), as milliseconds since 1970-01-01 UTC. Finer fractions are rounded down. Leap seconds are not accepted.
  static func milliseconds(_ cell: CellBytes) -> (value: Int64, isZoned: Bool)? {
    guard cell.count >= 10, let days = date(cell) else { return nil }
    let midnight = Int64(days) * 86_400_000
    if cell.count == 10 { return (midnight, false) }
    guard cell[10] == UInt8(ascii: " ") || cell[10] == UInt8(ascii: "T") else { return nil }
    var clock = CellBytes(rebasing: cell.dropFirst(11))
    guard let offset = zone(&clock), let time = timeOfDay(clock) else { return nil }
    return (midnight + time - Int64(offset.minutes) * 60_000, offset.isGiven)
  }

  /// Parses the date in the first ten bytes.
  private static func date(_ text: CellBytes) -> Int32? {
    guard text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
      let century = pair(text, 0), let rest = pair(text, 2), let month = pair(text, 5), let day = pair(text, 8)
    else { return nil }
    let year = century * 100 + rest
    guard (1...12).contains(month), day >= 1, day <= daysOfMonth(month, year: year) else { return nil }
    return Int32(daysSinceEpoch(year: year, month: month, day: day))
  }

  private static func daysOfMonth(_ month: Int, year: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    switch month {
    case 2: return isLeap ? 29 : 28
    case 4, 6, 9, 11: return 30
    default: return 31
    }
  }

  /// Returns the days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date
  /// algorithms"). The year begins in March, so that the leap day is its last.
  private static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
    let shifted = month > 2 ? year : year - 1
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// Parses `HH[:MM[:SS[.fraction]]]` as milliseconds; a fraction has one to nine digits.
  private static func timeOfDay(_ text: CellBytes) -> Int64? {
    guard text.count >= 2, let hour = pair(text, 0), hour < 24 else { return nil }
    var seconds = hour * 3600
    if text.count == 2 { return Int64(seconds) * 1000 }
    guard text.count >= 5, text[2] == UInt8(ascii: ":"), let minute = pair(text, 3), minute < 60 else { return nil }
    seconds += minute * 60
    if text.count == 5 { return Int64(seconds) * 1000 }
    guard text.count >= 8, text[5] == UInt8(ascii: ":"), let second = pair(text, 6), second < 60 else { return nil }
    seconds += second
    if text.count == 8 { return Int64(seconds) * 1000 }
    guard text[8] == UInt8(ascii: "."), (10...18).contains(text.count) else { return nil }
    var milliseconds = 0
    for place in 9..<max(12, text.count) {
      let digit = place < text.count ? text[place].digit : 0
      guard digit < 10 else { return nil }
      if place < 12 { milliseconds = milliseconds * 10 + Int(digit) }
    }
    return Int64(seconds) * 1000 + Int64(milliseconds)
  }

  /// Removes the zone from the end of a time and returns it; nil if it is malformed.
  private static func zone(_ text: inout CellBytes) -> (minutes: Int, isGiven: Bool)? {
    if text.last == UInt8(ascii: "Z") {
      text = CellBytes(rebasing: text.dropLast())
      return (0, true)
    }
    guard let sign = text.lastIndex(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }) else {
      return (0, false)
    }
    let digits = CellBytes(rebasing: text[(sign + 1)...])
    let minutePlace = digits.count == 5 ? 3 : 2
    guard [2, 4, 5].contains(digits.count), digits.count != 5 || digits[2] == UInt8(ascii: ":"),
      let hours = pair(digits, 0), hours < 24,
      let minutes = digits.count == 2 ? 0 : pair(digits, minutePlace), minutes < 60
    else { return nil }
    let total = hours * 60 + minutes
    let isWest = text[sign] == UInt8(ascii: "-")
    text = CellBytes(rebasing: text[..<sign])
    return (isWest ? -total : total, true)
  }

  /// Parses two digits.
  private static func pair(_ text: CellBytes, _ place: Int) -> Int? {
    let (tens, ones) = (text[place].digit, text[place + 1].digit)
    return tens < 10 && ones < 10 ? Int(tens) * 10 + Int(ones) : nil
  }
}
