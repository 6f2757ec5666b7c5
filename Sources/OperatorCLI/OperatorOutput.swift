import ArgumentParser
import Foundation
import JSON
import Support
import Wire
import Yams

/// The format in which a command prints its results.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
  case table, wide, json, yaml
}

/// The output and the clock of a command; tests replace them.
struct OperatorConsole: Sendable {
  /// Writes a line.
  var write: @Sendable (String) -> Void = { print($0) }
  /// Returns the time in milliseconds since 1970.
  var now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1000) }
}

extension OutputFormat {
  /// Returns a value as a document; nil for the table format, which shows only a part of it. Times remain milliseconds since
  /// 1970.
  func document(_ value: JSONValue) throws -> String? {
    switch self {
    case .table, .wide: nil
    case .json: value.indented()
    case .yaml: String(try Yams.serialize(node: value.node, width: -1).dropLast())
    }
  }

  /// Returns a value of a stream as a line of JSON or a YAML document; nil for the table format.
  func streamed(_ value: JSONValue) throws -> String? {
    switch self {
    case .table, .wide: nil
    case .json: value.encoded.escapingHarmful
    case .yaml: try document(value).map { "---\n" + $0 }
    }
  }
}

extension JSONValue {
  /// Returns the value as JSON text with one member or element per line.
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

  /// The value as a YAML node. Members keep their order, and strings that look like other values are quoted.
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
  /// JSON text with the same meaning, in which characters that could disturb a terminal are escaped.
  fileprivate var escapingHarmful: String {
    guard unicodeScalars.contains(where: \.isHarmful) else { return self }
    return unicodeScalars.map { $0.isHarmful ? Self.escape($0) : String($0) }.joined()
  }

  private static func escape(_ scalar: UnicodeScalar) -> String {
    let code = String(scalar.value, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - code.count) + code
  }
}
