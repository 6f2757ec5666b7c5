import Engines
import GraphStore

/// What a client wants of a result with one value per vertex.
enum ResultSelector {
  case id, data, labelID, value

  /// Reads `v.id`, `v.data`, `r` and, for graphs of several labels, `v.label_id`.
  /// - Throws: `EngineError` of code `invalidSyntax` with the client's text.
  init(_ text: String, isFlattened: Bool) throws(EngineError) {
    switch text {
    case "v.id": self = .id
    case "v.data": self = .data
    case "v.label_id" where isFlattened: self = .labelID
    case "r": self = .value
    default: throw .invalidSelector(text)
    }
  }
}

/// What a client wants of a property graph: the ids or a property of a label's vertices.
struct GraphSelector {
  let label: Int
  /// Nil for the ids.
  let property: Int?

  /// Reads `v:<label>.id` and `v:<label>.<property>`.
  /// - Throws: `EngineError` with the client's texts: `invalidSyntax`, `unknownName` for what is not there,
  ///   `invalidValue` for a property that a projection hides.
  init(_ text: String, _ schema: GraphSchema) throws(EngineError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == "v" || parts[0] == "e", let dot = Self.separator(in: parts[1], schema) else {
      throw .invalidSelector(text)
    }
    let (name, propertyName) = (String(parts[1][..<dot]), String(parts[1][parts[1].index(after: dot)...]))
    // The native engine looks edge labels up among those of vertices; clients know the outcome.
    guard parts[0] == "v", let label = schema.vertexLabel(named: name) else { throw .unknownLabel(name) }
    self.label = label
    guard propertyName != "id" else {
      property = nil
      return
    }
    property = try schema.vertexLabels[label].properties.visibleIndex(named: propertyName)
  }

  /// The dot between label and property: the first after a label that exists, since names may hold dots.
  private static func separator(in text: Substring, _ schema: GraphSchema) -> Substring.Index? {
    let dots = text.indices.filter { text[$0] == "." }
    return dots.first { schema.vertexLabel(named: String(text[..<$0])) != nil } ?? dots.first
  }
}

extension EngineError {
  /// The client's text for a selector that means nothing.
  static func invalidSelector(_ selector: String) -> EngineError {
    EngineError(
      .invalidSyntax,
      "Invalid selector: `\(selector)`. Please inspect the result with `ret.schema` and choose a valid selector.")
  }
}
