/// Reads dates, times and zones in the forms of ISO 8601 that Cypher takes, with and without separators.
///
/// Dates: `2015-07-21`, `20150721`, `2015-07`, `201507`, `2015-W30-2`, `2015W302`, `2015-W30`, `2015-Q2-60`, `2015-202`,
/// `2015202`, `2015`; years beyond four digits have a sign and separators. Times: `21:40:32.142`, `214032.142`, `2140`, `21`.
/// Zones: `Z`, `+01:00`, `-0130`, `+02`, `+02:05:59`, then or alone `[Europe/Stockholm]`.
struct TemporalParser {
  private let text: String
  private let kind: String
  private let bytes: [UInt8]
  private var position = 0

  init(_ text: String, for kind: String) throws(QueryError) {
    self.text = text
    self.kind = kind
    bytes = text.utf8.count <= 200 ? Array(text.utf8) : []
    if bytes.isEmpty { throw wrong }
  }

  static func date(_ text: String) throws(QueryError) -> Temporal {
    var parser = try Self(text, for: "date")
    let days = try parser.date()
    try parser.end()
    return .date(days: days)
  }

  static func localTime(_ text: String) throws(QueryError) -> Temporal {
    var parser = try Self(text, for: "local time")
    let nanoseconds = try parser.time()
    try parser.end()
    return .localTime(nanoseconds: nanoseconds)
  }

  /// A time; without zone, at an offset.
  static func time(_ text: String, else offset: Int32) throws(QueryError) -> Temporal {
    var parser = try Self(text, for: "time")
    let nanoseconds = try parser.time()
    let given = try parser.offset()
    try parser.end()
    return .time(nanoseconds: nanoseconds, offset: given ?? offset)
  }

  static func localDateTime(_ text: String) throws(QueryError) -> Temporal {
    var parser = try Self(text, for: "local date and time")
    let reading = try parser.reading()
    try parser.end()
    return .localDateTime(seconds: reading.seconds, nanoseconds: reading.nanosecondsOfSecond)
  }

  /// An instant; without zone, in a zone.
  static func dateTime(_ text: String, else zone: Zone) throws(QueryError) -> Temporal {
    var parser = try Self(text, for: "date and time")
    let reading = try parser.reading()
    let offset = try parser.offset()
    let name = try parser.zoneName()
    try parser.end()
    guard let name else { return .dateTime((offset.map(Zone.offset) ?? zone).instant(reading)) }
    let value = try TimeZones.zone(named: name).instant(reading, preferred: offset)
    if let offset, offset != value.offset {
      throw QueryError(
        .argument, detail: "InvalidArgumentValue",
        "The offset \(Temporal.offset(offset)) is not one of \(name) at that time; give the zone alone")
    }
    return .dateTime(value)
  }

  /// A zone as the field `timezone` has it: an offset or a name.
  static func zone(_ text: String) throws(QueryError) -> Zone {
    guard let first = text.utf8.first else {
      throw QueryError(.argument, "A time zone is an empty text; give an offset")
    }
    if text == "Z" || text == "z" || first == UInt8(ascii: "+") || first == UInt8(ascii: "-") {
      var parser = try Self(text, for: "offset from UTC")
      guard let offset = try parser.offset() else { throw parser.wrong }
      try parser.end()
      return .offset(offset)
    }
    return try TimeZones.zone(named: text)
  }

