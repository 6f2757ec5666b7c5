import Engines
import JSON
import Wire

/// Translates the names in a client's selectors to the numbers that the engine requires.
struct SelectorTranslation {
  let kind: ContextDescription.Kind
  let schema: NativeSchema

  /// Returns a selector for the engine; nil if results of this kind have no selectors.
  func selector(_ text: String) throws(EngineError) -> String? {
    switch kind {
    case .tensor: nil
    case .vertexData, .dynamicVertexData: try simple(text, result: { $0 == "r" })
    case .vertexProperty: try property(text)
    case .labeledVertexData:
      try labeled(text) { segments throws(EngineError) in
        try schema.labelText(segments[0])
      }
    case .labeledVertexProperty:
      try labeled(text) { segments throws(EngineError) in
        guard segments.count == 2 else { throw Self.invalid(text) }
        return try schema.labelText(segments[0]) + "." + segments[1]
      }
    }
  }

  /// Returns the selectors of a data frame: a JSON object from columns to selectors.
  func frame(_ json: String) throws(EngineError) -> String {
    let members: [(key: String, value: JSONValue)]?
    do { members = try JSONValue(parsing: json).members } catch { members = nil }
    guard let members else { throw EngineError(.invalidArgument, "the selector of a data frame is not a JSON object") }
    var translated: [(key: String, value: JSONValue)] = []
    for (column, value) in members {
      guard let text = value.text else { throw Self.invalid(value.encoded) }
      translated.append((column, try selector(text).map { .string($0) } ?? .null))
    }
    return JSONValue.object(translated).encoded
  }

  // MARK: Results of simple graphs

  private func simple(_ text: String, result: (String) -> Bool) throws(EngineError) -> String {
    switch text.prefix(while: { $0 != "." }) {
    case "v":
      guard ["v.id", "v.data", "v.label_id"].contains(text) else {
        throw EngineError(.invalidSyntax, "selector of v must be 'id', 'data' or 'label_id'")
      }
    case "e":
      guard ["e.src", "e.dst", "e.data"].contains(text) else {
        throw EngineError(.invalidSyntax, "selector of e must be 'src', 'dst' or 'data'")
      }
    case "r":
      guard result(text) else { throw EngineError(.invalidSyntax, "selector of r must be 'r'") }
    default: throw EngineError(.invalidSyntax, "Invalid selector: \(text), choose from v / e / r.")
    }
    return text
  }

  private func property(_ text: String) throws(EngineError) -> String {
    guard text.split(separator: ".", omittingEmptySubsequences: false).count == 2 else { throw Self.invalid(text) }
    return try simple(text, result: { _ in true })
  }

  // MARK: Results of graphs with labels

  private func labeled(
    _ text: String, result: ([String]) throws(EngineError) -> String
  ) throws(EngineError) -> String {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 else { throw Self.invalid(text) }
    let segments = parts[1].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    switch parts[0] {
    case "r": return "r:" + (try result(segments))
    case "v":
      guard segments.count == 2 else { throw Self.invalid(text) }
      let label = try schema.vertexLabel(segments[0])
      if segments[1] == "id" { return "v:label\(label).id" }
      return "v:label\(label).property\(try schema.vertices[label].property(segments[1]))"
    case "e":
      guard segments.count == 2 else { throw Self.invalid(text) }
      let label = try schema.edgeLabel(segments[0])
      if segments[1] == "src" || segments[1] == "dst" { return "e:label\(label).\(segments[1])" }
      return "e:label\(label).property\(try schema.edges[label].property(segments[1]))"
    default: throw Self.invalid(text)
    }
  }

  private static func invalid(_ text: String) -> EngineError {
    EngineError(.invalidSyntax, "Invalid selector: \(text)")
  }
}

extension NativeSchema {
  fileprivate func labelText(_ name: String) throws(EngineError) -> String { "label\(try vertexLabel(name))" }
}
