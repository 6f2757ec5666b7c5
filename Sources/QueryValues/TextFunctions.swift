/// Functions on texts. Characters are Unicode scalars, counted from 0.
enum TextFunctions {
  static let all: [Function] = [
    Function("left", 2...2, "(text :: STRING, length :: INTEGER) :: STRING", "The first characters.", left),
    Function("right", 2...2, "(text :: STRING, length :: INTEGER) :: STRING", "The last characters.", right),
    Function(
      "substring", 2...3, "(text :: STRING, start :: INTEGER, length :: INTEGER) :: STRING",
      "The characters from a position on.", substring),
    Function("trim", 1...2, trimSignature, "The text without white space, or given characters, at its ends.", trim),
    Function("bTrim", 1...2, trimSignature, "The text without white space, or given characters, at its ends.", trim),
    Function(
      "lTrim", 1...2, trimSignature, "The text without white space, or given characters, at its start.", trimStart),
    Function("rTrim", 1...2, trimSignature, "The text without white space, or given characters, at its end.", trimEnd),
    Function(
      "replace", 3...3, "(text :: STRING, search :: STRING, replacement :: STRING) :: STRING",
      "The text with each occurrence replaced.", replace),
    Function(
      "split", 2...2, "(text :: STRING, delimiter :: STRING | LIST<STRING>) :: LIST<STRING>",
      "The parts between delimiters.", split),
    Function("toLower", 1...1, "(text :: STRING) :: STRING", "The text in lower case.", lower),
    Function("lower", 1...1, "(text :: STRING) :: STRING", "The text in lower case.", lower),
    Function("toUpper", 1...1, "(text :: STRING) :: STRING", "The text in upper case.", upper),
    Function("upper", 1...1, "(text :: STRING) :: STRING", "The text in upper case.", upper),
    Function("char_length", 1...1, "(text :: STRING) :: INTEGER", "The number of characters.", length),
    Function("character_length", 1...1, "(text :: STRING) :: INTEGER", "The number of characters.", length),
  ]

  private static let trimSignature = "(text :: STRING, characters = white space :: STRING) :: STRING"

  private static func text(_ value: Value, _ function: String) throws(QueryError) -> String {
    guard case .string(let text) = value else { throw .wrongType(function, takes: "a text", not: value) }
    return text
  }

  private static func count(_ value: Value, _ function: String) throws(QueryError) -> Int {
    guard case .whole(let number) = value.number else { throw .wrongType(function, takes: "an integer", not: value) }
    if number < 0 {
      throw QueryError(
        .argument, detail: "NumberOutOfRange", "\(function) takes no negative position or length, and \(number) is one")
    }
    return Int(number)
  }

  @Sendable private static func left(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    if values[0].isNull || values[1].isNull { return .null }
    let (text, count) = (try text(values[0], "left()"), try count(values[1], "left()"))
    return .string(String(text.unicodeScalars.prefix(count)))
  }

  @Sendable private static func right(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    if values[0].isNull || values[1].isNull { return .null }
    let (text, count) = (try text(values[0], "right()"), try count(values[1], "right()"))
    return .string(String(text.unicodeScalars.suffix(count)))
  }

  @Sendable private static func substring(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    if values.contains(where: \.isNull) { return .null }
    let rest = try text(values[0], "substring()").unicodeScalars.dropFirst(try count(values[1], "substring()"))
    return .string(String(values.count == 3 ? rest.prefix(try count(values[2], "substring()")) : rest))
  }

  @Sendable private static func trim(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    try trim(values, "trim()", start: true, end: true)
  }

  @Sendable private static func trimStart(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    try trim(values, "lTrim()", start: true, end: false)
  }

  @Sendable private static func trimEnd(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    try trim(values, "rTrim()", start: false, end: true)
  }

  private static func trim(_ values: [Value], _ function: String, start: Bool, end: Bool) throws(QueryError) -> Value {
    if values.contains(where: \.isNull) { return .null }
    let text = try text(values[0], function)
    guard values.count == 2 else { return .string(Text.trim(text, start: start, end: end)) }
    let characters = Set(try Self.text(values[1], function).unicodeScalars)
    return .string(Text.trim(text, start: start, end: end) { characters.contains($0) })
  }