  private var wrong: QueryError {
    QueryError(
      .argument, detail: "InvalidArgumentValue",
      "'\(text.prefix(60))' is no \(kind); write it in the form of ISO 8601, such as 2015-07-21, 21:40:32 or 21:40+01:00"
    )
  }

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard let byte = peek, byte == UInt8(ascii: character) || isUpper(byte, of: character) else { return false }
    position += 1
    return true
  }

  private func end() throws(QueryError) {
    if position < bytes.count { throw wrong }
  }

  private func isUpper(_ byte: UInt8, of letter: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(letter) && byte | 0x20 == UInt8(ascii: letter)
  }

  /// The number of digits that follow.
  private var digits: Int { bytes[position...].prefix { (0x30...0x39).contains($0) }.count }

  private mutating func number(_ count: Int) throws(QueryError) -> Int64 {
    guard digits >= count else { throw wrong }
    defer { position += count }
    return bytes[position..<position + count].reduce(0) { $0 * 10 + Int64($1 - 0x30) }
  }

  private mutating func number(_ count: Int, in range: ClosedRange<Int64>) throws(QueryError) -> Int64 {
    let value = try number(count)
    if !range.contains(value) { throw wrong }
    return value
  }

  private mutating func reading() throws(QueryError) -> ClockReading {
    let days = try date()
    return ClockReading(days: days, nanoseconds: accept("t") ? try time() : 0)
  }

  // MARK: Dates

  private mutating func date() throws(QueryError) -> Int64 {
    if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") {
      let isNegative = peek == UInt8(ascii: "-")
      position += 1
      let count = digits
      guard (1...9).contains(count) else { throw wrong }
      let year = try number(count)
      return try separated(year: isNegative ? -year : year)
    }
    let count = digits
    let year = try number(4)
    switch count {
    case 4:
      if peek == UInt8(ascii: "-") { return try separated(year: year) }
      if let days = try week(year, separator: false) { return days }
      return try days(year, 1, 1)
    case 6: return try days(year, try number(2), 1)
    case 7: return try ordinal(year, try number(3))
    case 8: return try days(year, try number(2), try number(2))
    default: throw wrong
    }
  }

  /// What follows a year if it is separated.
  private mutating func separated(year: Int64) throws(QueryError) -> Int64 {
    guard accept("-") else { return try days(year, 1, 1) }
    if let days = try week(year, separator: true) { return days }
    if accept("q") {
      let quarter = try number(1, in: 1...4)
      let day = accept("-") ? try number(2) : 1
      let start = CalendarDate(year: year, month: quarter * 3 - 2, day: 1).days
      guard day >= 1, CalendarDate(days: start + day - 1).quarter == quarter else { throw wrong }
      return start + day - 1
    }
    if digits == 3 { return try ordinal(year, try number(3)) }
    let month = try number(2)
    return try days(year, month, accept("-") ? try number(2) : 1)
  }

  private mutating func week(_ year: Int64, separator: Bool) throws(QueryError) -> Int64? {
    guard accept("w") else { return nil }
    let week = try number(2)
    guard (1...CalendarDate.weeks(year)).contains(week) else { throw wrong }
    var day: Int64 = 1
    if separator ? accept("-") : digits > 0 { day = try number(1, in: 1...7) }
    return CalendarDate.firstMonday(year) + (week - 1) * 7 + day - 1
  }

  private func ordinal(_ year: Int64, _ day: Int64) throws(QueryError) -> Int64 {
    guard (1...(CalendarDate.isLeap(year) ? 366 : 365)).contains(day) else { throw wrong }
    return CalendarDate(year: year, month: 1, day: 1).days + day - 1
  }

  private func days(_ year: Int64, _ month: Int64, _ day: Int64) throws(QueryError) -> Int64 {
    guard (1...12).contains(month), (1...CalendarDate.daysInMonth(year, month)).contains(day) else { throw wrong }
    return CalendarDate(year: year, month: month, day: day).days
  }

  // MARK: Times

  private mutating func time() throws(QueryError) -> Int64 {
    let isCompact = digits > 2
    var seconds = try number(2, in: 0...23) * 3_600
    var fraction: Int64 = 0
    if isCompact ? digits >= 2 : accept(":") {
      seconds += try number(2, in: 0...59) * 60
      if isCompact ? digits >= 2 : accept(":") {
        seconds += try number(2, in: 0...59)
        if accept(".") || accept(",") { fraction = try self.fraction() }
      }
    }
    return seconds * ClockReading.nanosecondsPerSecond + fraction
  }

  private mutating func fraction() throws(QueryError) -> Int64 {
    let count = digits
    guard (1...9).contains(count) else { throw wrong }
    let digits = try number(count)
    return (count..<9).reduce(digits) { value, _ in value * 10 }
  }

  private mutating func offset() throws(QueryError) -> Int32? {
    if accept("z") { return 0 }
    let isNegative = peek == UInt8(ascii: "-")
    guard isNegative || peek == UInt8(ascii: "+") else { return nil }
    position += 1
    var seconds = try number(2, in: 0...18) * 3_600
    let isSeparated = accept(":")
    if isSeparated || digits >= 2 {
      seconds += try number(2, in: 0...59) * 60
      if isSeparated ? accept(":") : digits >= 2 { seconds += try number(2, in: 0...59) }
    }
    if seconds > 18 * 3_600 { throw wrong }
    return Int32(isNegative ? -seconds : seconds)
  }

  private mutating func zoneName() throws(QueryError) -> String? {
    guard accept("[") else { return nil }
    let name = bytes[position...].prefix { $0 != UInt8(ascii: "]") }
    position += name.count
    guard accept("]") else { throw wrong }
    return String(decoding: name, as: UTF8.self)
  }
}
