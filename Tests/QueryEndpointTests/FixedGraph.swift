import QueryValues

/// The example graph that TinkerPop calls modern: six vertices, six edges.
struct FixedGraph: QueryGraph {
  let vertexLabels = ["person", "software"]
  let edgeLabels = ["knows", "created"]
  let propertyKeys = ["name", "age", "lang", "weight"]

  private let vertices: [Int64: (label: Int, properties: [(key: Int, value: Value)])] = [
    1: (0, [(0, .string("marko")), (1, .integer(29))]),
    2: (0, [(0, .string("vadas")), (1, .integer(27))]),
    3: (1, [(0, .string("lop")), (2, .string("java"))]),
    4: (0, [(0, .string("josh")), (1, .integer(32))]),
    5: (1, [(0, .string("ripple")), (2, .string("java"))]),
    6: (0, [(0, .string("peter")), (1, .integer(35))]),
  ]
  private let edges: [Int64: (label: Int, edge: Edge, weight: Double)] = [
    7: (0, edge(7, 1, 2), 0.5), 8: (0, edge(8, 1, 4), 1.0), 9: (1, edge(9, 1, 3), 0.4), 10: (1, edge(10, 4, 5), 1.0),
    11: (1, edge(11, 4, 3), 0.4), 12: (1, edge(12, 6, 3), 0.2),
  ]

  private static func edge(_ id: Int64, _ source: Int64, _ target: Int64) -> Edge {
    Edge(id: id, source: Vertex(id: source), target: Vertex(id: target))
  }

  func vertexCount(label: Int?) -> Int { vertices.values.count { label == nil || $0.label == label } }

  func edgeCount(label: Int?) -> Int { edges.values.count { label == nil || $0.label == label } }

  func scanVertices(label: Int?, _ body: (Vertex) throws(QueryError) -> Bool) throws(QueryError) {
    for id in vertices.keys.sorted() where label == nil || vertices[id]?.label == label {
      guard try body(Vertex(id: id)) else { return }
    }
  }

  func scanEdges(label: Int?, _ body: (Edge) throws(QueryError) -> Bool) throws(QueryError) {
    for id in edges.keys.sorted() {
      guard let (found, edge, _) = edges[id], label == nil || found == label else { continue }
      guard try body(edge) else { return }
    }
  }

  func scanEdges(
    at vertex: Vertex, _ direction: EdgeDirection, labels: [Int]?, _ body: (Edge) throws(QueryError) -> Bool
  ) throws(QueryError) {
    try scanEdges(label: nil) { edge throws(QueryError) in
      let isThere =
        switch direction {
        case .out: edge.source == vertex
        case .in: edge.target == vertex
        case .both: edge.source == vertex || edge.target == vertex
        }
      return isThere && labels?.contains(label(of: edge)) != false ? try body(edge) : true
    }
  }

  func degree(of vertex: Vertex, _ direction: EdgeDirection, labels: [Int]?) -> Int {
    var count = 0
    try? scanEdges(at: vertex, direction, labels: labels) { _ throws(QueryError) in
      count += 1
      return true
    }
    return count
  }

  func vertex(id: Int64) -> Vertex? { vertices[id] == nil ? nil : Vertex(id: id) }

  func edge(id: Int64) -> Edge? { edges[id]?.edge }

  func vertices(label: Int, key: Int, value: Value) -> [Vertex]? { nil }

  func labels(of vertex: Vertex) -> [Int] { vertices[vertex.id].map { [$0.label] } ?? [] }

  func label(of edge: Edge) -> Int { edges[edge.id]?.label ?? 0 }

  func property(_ key: Int, of vertex: Vertex) -> Value {
    properties(of: vertex).first { $0.key == key }?.value ?? .null
  }

  func property(_ key: Int, of edge: Edge) -> Value { properties(of: edge).first { $0.key == key }?.value ?? .null }

  func properties(of vertex: Vertex) -> [(key: Int, value: Value)] { vertices[vertex.id]?.properties ?? [] }

  func properties(of edge: Edge) -> [(key: Int, value: Value)] { edges[edge.id].map { [(3, .float($0.weight))] } ?? [] }
}
