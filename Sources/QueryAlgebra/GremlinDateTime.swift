import QueryValues

/// Points in time as Gremlin writes them.
public enum GremlinDateTime {
  /// Reads a date of ISO 8601, with or without time, fraction and zone; without a zone, it is UTC. Nil if it is none.
  public static func parse(_ text: String) -> ZonedDateTime? {
    guard text.utf8.count <= 40 else { return nil }
    var reader = Reader(Array(text.utf8))
    guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), 1...12 ~= month else {
      return nil
    }
    let day = reader.take("-") ? reader.number(2) : 1
    guard let day, 1...31 ~= day else { return nil }
    var seconds: Int64 = 0
    var nanoseconds: Int32 = 0
    var offset: Int32 = 0
    if reader.take("T") || reader.take(" ") {
      guard let hour = reader.number(2), hour < 24, reader.take(":"), let minute = reader.number(2), minute < 60
      else { return nil }
      seconds = hour * 3600 + minute * 60
      if reader.take(":") {
        guard let second = reader.number(2), second < 60 else { return nil }
        seconds += second
        if reader.take(".") {
          guard let fraction = reader.fraction() else { return nil }
          nanoseconds = fraction
        }
      }
      guard let zone = reader.zone() else { return nil }
      offset = zone
    }
    guard reader.isAtEnd, let days = days(year, month, day) else { return nil }
    return ZonedDateTime(
      seconds: days * 86400 + seconds - Int64(offset), nanoseconds: nanoseconds, offset: offset, zone: nil)
  }

  /// Returns the text of a point in time, such as `2024-01-31T12:00:00Z`.
  public static func text(_ time: ZonedDateTime) -> String {
    let local = time.seconds &+ Int64(time.offset)
    let days = Int64((Double(local) / 86400).rounded(.down))
    let (year, month, day) = civil(days)
    let second = local - days * 86400
    var text = "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(pad(second / 3600, 2)):\(pad(second / 60 % 60, 2))"
    if second % 60 != 0 || time.nanoseconds != 0 { text += ":\(pad(second % 60, 2))" }
    if time.nanoseconds != 0 {
      var fraction = pad(Int64(time.nanoseconds), 9)
      while fraction.hasSuffix("0") { fraction.removeLast() }
      text += "." + fraction
    }
    if time.offset == 0 { return text + "Z" }
    let minutes = Int64(abs(time.offset)) / 60
    return text + (time.offset < 0 ? "-" : "+") + "\(pad(minutes / 60, 2)):\(pad(minutes % 60, 2))"
  }

  private static func pad(_ number: Int64, _ width: Int) -> String {
    let digits = String(abs(number))
    return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  /// Days since 1970-01-01; nil for a day that the month does not have.
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64? {
    // Years begin in March, so that the leap day is the last one.
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    return civil(days) == (year, month, day) ? days : nil
  }

  private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * month + 2) / 5 + 1
    let calendarMonth = month < 10 ? month + 3 : month - 9
    return (yearOfEra + era * 400 + (calendarMonth <= 2 ? 1 : 0), calendarMonth, day)
  }

  /// Reads the parts of a date.
  private struct Reader {
    let bytes: [UInt8]
    var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func take(_ character: Character) -> Bool {
      guard position < bytes.count, bytes[position] == character.asciiValue else { return false }
      position += 1
      return true
    }

    mutating func number(_ digits: Int) -> Int64? {
      guard position + digits <= bytes.count else { return nil }
      var value: Int64 = 0
      for byte in bytes[position..<position + digits] {
        guard 48...57 ~= byte else { return nil }
        value = value * 10 + Int64(byte - 48)
      }
      position += digits
      return value
    }

    mutating func fraction() -> Int32? {
      var value: Int32 = 0
      var digits = 0
      while position < bytes.count, 48...57 ~= bytes[position], digits < 9 {
        value = value * 10 + Int32(bytes[position] - 48)
        digits += 1
        position += 1
      }
      guard digits > 0 else { return nil }
      for _ in digits..<9 { value *= 10 }
      return value
    }

    /// The offset in seconds.
    mutating func zone() -> Int32? {
      if take("Z") || isAtEnd { return 0 }
      let sign: Int64 = take("+") ? 1 : take("-") ? -1 : 0
      guard sign != 0, let hours = number(2), hours <= 18 else { return nil }
      guard take(":") || !isAtEnd else { return Int32(sign * hours * 3600) }
      guard let minutes = number(2), minutes < 60 else { return nil }
      return Int32(sign * (hours * 3600 + minutes * 60))
    }
  }
}
