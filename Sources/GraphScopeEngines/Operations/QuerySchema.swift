import Engines
import JSON
import Wire

/// Writes the schema of a graph for query engines, which read it from a file: numbers of edge labels follow those of vertex
/// labels, and the number of a property is the position of its name, from 1, among all names of the graph in alphabetical order.
enum QuerySchema {
  /// Returns the text of the file for the JSON in a graph's definition.
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
  /// A whole number, possibly written as text; 0 for any other value.
  fileprivate var number: Int64 {
    switch self {
    case .integer(let value): value
    case .string(let text): Int64(text) ?? 0
    default: 0
    }
  }

  /// Returns the object with one member replaced.
  fileprivate func replacing(_ key: String, _ change: (JSONValue) -> JSONValue) -> JSONValue {
    guard let members else { return self }
    return .object(members.map { $0.key == key ? ($0.key, change($0.value)) : $0 })
  }
}
