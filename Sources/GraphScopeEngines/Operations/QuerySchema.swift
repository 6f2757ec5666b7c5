import Engines
import Wire

/// The schema of a graph as query engines read it from a file: edge labels are numbered behind vertex labels, and a
/// property's number is that of its name among all names of the graph in alphabetical order, from 1.
enum QuerySchema {
  /// The file's text, made of the JSON in a graph's definition.
  static func text(_ json: String) throws(EngineError) -> String {
    let root: JSONValue
    do { root = try JSONValue(parsing: json) } catch {
      throw EngineError(.engineFailure, "the engine described a graph in a way that cannot be read: \(error)")
    }
    let types = root["types"]?.elements ?? []
    let vertexCount = types.filter { $0["type"]?.text == "VERTEX" }.count
    let names = Set(types.flatMap { $0["propertyDefList"]?.elements ?? [] }.compactMap { $0["name"]?.text })
    let order = names.sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }
    let numbers = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, Int64($0 + 1)) })
    let renumbered = types.map { type in
      type.replacing("propertyDefList") { list in
        .array(
          (list.elements ?? []).map { property in
            property.replacing("id") { .integer(numbers[property["name"]?.text ?? ""] ?? $0.number) }
          })
      }.replacing("id") { .integer(type["type"]?.text == "EDGE" ? $0.number + Int64(vertexCount) : $0.number) }
    }
    return root.replacing("types") { _ in .array(renumbered) }.encoded
  }
}

extension JSONValue {
  /// A whole number, also one that stands as text; 0 for anything else.
  fileprivate var number: Int64 {
    switch self {
    case .integer(let value): value
    case .string(let text): Int64(text) ?? 0
    default: 0
    }
  }

  /// The object with one member replaced.
  fileprivate func replacing(_ key: String, _ change: (JSONValue) -> JSONValue) -> JSONValue {
    guard let members else { return self }
    return .object(members.map { $0.key == key ? ($0.key, change($0.value)) : $0 })
  }
}
