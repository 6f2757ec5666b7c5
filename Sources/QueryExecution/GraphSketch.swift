import QueryValues

/// What a graph contains by label: properties with their types, and which labels edges connect.
///
/// Types are those of a sample: the first vertices and edges of each label.
struct GraphSketch {
  struct Property {
    var label: String
    var key: String
    var type: String
  }

  private(set) var vertexProperties: [Property] = []
  private(set) var edgeProperties: [Property] = []
  /// The pairs of labels that edges of a label connect.
  private(set) var connections: [(edge: String, from: String, to: String)] = []

  private static let sample = 1000

  init(_ graph: any QueryGraph) throws(QueryError) {
    for (number, label) in graph.vertexLabels.enumerated() {
      var types: [Int: String] = [:]
      var seen = 0
      try graph.scanVertices(label: number) { (vertex: Vertex) throws(QueryError) in
        for (key, value) in graph.properties(of: vertex) where types[key] == nil { types[key] = value.typeName }
        seen += 1
        return seen < Self.sample
      }
      vertexProperties += Self.named(types, label, graph)
    }
    for (number, label) in graph.edgeLabels.enumerated() {
      var types: [Int: String] = [:]
      var pairs: [[Int]] = []
      var seen = 0
      try graph.scanEdges(label: number) { (edge: Edge) throws(QueryError) in
        for (key, value) in graph.properties(of: edge) where types[key] == nil { types[key] = value.typeName }
        for from in graph.labels(of: edge.source) {
          for to in graph.labels(of: edge.target) where !pairs.contains([from, to]) { pairs.append([from, to]) }
        }
        seen += 1
        return seen < Self.sample
      }
      edgeProperties += Self.named(types, label, graph)
      connections += pairs.map { (label, graph.vertexLabels[$0[0]], graph.vertexLabels[$0[1]]) }
    }
  }

  private static func named(_ types: [Int: String], _ label: String, _ graph: any QueryGraph) -> [Property] {
    types.sorted { $0.key < $1.key }.map { Property(label: label, key: graph.propertyKeys[$0.key], type: $0.value) }
  }

  /// The records of `apoc.meta.data`: one for each property, and one for each pair of an edge label and the label where it begins.
  var metaData: [[Value]] {
    func record(_ label: String, _ property: String, _ type: String, _ element: String, _ other: [String]) -> [Value] {
      [
        .string(label), .string(property), .string(type), .string(element), .list(other.map { .string($0) }),
        .boolean(false), .boolean(false), .boolean(false), .boolean(false),
      ]
    }
    var records = vertexProperties.map { record($0.label, $0.key, $0.type, "node", []) }
    records += edgeProperties.map { record($0.label, $0.key, $0.type, "relationship", []) }
    var targets: [[String]: [String]] = [:]
    for connection in connections { targets[[connection.from, connection.edge], default: []].append(connection.to) }
    for (key, other) in targets.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      records.append(record(key[0], key[1], "RELATIONSHIP", "node", other))
    }
    return records
  }
}
