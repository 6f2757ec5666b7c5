import QueryAlgebra
import QueryValues

extension PlanRunner {
  /// Adds the elements for the current row.
  func create(_ creations: [Creation], _ yield: Yield) throws(QueryError) -> Bool {
    guard let graph = execution.graph as? any GraphWriter else {
      throw QueryError(.unsupported, "CREATE is not possible: the graph cannot be changed by queries")
    }
    for creation in creations {
      switch creation {
      case .vertex(let slot, let labels, let properties):
        execution.row[slot] = .vertex(graph.addVertex(labels: labels, properties: try entries(properties)))
      case .edge(let slot, let from, let to, let label, let properties):
        guard let source = try origin(from), let target = try origin(to) else {
          throw QueryError(.notFound, "a relationship cannot be created: the node at one of its ends is null")
        }
        execution.row[slot] = .edge(
          graph.addEdge(from: source, to: target, label: label, properties: try entries(properties)))
      }
      execution.names = GraphNames(graph)
    }
    return try yield()
  }

  private func entries(_ properties: Expression?) throws(QueryError) -> [(String, Value)] {
    guard let properties else { return [] }
    switch try evaluate(properties) {
    case .null: return []
    case .map(let map):
      var entries: [(String, Value)] = []
      for (key, value) in map.entries {
        guard case .string(let name) = key else { continue }
        if case .map = value {
          throw QueryError(
            .type, detail: "InvalidPropertyType",
            "the property '\(name)' cannot be a map. Store its entries as properties")
        }
        entries.append((name, value))
      }
      return entries
    case let value:
      throw QueryError(.type, detail: "InvalidArgumentType", "properties are a map, not \(value.typeName)")
    }
  }
}
