import QueryAlgebra
import QueryValues

/// Functions of texts.
extension TraversalRunner {
  /// The largest text that a function makes, in bytes.
  static let textLimit = 64 << 20

  func text(_ function: TextFunction, _ scope: Scope, _ value: Value) throws(QueryError) -> Value? {
    guard scope == .local, case .list(let values) = value else {
      if scope == .local, case .set(let values) = value { return try text(function, scope, .list(values)) }
      return try text(function, value)
    }
    var results: [Value] = []
    for value in values { results.append(try text(function, value)) }
    return .list(results)
  }

  private func text(_ function: TextFunction, _ value: Value) throws(QueryError) -> Value {
    if case .asString = function { return value.isNull ? .null : .string(GremlinText.text(of: value, context)) }
    if case .reverse = function, let reversed = Self.reversed(value) { return reversed }
    guard case .string(let text) = value else {
      if value.isNull { return .null }
      throw QueryError(.argument, "A step of texts was given \(value.typeName). Use asString() before it.")
    }
    switch function {
    case .asString, .reverse: return value
    case .length: return .integer32(Int32(clamping: text.utf16.count))
    case .toLower: return .string(text.lowercased())
    case .toUpper: return .string(text.uppercased())
    case .trim: return .string(Self.trimmed(text, start: true, end: true))
    case .trimStart: return .string(Self.trimmed(text, start: true, end: false))
    case .trimEnd: return .string(Self.trimmed(text, start: false, end: true))
    case .replace(let old, let new):
      guard let old, let new else { return value }
      return .string(try Self.replaced(text, old, new))
    case .split(let separator): return .list(Self.split(text, separator).map(Value.string))
    case .substring(let from, let to): return .string(Self.substring(text, from, to))
    }
  }

  private static func reversed(_ value: Value) -> Value? {
    switch value {
    case .string(let text): .string(String(text.reversed()))
    case .list(let values), .set(let values): .list(values.reversed())
    case .path(let path): .list(path.objects.reversed())
    case .null: .null
    default: value
    }
  }

  private static func trimmed(_ text: String, start: Bool, end: Bool) -> String {
    var part = Substring(text).unicodeScalars
    while start, part.first?.properties.isWhitespace == true { part.removeFirst() }
    while end, part.last?.properties.isWhitespace == true { part.removeLast() }
    return String(Substring(part))
  }

  private static func replaced(_ text: String, _ old: String, _ new: String) throws(QueryError) -> String {
    let parts = old.isEmpty ? [""] + text.map(String.init) + [""] : pieces(text, old)
    let size = text.utf8.count + (parts.count - 1) * new.utf8.count
    guard size <= textLimit else {
      throw QueryError(.memory, "replace() would make a text of more than \(textLimit) bytes.")
    }
    return parts.joined(separator: new)
  }

  /// The parts of a text between occurrences of another one, compared by bytes.
  private static func pieces(_ text: String, _ separator: String) -> [String] {
    let bytes = Array(text.utf8)
    let pattern = Array(separator.utf8)
    var parts: [String] = []
    var start = 0
    var position = 0
    while position + pattern.count <= bytes.count {
      if bytes[position] == pattern[0], bytes[position..<position + pattern.count].elementsEqual(pattern) {
        parts.append(String(decoding: bytes[start..<position], as: UTF8.self))
        position += pattern.count
        start = position
      } else {
        position += 1
      }
    }
    parts.append(String(decoding: bytes[start...], as: UTF8.self))
    return parts
  }

  private static func split(_ text: String, _ separator: String?) -> [String] {
    guard let separator else { return text.split(whereSeparator: \.isWhitespace).map(String.init) }
    if separator.isEmpty { return text.map(String.init) }
    var parts = pieces(text, separator)
    while parts.last?.isEmpty == true, parts.count > 1 { parts.removeLast() }
    return parts.count > 1 && parts.first?.isEmpty == true ? Array(parts.dropFirst()) : parts
  }

  private static func substring(_ text: String, _ from: Int64, _ to: Int64?) -> String {
    let units = Array(text.utf16)
    func position(_ index: Int64) -> Int {
      min(max(Int(clamping: index < 0 ? index + Int64(units.count) : index), 0), units.count)
    }
    let start = position(from)
    let end = to.map(position) ?? units.count
    return start < end ? String(decoding: units[start..<end], as: UTF16.self) : ""
  }

  // Texts of several objects.

