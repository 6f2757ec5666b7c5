import Glibc

/// Encodes and decodes lines of the log store: one JSON object per record, with the property names of `LogRecord` as keys.
///
/// Written by hand because it encodes every line of every session: ten times as fast as a general encoder.
enum LogCodec {
  /// The maximum length of a line in bytes: 64 KiB of text with every character escaped, and room for the rest.
  static let maximumLineBytes = 1 << 20

  /// Appends a record as a line, including the line end.
  static func append(_ record: LogRecord, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: #"{"timeMilliseconds":"#.utf8)
    bytes.append(contentsOf: String(record.timeMilliseconds).utf8)
    append("level", record.level.rawValue, to: &bytes)
    append("message", record.message, to: &bytes)
    append("session", record.session, to: &bytes)
    append("step", record.step, to: &bytes)
    append("child", record.child, to: &bytes)
    append("object", record.object, to: &bytes)
    append("reason", record.reason, to: &bytes)
    append("author", record.author, to: &bytes)
    append("tenant", record.tenant, to: &bytes)
    if let revision = record.revision {
      bytes.append(contentsOf: #","revision":"#.utf8)
      bytes.append(contentsOf: String(revision).utf8)
    }
    bytes.append(contentsOf: "}\n".utf8)
  }

  private static func append(_ key: StaticString, _ text: String?, to bytes: inout [UInt8]) {
    guard var text else { return }
    bytes.append(contentsOf: [UInt8(ascii: ","), UInt8(ascii: "\"")])
    bytes.append(contentsOf: UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
    bytes.append(contentsOf: #"":""#.utf8)
    text.withUTF8 { escape($0, to: &bytes) }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func escape(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
    var start = 0
    for (position, byte) in text.enumerated() where byte < 0x20 || byte == 0x22 || byte == 0x5c || byte == 0x7f {
      bytes.append(contentsOf: text[start..<position])
      start = position + 1
      switch byte {
      case 0x22: bytes.append(contentsOf: #"\""#.utf8)
      case 0x5c: bytes.append(contentsOf: #"\\"#.utf8)
      case 0x0a: bytes.append(contentsOf: #"\n"#.utf8)
      case 0x09: bytes.append(contentsOf: #"\t"#.utf8)
      default: bytes.append(contentsOf: (byte < 16 ? #"\u000"# : #"\u00"#).utf8 + Array(String(byte, radix: 16).utf8))
      }
    }
    bytes.append(contentsOf: text[start...])
  }

  /// Decodes a line without its line end; returns nil if it is damaged. Keys added by later versions are skipped.
  static func decode(_ line: UnsafeBufferPointer<UInt8>) -> LogRecord? {
    var parser = LineParser(line)
    return parser.record()
  }
}

/// Parses one JSON object without nested values.
private struct LineParser {
  private enum Value {
    case text(String)
    case integer(Int64)
    case other
  }

  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  mutating func record() -> LogRecord? {
    guard take(UInt8(ascii: "{")) else { return nil }
    var record = LogRecord(timeMilliseconds: .min, level: .info, message: "")
    var hasMessage = false
    repeat {
      guard let key = string(), take(UInt8(ascii: ":")), let value = value() else { return nil }
      switch (key, value) {
      case ("timeMilliseconds", .integer(let time)): record.timeMilliseconds = time
      case ("level", .text(let text)): record.level = LogRecord.Level(rawValue: text) ?? .info
      case ("message", .text(let text)):
        record.message = text
        hasMessage = true
      case ("session", .text(let text)): record.session = text
      case ("step", .text(let text)): record.step = text
      case ("child", .text(let text)): record.child = text
      case ("object", .text(let text)): record.object = text
      case ("reason", .text(let text)): record.reason = text
      case ("author", .text(let text)): record.author = text
      case ("tenant", .text(let text)): record.tenant = text
      case ("revision", .integer(let number)): record.revision = number
      default: break
      }
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")), position == bytes.count, hasMessage, record.timeMilliseconds != .min else {
      return nil
    }
    return record
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func value() -> Value? {
    guard position < bytes.count else { return nil }
    if bytes[position] == UInt8(ascii: "\"") { return string().map { .text($0) } }
    let start = position
    while position < bytes.count, bytes[position] != UInt8(ascii: ","), bytes[position] != UInt8(ascii: "}") {
      position += 1
    }
    guard let text = String(validating: bytes[start..<position], as: UTF8.self) else { return nil }
    return Int64(text).map { .integer($0) } ?? .other
  }

  private mutating func string() -> String? {
    guard take(UInt8(ascii: "\"")) else { return nil }
    let start = position
    while position < bytes.count, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\") {
      position += 1
    }
    guard position < bytes.count else { return nil }
    if take(UInt8(ascii: "\"")) { return String(validating: bytes[start..<(position - 1)], as: UTF8.self) }
    return escapedString(Array(bytes[start..<position]))
  }

  private mutating func escapedString(_ beginning: [UInt8]) -> String? {
    var text = beginning
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "\"") { return String(validating: text, as: UTF8.self) }
      guard byte == UInt8(ascii: "\\") else {
        text.append(byte)
        continue
      }
      guard position < bytes.count else { return nil }
      let escaped = bytes[position]
      position += 1
      switch escaped {
      case UInt8(ascii: "n"): text.append(0x0a)
      case UInt8(ascii: "t"): text.append(0x09)
      case UInt8(ascii: "r"): text.append(0x0d)
      case UInt8(ascii: "b"): text.append(0x08)
      case UInt8(ascii: "f"): text.append(0x0c)
      case UInt8(ascii: "u"):
        guard let scalar = scalar() else { return nil }
        text.append(contentsOf: Array(String(Character(scalar)).utf8))
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escaped)
      default: return nil
      }
    }
    return nil
  }

  /// Parses the character of a `\u` escape, which has one or two groups of four hexadecimal digits.
  private mutating func scalar() -> Unicode.Scalar? {
    guard let high = fourDigits() else { return nil }
    guard 0xd800..<0xdc00 ~= high else { return Unicode.Scalar(high) }
    guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")), let low = fourDigits(), 0xdc00..<0xe000 ~= low else {
      return nil
    }
    return Unicode.Scalar(0x10000 + (high - 0xd800) << 10 + (low - 0xdc00))
  }

  private mutating func fourDigits() -> UInt32? {
    guard position + 4 <= bytes.count else { return nil }
    defer { position += 4 }
    var number: UInt32 = 0
    for byte in bytes[position..<(position + 4)] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
      number = number << 4 + UInt32(digit)
    }
    return number
  }
}

extension LogRecord {
  /// The record as stored: a JSON object on one line, without the line end.
  public var jsonLine: String {
    var bytes: [UInt8] = []
    LogCodec.append(self, to: &bytes)
    return String(decoding: bytes.dropLast(), as: UTF8.self)
  }
}