  @Sendable private static func replace(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    if values.contains(where: \.isNull) { return .null }
    let (text, search) = (try text(values[0], "replace()"), try text(values[1], "replace()"))
    let replacement = try Self.text(values[2], "replace()")
    if search.isEmpty { return .string(text) }
    let bytes = Array(text.utf8)
    let patterns = [Array(search.utf8)]
    var size = bytes.count
    Text.scan(bytes, for: patterns) { _ in
      size += replacement.utf8.count - search.utf8.count
      return size <= ValueLimits.textBytes
    }
    if size > ValueLimits.textBytes { throw .tooLarge("What replace() returns", limit: ValueLimits.textBytes) }
    var result: [UInt8] = []
    result.reserveCapacity(size)
    var start = 0
    Text.scan(bytes, for: patterns) { range in
      result.append(contentsOf: bytes[start..<range.lowerBound])
      result.append(contentsOf: replacement.utf8)
      start = range.upperBound
      return true
    }
    return .string(String(decoding: result + bytes[start...], as: UTF8.self))
  }

  @Sendable private static func split(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    if values[0].isNull || values[1].isNull { return .null }
    let text = try text(values[0], "split()")
    var delimiters: [String] = []
    if case .list(let list) = values[1] {
      for value in list { delimiters.append(try Self.text(value, "split()")) }
    } else {
      delimiters = [try Self.text(values[1], "split()")]
    }
    let parts = delimiters.contains("") ? scalars(text) : split(text, delimiters)
    guard let parts else { throw .tooLarge("The list that split() returns", limit: ValueLimits.listElements) }
    return .list(parts)
  }

  /// The parts between delimiters; nil if they are too many.
  private static func split(_ text: String, _ delimiters: [String]) -> [Value]? {
    let bytes = Array(text.utf8)
    var parts: [Value] = []
    var start = 0
    Text.scan(bytes, for: delimiters.map { Array($0.utf8) }) { range in
      parts.append(.string(String(decoding: bytes[start..<range.lowerBound], as: UTF8.self)))
      start = range.upperBound
      return parts.count < ValueLimits.listElements
    }
    if parts.count >= ValueLimits.listElements { return nil }
    return parts + [.string(String(decoding: bytes[start...], as: UTF8.self))]
  }

  /// Each character as a text; nil if they are too many.
  private static func scalars(_ text: String) -> [Value]? {
    if text.unicodeScalars.count > ValueLimits.listElements { return nil }
    return text.unicodeScalars.map { .string(String($0)) }
  }

  @Sendable private static func lower(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    values[0].isNull ? .null : .string(try text(values[0], "toLower()").lowercased())
  }

  @Sendable private static func upper(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    values[0].isNull ? .null : .string(try text(values[0], "toUpper()").uppercased())
  }

  @Sendable private static func length(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    values[0].isNull ? .null : .integer(Int64(try text(values[0], "char_length()").unicodeScalars.count))
  }
}

extension Text {
  /// A text without scalars of a kind at its ends.
  static func trim(
    _ text: String, start: Bool = true, end: Bool = true,
    _ isTrimmed: (Unicode.Scalar) -> Bool = { $0.properties.isWhitespace }
  ) -> String {
    var rest = text.unicodeScalars[...]
    if start { rest = rest.drop(while: isTrimmed) }
    if end { while let last = rest.last, isTrimmed(last) { rest.removeLast() } }
    return String(rest)
  }

  /// Visits the occurrences of texts, none of which is empty, from left to right and without overlap; where several begin, the
  /// first of the list counts. The body returns false to stop.
  static func scan(_ bytes: [UInt8], for patterns: [[UInt8]], _ body: (Range<Int>) -> Bool) {
    var begins = [Bool](repeating: false, count: 256)
    for pattern in patterns { begins[Int(pattern[0])] = true }
    var position = 0
    while position < bytes.count {
      if begins[Int(bytes[position])], let pattern = patterns.first(where: { bytes[position...].starts(with: $0) }) {
        guard body(position..<position + pattern.count) else { return }
        position += pattern.count
      } else {
        position += 1
      }
    }
  }
}