  func concat(_ operands: [Operand], _ traverser: Traverser) throws(QueryError) -> Value {
    var parts = [try Self.part(traverser.isSeed ? .null : traverser.value)]
    for operand in operands {
      switch operand {
      case .value(let value): parts.append(try Self.part(value))
      case .traversal(let traversal):
        parts.append(try Self.part(try first(of: traversal, for: traverser)?.value ?? .null))
      }
    }
    let texts = parts.compactMap(\.self)
    return texts.isEmpty ? .null : .string(texts.joined())
  }

  private static func part(_ value: Value) throws(QueryError) -> String? {
    switch value {
    case .null: return nil
    case .string(let text): return text
    default: throw QueryError(.argument, "concat() joins texts, not \(value.typeName). Use asString() before it.")
    }
  }

  func format(_ format: String, _ by: [Projection], _ traverser: Traverser) throws(QueryError) -> Value? {
    var result = ""
    var rest = Substring(format)
    var turn = 0
    while let start = rest.firstIndex(of: "%") {
      result += rest[..<start]
      let following = rest[rest.index(after: start)...]
      guard following.first == "{", let end = following.firstIndex(of: "}") else {
        result += "%"
        rest = following
        continue
      }
      let name = String(following[following.index(after: following.startIndex)..<end])
      guard let value = try variable(name, by, &turn, traverser) else { return nil }
      result += GremlinText.text(of: value, context)
      rest = following[following.index(after: end)...]
    }
    return .string(result + rest)
  }

  private func variable(
    _ name: String, _ by: [Projection], _ turn: inout Int, _ traverser: Traverser
  ) throws(QueryError) -> Value? {
    if name == "_" {
      defer { turn += 1 }
      return by.isEmpty ? traverser.value : try project(by[turn % by.count], traverser)
    }
    if let value = context.property(name, of: traverser.value) { return value }
    guard let object = try scoped(name, .last, traverser) else { return nil }
    guard !by.isEmpty else { return object }
    defer { turn += 1 }
    return try project(by[turn % by.count], traverser.with(object))
  }
}

/// The texts of values, as Gremlin writes them.
enum GremlinText {
  static func text(of value: Value, _ context: TraversalContext) -> String {
    switch value {
    case .null: return "null"
    case .boolean(let value): return String(value)
    case .integer(let value): return String(value)
    case .integer32(let value): return String(value)
    case .float(let value): return number(value)
    case .float32(let value): return value == value.rounded() && abs(value) < 1e7 ? "\(value)" : number(Double(value))
    case .string(let text): return text
    case .list(let values), .set(let values):
      return "[" + values.map { text(of: $0, context) }.joined(separator: ", ") + "]"
    case .path(let path): return "path[" + path.objects.map { text(of: $0, context) }.joined(separator: ", ") + "]"
    case .map(let map):
      let entries = map.entries.map { "\(text(of: $0.key, context))=\(text(of: $0.value, context))" }
      return "{" + entries.joined(separator: ", ") + "}"
    case .vertex(let vertex): return "v[\(vertex.id)]"
    case .edge(let edge):
      return "e[\(edge.id)][\(edge.source.id)-\(context.label(of: edge))->\(edge.target.id)]"
    case .property(let property):
      let name = if case .vertex = property.owner { "vp" } else { "p" }
      return "\(name)[\(property.key)->\(text(of: property.value, context))]"
    case .token(let token): return token.rawValue
    case .temporal(.dateTime(let time)): return GremlinDateTime.text(time)
    case .temporal(let temporal): return "\(temporal)"
    }
  }

  /// A floating-point number as Java writes it.
  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    let magnitude = abs(value)
    guard magnitude != 0, !(1e-3..<1e7 ~= magnitude) else { return plain(value) }
    var exponent = 0
    let digits = "\(value)"
    if let position = digits.firstIndex(of: "e"), let parsed = Int(digits[digits.index(after: position)...]) {
      let mantissa = digits[..<position]
      return "\(mantissa.contains(".") ? String(mantissa) : mantissa + ".0")E\(parsed)"
    }
    var scaled = magnitude
    while scaled >= 10 { (scaled, exponent) = (scaled / 10, exponent + 1) }
    while scaled < 1 { (scaled, exponent) = (scaled * 10, exponent - 1) }
    return "\(value < 0 ? "-" : "")\(scaled)E\(exponent)"
  }

  private static func plain(_ value: Double) -> String { "\(value)" }
}
