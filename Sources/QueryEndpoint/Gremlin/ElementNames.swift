import QueryValues

/// The names of labels and keys of a graph, and how elements are described with them.
struct ElementNames {
  let graph: any QueryGraph
  private let vertexLabels: [String]
  private let edgeLabels: [String]
  private let keys: [String]

  init(_ graph: any QueryGraph) {
    self.graph = graph
    vertexLabels = graph.vertexLabels
    edgeLabels = graph.edgeLabels
    keys = graph.propertyKeys
  }

  /// The label of a vertex: several are joined with `::`, and TinkerPop's default stands for none.
  func label(of vertex: Vertex) -> String {
    let labels = graph.labels(of: vertex)
    if labels.count == 1 { return vertexLabels[labels[0]] }
    return labels.isEmpty ? "vertex" : labels.map { vertexLabels[$0] }.joined(separator: "::")
  }

  func label(of edge: Edge) -> String { edgeLabels[graph.label(of: edge)] }

  func properties(of vertex: Vertex) -> [Property] {
    graph.properties(of: vertex).map { Property(owner: .vertex(vertex), key: keys[$0.key], value: $0.value) }
  }

  func properties(of edge: Edge) -> [Property] {
    graph.properties(of: edge).map { Property(owner: .edge(edge), key: keys[$0.key], value: $0.value) }
  }
}

extension Property {
  /// The identifier of a vertex's property: a graph has none, and drivers compare properties by it.
  /// Nil if this is the property of an edge.
  var identifier: String? {
    if case .edge = owner { return nil }
    guard case .vertex(let vertex) = owner else { return key }
    return "\(vertex.id)/\(key)"
  }
}
