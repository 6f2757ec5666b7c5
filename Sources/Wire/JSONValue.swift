/// A JSON value (RFC 8259). Objects keep the order of their members, since the order of a data frame's columns is that
/// of the selector object; integers and floating-point numbers are kept apart.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int64)
  case double(Double)
  case string(String)
  case array([JSONValue])
  case object([(key: String, value: JSONValue)])

  /// Deepest nesting that is read.
  public static let maximumDepth = 64

  /// Reads a text that holds one value.
  /// - Throws: `WireError.malformed` with the byte at which the text stops being JSON.
  public init(parsing text: String) throws(WireError) {
    var parser = JSONParser(bytes: Array(text.utf8))
    self = try parser.document()
  }

  /// The members of an object; nil for other values.
  public var members: [(key: String, value: JSONValue)]? {
    if case .object(let members) = self { members } else { nil }
  }

  /// The text of a string; nil for other values.
  public var text: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// The elements of an array; nil for other values.
  public var elements: [JSONValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// A member of an object by its key, the last one if there are several; nil when there is none.
  public subscript(key: String) -> JSONValue? { members?.last { $0.key == key }?.value }

  /// The value as JSON text without white space. Numbers that are not finite become null.
  public var encoded: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .integer(let value): String(value)
    case .double(let value): value.isFinite ? "\(value)" : "null"
    case .string(let text): Self.quoted(text)
    case .array(let elements): "[" + elements.map(\.encoded).joined(separator: ",") + "]"
    case .object(let members):
      "{" + members.map { Self.quoted($0.key) + ":" + $0.value.encoded }.joined(separator: ",") + "}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let code = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - code.count) + code
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// Two objects are equal when they have the same members in the same order.
  public static func == (left: JSONValue, right: JSONValue) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.double(let a), .double(let b)): a == b
    case (.string(let a), .string(let b)): a == b
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a.elementsEqual(b) { $0.key == $1.key && $0.value == $1.value }
    default: false
    }
  }
}

/// Reads JSON from bytes, one byte of look-ahead, depth bounded.
private struct JSONParser {
  let bytes: [UInt8]
  var position = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  private func error(_ expected: String) -> WireError {
    WireError(.malformed, "not JSON: expected \(expected) at byte \(position)")
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
  }

  private mutating func take(_ character: Character) -> Bool {
    guard next == character.asciiValue else { return false }
    position += 1
    return true
  }

  private mutating func take(word: String) -> Bool {
    guard bytes[position...].starts(with: word.utf8) else { return false }
    position += word.utf8.count
    return true
  }

  mutating func document() throws(WireError) -> JSONValue {
    let value = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw error("the end") }
    return value
  }

  private mutating func value(depth: Int) throws(WireError) -> JSONValue {
    guard depth < JSONValue.maximumDepth else { throw error("at most \(JSONValue.maximumDepth) levels") }
    skipSpace()
    switch next.map({ Character(UnicodeScalar($0)) }) {
    case "{": return try object(depth: depth)
    case "[": return try array(depth: depth)
    case "\"": return .string(try string())
    case "t" where take(word: "true"): return .bool(true)
    case "f" where take(word: "false"): return .bool(false)
    case "n" where take(word: "null"): return .null
    default: return try number()
    }
  }

  private mutating func object(depth: Int) throws(WireError) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = []
    position += 1
    skipSpace()
    if take("}") { return .object(members) }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw error("a key") }
      let key = try string()
      skipSpace()
      guard take(":") else { throw error("':'") }
      members.append((key, try value(depth: depth + 1)))
      skipSpace()
    } while take(",")
    guard take("}") else { throw error("',' or '}'") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(WireError) -> JSONValue {
    var elements: [JSONValue] = []
    position += 1
    skipSpace()
    if take("]") { return .array(elements) }
    repeat {
      elements.append(try value(depth: depth + 1))
      skipSpace()
    } while take(",")
    guard take("]") else { throw error("',' or ']'") }
    return .array(elements)
  }

  private mutating func string() throws(WireError) -> String {
    position += 1
    var text: [UInt8] = []
    while let byte = next {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else { throw error("UTF-8") }
        return string
      case UInt8(ascii: "\\"): try escape(into: &text)
      case ..<0x20: throw error("no control character in a string")
      default: text.append(byte)
      }
    }
    throw error("'\"'")
  }

  private mutating func escape(into text: inout [UInt8]) throws(WireError) {
    guard let byte = next else { throw error("an escape") }
    position += 1
    switch Character(UnicodeScalar(byte)) {
    case "\"", "\\", "/": text.append(byte)
    case "b": text.append(0x08)
    case "f": text.append(0x0c)
    case "n": text.append(0x0a)
    case "r": text.append(0x0d)
    case "t": text.append(0x09)
    case "u":
      var code = try hexadecimal()
      if (0xd800..<0xdc00).contains(code) {
        guard take("\\"), take("u") else { throw error("the second half of a surrogate pair") }
        let low = try hexadecimal()
        guard (0xdc00..<0xe000).contains(low) else { throw error("the second half of a surrogate pair") }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = UnicodeScalar(code) else { throw error("a Unicode scalar") }
      text.append(contentsOf: UTF8.encode(scalar)!)
    default: throw error("an escape")
    }
  }

  private mutating func hexadecimal() throws(WireError) -> UInt32 {
    guard position + 4 <= bytes.count,
      bytes[position..<position + 4].allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
      let code = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw error("four hexadecimal digits") }
    position += 4
    return code
  }

  private mutating func number() throws(WireError) -> JSONValue {
    let start = position
    var isInteger = true
    _ = take("-")
    guard let digit = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { throw error("a value") }
    while let byte = next {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): break
      case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-"):
        isInteger = false
      default: return try numberValue(start: start, isInteger: isInteger)
      }
      position += 1
    }
    return try numberValue(start: start, isInteger: isInteger)
  }

  private func numberValue(start: Int, isInteger: Bool) throws(WireError) -> JSONValue {
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let value = Int64(text) { return .integer(value) }
    guard text.last?.isNumber == true, let value = Double(text), value.isFinite else { throw error("a value") }
    return .double(value)
  }
}
