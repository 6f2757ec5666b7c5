/// When clocks are set each year, as the variable TZ of POSIX writes it: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct RecurringRule: Sendable {
  private let standard: Int32
  private let summer: (offset: Int32, start: Day, end: Day)?

  /// A day of the year and the second of that day at which clocks are set.
  private enum Day: Sendable {
    /// The n-th weekday (0 is Sunday) of a month; 5 is the last one.
    case weekday(month: Int64, week: Int64, day: Int64, second: Int64)
    /// A day of the year from 0; February 29 counts.
    case zeroBased(Int64, second: Int64)
    /// A day of the year from 1; February 29 never counts.
    case julian(Int64, second: Int64)
  }

  /// Reads a rule; nil if it is none.
  init?(_ text: String) {
    var reader = Reader(text)
    guard reader.skipName(), let offset = reader.time() else { return nil }
    standard = -Int32(offset)
    if reader.isAtEnd {
      summer = nil
      return
    }
    guard reader.skipName() else { return nil }
    var summerOffset = standard + 3_600
    if reader.peek != UInt8(ascii: ",") {
      guard let offset = reader.time() else { return nil }
      summerOffset = -Int32(offset)
    }
    guard reader.accept(","), let start = reader.day(), reader.accept(","), let end = reader.day(), reader.isAtEnd
    else {
      return nil
    }
    summer = (summerOffset, start, end)
  }

  /// The offset at an instant in seconds since 1970-01-01T00:00:00Z.
  func offset(at seconds: Int64) -> Int32 {
    guard let summer else { return standard }
    let year = CalendarDate(days: (seconds + Int64(standard)).flooredQuotient(86_400)).year
    let start = Self.second(summer.start, year) - Int64(standard)
    let end = Self.second(summer.end, year) - Int64(summer.offset)
    let isSummer = start < end ? seconds >= start && seconds < end : seconds >= start || seconds < end
    return isSummer ? summer.offset : standard
  }

  private static func second(_ day: Day, _ year: Int64) -> Int64 {
    let newYear = CalendarDate(year: year, month: 1, day: 1).days
    switch day {
    case .zeroBased(let day, let second): return (newYear + day) * 86_400 + second
    case .julian(let day, let second):
      return (newYear + day - 1 + (CalendarDate.isLeap(year) && day > 59 ? 1 : 0)) * 86_400 + second
    case .weekday(let month, let week, let day, let second):
      let first = CalendarDate(year: year, month: month, day: 1).days
      var date = first + (day - CalendarDate.dayOfWeek(first)).flooredRemainder(7) + (week - 1) * 7
      if date >= first + CalendarDate.daysInMonth(year, month) { date -= 7 }
      return date * 86_400 + second
    }
  }

  private struct Reader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    var peek: UInt8? { position < bytes.count ? bytes[position] : nil }
    var isAtEnd: Bool { position == bytes.count }

    mutating func accept(_ character: Unicode.Scalar) -> Bool {
      guard peek == UInt8(ascii: character) else { return false }
      position += 1
      return true
    }

    mutating func skipName() -> Bool {
      let start = position
      if accept("<") {
        while let byte = peek, byte != UInt8(ascii: ">") { position += 1 }
        return accept(">")
      }
      while let byte = peek, byte | 0x20 >= UInt8(ascii: "a"), byte | 0x20 <= UInt8(ascii: "z") { position += 1 }
      return position > start
    }

    mutating func number() -> Int64? {
      var value: Int64?
      while let byte = peek, byte >= 0x30, byte <= 0x39, (value ?? 0) < 100_000 {
        value = (value ?? 0) * 10 + Int64(byte - 0x30)
        position += 1
      }
      return value
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func time() -> Int64? {
      let sign: Int64 = accept("-") ? -1 : 1
      if sign == 1 { _ = accept("+") }
      guard var value = number().map({ $0 * 3_600 }) else { return nil }
      if accept(":") {
        guard let minutes = number() else { return nil }
        value += minutes * 60
        if accept(":") {
          guard let seconds = number() else { return nil }
          value += seconds
        }
      }
      return abs(value) < 700_000 ? sign * value : nil
    }

    mutating func day() -> Day? {
      if accept("M") {
        guard let month = number(), accept("."), let week = number(), accept("."), let day = number(),
          (1...12).contains(month), (1...5).contains(week), (0...6).contains(day), let second = second()
        else { return nil }
        return .weekday(month: month, week: week, day: day, second: second)
      }
      let isJulian = accept("J")
      guard let day = number(), day <= 366, let second = second() else { return nil }
      return isJulian ? .julian(day, second: second) : .zeroBased(day, second: second)
    }

    private mutating func second() -> Int64? { accept("/") ? time() : 7_200 }
  }
}
