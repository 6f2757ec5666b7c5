import GraphStore
import JSON

/// Reads JSON (RFC 8259) piece by piece, so that a batch of millions of edges is never in memory as values.
///
/// Numbers that are not finite are read as Python writes them: `NaN`, `Infinity`, `-Infinity`. Depth is limited as in
/// `JSONValue`. An integer beyond 64 bits, signed, is an error: as a floating-point number it would be another one.
struct JSONReader {
  private let bytes: UnsafeRawBufferPointer
  var position = 0
  /// Long texts that are names of attributes, each kept once.
  private var names: Set<String> = []

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The next byte that is not white space; nil at the end.
  var next: UInt8? {
    mutating get {
      while position < bytes.count {
        let byte = bytes[position]
        guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return byte }
        position += 1
      }
      return nil
    }
  }

  func error(_ expected: String) -> GraphStoreError {
    GraphStoreError(
      .invalidData, "a change of a graph cannot be read", evidence: "expected \(expected) at byte \(position)")
  }

  /// Skips a character; returns whether it was next.
  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func skip(_ character: Unicode.Scalar) throws(GraphStoreError) {
    guard take(character) else { throw error("'\(character)'") }
  }

  /// Calls `element` at the beginning of each element of an array.
  mutating func array<Failure: Error>(
    _ element: (inout JSONReader) throws(Failure) -> Void, failing: (GraphStoreError) -> Failure
  ) throws(Failure) {
    guard take("[") else { throw failing(error("'['")) }
    if take("]") { return }
    repeat { try element(&self) } while take(",")
    guard take("]") else { throw failing(error("',' or ']'")) }
  }

  /// Checks that nothing follows.
  mutating func end() throws(GraphStoreError) {
    guard next == nil else { throw error("the end") }
  }

  // MARK: Values

  mutating func value(depth: Int = 0) throws(GraphStoreError) -> JSONValue {
    guard depth < JSONValue.maximumDepth else { throw error("at most \(JSONValue.maximumDepth) levels") }
    switch next {
    case UInt8(ascii: "{"): return .object(try attributes(depth: depth))
    case UInt8(ascii: "["):
      var elements: [JSONValue] = []
      try array({ reader throws(GraphStoreError) in elements.append(try reader.value(depth: depth + 1)) }) { $0 }
      return .array(elements)
    case UInt8(ascii: "\""): return .string(try text())
    case UInt8(ascii: "t"):
      try word("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try word("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try word("null")
      return .null
    case UInt8(ascii: "N"):
      try word("NaN")
      return .double(.nan)
    case UInt8(ascii: "I"):
      try word("Infinity")
      return .double(.infinity)
    default: return try number()
    }
  }

  /// Reads an object. Of members with the same name, the last value counts.
  mutating func attributes(depth: Int = 0) throws(GraphStoreError) -> Attributes {
    guard depth < JSONValue.maximumDepth else { throw error("at most \(JSONValue.maximumDepth) levels") }
    try skip("{")
    var attributes: Attributes = []
    if take("}") { return attributes }
    repeat {
      guard next == UInt8(ascii: "\"") else { throw error("a name") }
      var name = try text()
      if name.utf8.count > 15 { name = names.insert(name).memberAfterInsert }
      try skip(":")
      attributes.append((name, try value(depth: depth + 1)))
    } while take(",")
    guard take("}") else { throw error("',' or '}'") }
    return attributes
  }

  /// Reads the id of a node.
  mutating func nodeID() throws(GraphStoreError) -> NodeID {
    let start = position
    guard let id = NodeID(try value()) else {
      throw GraphStoreError(
        .invalidData, "an object cannot be a node", evidence: "at byte \(start)",
        hint: "Nodes are numbers, texts, truth values and tuples of these")
    }
    if case .null = id { throw GraphStoreError(.invalidData, "None cannot be a node") }
    return id
  }

  // MARK: Parts

  private mutating func word(_ word: StaticString) throws(GraphStoreError) {
    let count = word.utf8CodeUnitCount
    guard position + count <= bytes.count,
      bytes[position..<position + count].elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: count))
    else { throw error("a value") }
    position += count
  }

  private mutating func number() throws(GraphStoreError) -> JSONValue {
    let start = position
    var isInteger = true
    var magnitude: UInt64 = 0
    var overflows = false
    let isNegative = take("-")
    let first = position
    if isNegative, position < bytes.count, bytes[position] == UInt8(ascii: "I") {
      try word("Infinity")
      return .double(-.infinity)
    }
    scan: while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
        overflows = overflows || overflow || carry
        magnitude = sum
      case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-"):
        isInteger = false
      default: break scan
      }
      position += 1
    }
    guard position > first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[first]) else {
      throw error("a value")
    }
    if isInteger {
      let limit = UInt64(Int64.max) + (isNegative ? 1 : 0)
      guard !overflows, magnitude <= limit else {
        throw GraphStoreError(
          .invalidData, "an integer is beyond 64 bits, signed", evidence: "at byte \(start)",
          hint: "Pass it as a text or a floating-point number")
      }
      return .integer(isNegative ? Int64(truncatingIfNeeded: 0 &- magnitude) : Int64(magnitude))
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard text.utf8.last.map({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) == true,
      let value = Double(text), value.isFinite
    else { throw error("a finite number") }
    return .double(value)
  }

  private mutating func text() throws(GraphStoreError) -> String {
    position += 1
    let start = position
    var isASCII = true
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        defer { position += 1 }
        let plain = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
        if isASCII { return String(decoding: plain, as: UTF8.self) }
        guard let text = String(validating: plain, as: UTF8.self) else { throw error("UTF-8") }
        return text
      }
      if byte == UInt8(ascii: "\\") { return try escapedText(from: start) }
      guard byte >= 0x20 else { throw error("no control character in a text") }
      if byte >= 0x80 { isASCII = false }
      position += 1
    }
    throw error("'\"'")
  }

  /// Reads a text with escapes that begins at `start`.
  private mutating func escapedText(from start: Int) throws(GraphStoreError) -> String {
    var end = position
    while end < bytes.count, bytes[end] != UInt8(ascii: "\"") { end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1 }
    guard end < bytes.count else { throw error("'\"'") }
    let quoted = String(validating: bytes[start - 1...end], as: UTF8.self)
    guard let quoted, let text = (try? JSONValue(parsing: quoted))?.text else { throw error("a text") }
    position = end + 1
    return text
  }
}
