import Engines
import GraphStore

extension GraphSchema {
  /// Rejects a table whose rows or columns would be invisible in the extended graph, because the projection that is extended
  /// hides their label or properties.
  /// - Throws: `EngineError` of code `invalidArgument` that names what is hidden.
  func refuseHiddenRows(_ role: TableSource.Role, _ options: GraphOptions) throws(EngineError) {
    switch role {
    case .vertices(let name, _):
      guard let label = vertexLabels.first(where: { $0.name == name }) else { return }
      let subject = "vertex label '\(name)'"
      guard label.isValid else { throw Self.hidden("rows of \(subject)", subject) }
      let own = label.properties.indices.filter { $0 != label.idProperty }.map { label.properties[$0] }
      try Self.requireVisible(own, of: subject)
    case .edges(let name, let source, let destination, _, _):
      for end in [source, destination] where vertexLabels.contains(where: { $0.name == end && !$0.isValid }) {
        throw Self.hidden("edges '\(name)' from '\(source)' to '\(destination)'", "vertex label '\(end)'")
      }
      guard let label = edgeLabels.first(where: { $0.name == name }) else { return }
      let subject = "edge label '\(name)'"
      guard label.isValid else { throw Self.hidden("rows of \(subject)", subject) }
      try Self.requireVisible(Array(label.properties.dropFirst(options.generatesEdgeIDs ? 1 : 0)), of: subject)
    }
  }

  private static func requireVisible(_ properties: [Property], of subject: String) throws(EngineError) {
    guard let property = properties.first(where: { !$0.isValid }) else { return }
    throw hidden("rows of \(subject)", "its property '\(property.name)'")
  }

  private static func hidden(_ what: String, _ hider: String) -> EngineError {
    EngineError(
      .invalidArgument, "\(what) cannot be added to this graph: the projection that made it hides \(hider)",
      hint: "Add them to the graph that was projected, and project the result again")
  }
}
