import QueryValues

/// A graph with one vertex of the label `Person` with a name, and a loop of the label `KNOWS`.
struct OneVertexGraph: QueryGraph {
  let vertexLabels = ["Person"]
  let edgeLabels = ["KNOWS"]
  let propertyKeys = ["name", "first year"]

  static let vertex = Vertex(id: 7)
  static let edge = Edge(id: 9, source: vertex, target: vertex)

  func vertexCount(label: Int?) -> Int { 1 }
  func edgeCount(label: Int?) -> Int { 1 }
  func scanVertices(label: Int?, _ body: (Vertex) throws(QueryError) -> Bool) throws(QueryError) {
    _ = try body(Self.vertex)
  }
  func scanEdges(label: Int?, _ body: (Edge) throws(QueryError) -> Bool) throws(QueryError) { _ = try body(Self.edge) }
  func scanEdges(
    at vertex: Vertex, _ direction: EdgeDirection, labels: [Int]?, _ body: (Edge) throws(QueryError) -> Bool
  ) throws(QueryError) {
    _ = try body(Self.edge)
  }
  func degree(of vertex: Vertex, _ direction: EdgeDirection, labels: [Int]?) -> Int { 1 }
  func vertex(id: Int64) -> Vertex? { id == 7 ? Self.vertex : nil }
  func edge(id: Int64) -> Edge? { id == 9 ? Self.edge : nil }
  func vertices(label: Int, key: Int, value: Value) -> [Vertex]? { nil }
  func labels(of vertex: Vertex) -> [Int] { [0] }
  func label(of edge: Edge) -> Int { 0 }
  func property(_ key: Int, of vertex: Vertex) -> Value { key == 0 ? .string("Ann") : .null }
  func property(_ key: Int, of edge: Edge) -> Value { key == 1 ? .integer(1999) : .null }
  func properties(of vertex: Vertex) -> [(key: Int, value: Value)] { [(0, .string("Ann"))] }
  func properties(of edge: Edge) -> [(key: Int, value: Value)] { [(1, .integer(1999))] }
}
