import ArgumentParser
import Foundation
import Wire
import Yams

/// How a command shows what it found.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
  case table, wide, json, yaml
}

/// Where commands write, and what time it is.
struct OperatorConsole: Sendable {
  /// Writes a line.
  var write: @Sendable (String) -> Void = { print($0) }
  /// Milliseconds since 1970.
  var now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1000) }
}

extension OutputFormat {
  /// A value as a document; nil for tables, which show a part of it only. Times stay milliseconds since 1970.
  func document(_ value: JSONValue) throws -> String? {
    switch self {
    case .table, .wide: nil
    case .json: value.indented()
    case .yaml: String(try Yams.serialize(node: value.node, width: -1).dropLast())
    }
  }

  /// A value of a stream: a line of JSON, or a document of YAML; nil for tables.
  func streamed(_ value: JSONValue) throws -> String? {
    switch self {
    case .table, .wide: nil
    case .json: value.encoded.escapingHarmful
    case .yaml: try document(value).map { "---\n" + $0 }
    }
  }
}

extension JSONValue {
  /// The value as JSON text with a member or element on each line.
  fileprivate func indented(_ margin: String = "") -> String {
    let inner = margin + "  "
    switch self {
    case .array(let elements) where !elements.isEmpty:
      return "[\n" + elements.map { inner + $0.indented(inner) }.joined(separator: ",\n") + "\n\(margin)]"
    case .object(let members) where !members.isEmpty:
      let lines = members.map { inner + JSONValue.string($0.key).indented() + ": " + $0.value.indented(inner) }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(margin)}"
    default: return encoded.escapingHarmful
    }
  }

  /// The value as a node of YAML; members keep their order, texts that look like other values are quoted.
  fileprivate var node: Node {
    switch self {
    case .null: Node("null", Tag(.null))
    case .bool(let value): Node(value ? "true" : "false", Tag(.bool))
    case .integer(let value): Node(String(value), Tag(.int))
    case .double(let value): .scalar(value.represented())
    case .string(let text): .scalar(text.represented())
    case .array(let elements): Node(elements.map(\.node), Tag(.seq))
    case .object(let members): Node(members.map { (.scalar($0.key.represented()), $0.value.node) }, Tag(.map))
    }
  }
}

extension String {
  /// JSON text in which characters that could disturb a terminal are escaped; it means the same.
  fileprivate var escapingHarmful: String {
    guard harmless != self else { return self }
    return unicodeScalars.map { scalar in
      String(scalar).harmless == String(scalar) ? String(scalar) : Self.escape(scalar)
    }.joined()
  }

  private static func escape(_ scalar: UnicodeScalar) -> String {
    let code = String(scalar.value, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - code.count) + code
  }
}
