/// Reads durations of ISO 8601: `P12Y5M14DT16H12M70S` with fractions and signs at each number, and `P2012-02-02T14:37:21.545`.
struct DurationParser {
  private let text: String
  private let bytes: [UInt8]
  private var position = 0

  static func parse(_ text: String) throws(QueryError) -> DurationValue {
    var parser = try Self(text)
    return try parser.duration()
  }

  private init(_ text: String) throws(QueryError) {
    self.text = text
    bytes = text.utf8.count <= 200 ? Array(text.utf8) : []
    if bytes.isEmpty { throw wrong }
  }

  private var wrong: QueryError {
    QueryError(
      .argument, detail: "InvalidArgumentValue",
      "'\(text.prefix(60))' is no duration; write it in the form of ISO 8601, such as P1Y2M3DT4H5M6.5S")
  }

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard let byte = peek, byte == UInt8(ascii: character) || (byte & 0xDF) == UInt8(ascii: character) else {
      return false
    }
    position += 1
    return true
  }

  private mutating func duration() throws(QueryError) -> DurationValue {
    let sign: Int64 = accept("-") ? -1 : 1
    if sign == 1 { _ = accept("+") }
    guard accept("P"), position < bytes.count else { throw wrong }
    var parts = DurationParts()
    if bytes.count >= position + 5, bytes[position + 4] == UInt8(ascii: "-"),
      bytes[position..<position + 4].allSatisfy({ (0x30...0x39).contains($0) })
    {
      try dateForm(&parts)
    } else {
      try unitForm(&parts)
    }
    if position < bytes.count { throw wrong }
    let value = try parts.value()
    return sign < 0 ? try value.negated() : value
  }

  private mutating func unitForm(_ parts: inout DurationParts) throws(QueryError) {
    var units: [(Unicode.Scalar, DurationParts.Unit)] = [("Y", .years), ("M", .months), ("W", .weeks), ("D", .days)]
    var isEmpty = true
    var isTime = false
    while position < bytes.count {
      if !isTime, accept("T") {
        units = [("H", .hours), ("M", .minutes), ("S", .seconds)]
        isTime = true
        isEmpty = true
        continue
      }
      let amount = try number()
      // Each unit comes once, in this order.
      guard let index = units.firstIndex(where: { accept($0.0) }) else { throw wrong }
      try parts.add(amount, units[index].1)
      units.removeFirst(index + 1)
      isEmpty = false
    }
    if isEmpty { throw wrong }
  }

  /// `yyyy-mm-ddThh:mm:ss.fff`.
  private mutating func dateForm(_ parts: inout DurationParts) throws(QueryError) {
    try parts.add(try whole(4), .years)
    guard accept("-") else { throw wrong }
    try parts.add(try whole(2), .months)
    guard accept("-") else { throw wrong }
    try parts.add(try whole(2), .days)
    guard accept("T") else { return }
    try parts.add(try whole(2), .hours)
    guard accept(":") else { return }
    try parts.add(try whole(2), .minutes)
    guard accept(":") else { return }
    try parts.add(try number(), .seconds)
  }

  private mutating func whole(_ count: Int) throws(QueryError) -> Number {
    guard position + count <= bytes.count, bytes[position..<position + count].allSatisfy({ (0x30...0x39).contains($0) })
    else {
      throw wrong
    }
    defer { position += count }
    return .whole(bytes[position..<position + count].reduce(0) { $0 * 10 + Int64($1 - 0x30) })
  }

  private mutating func number() throws(QueryError) -> Number {
    let start = position
    if peek == UInt8(ascii: "-") || peek == UInt8(ascii: "+") { position += 1 }
    var isWhole = true
    while let byte = peek {
      if byte == UInt8(ascii: ".") || byte == UInt8(ascii: ",") {
        isWhole = false
      } else if !(0x30...0x39).contains(byte) {
        break
      }
      position += 1
    }
    let digits = String(
      decoding: bytes[start..<position].map { $0 == UInt8(ascii: ",") ? UInt8(ascii: ".") : $0 }, as: UTF8.self)
    if isWhole, let value = Int64(digits) { return .whole(value) }
    guard !isWhole, digits.last != ".", let value = Double(digits) else { throw wrong }
    return .real(value)
  }
}
