/// The graph that a query reads: numbered labels and property keys, vertices, edges, and their properties.
///
/// Numbers of labels and keys are positions in the lists of names. Vertices and edges do not change while a query runs.
/// Bodies return false to end a scan.
public protocol QueryGraph: Sendable {
  /// The names of vertex labels, by number.
  var vertexLabels: [String] { get }
  /// The names of edge labels (relationship types), by number.
  var edgeLabels: [String] { get }
  /// The names of the properties of vertices and edges, by number.
  var propertyKeys: [String] { get }

  /// The number of vertices that have a label; of all vertices for nil.
  func vertexCount(label: Int?) -> Int
  /// The number of edges of a label; of all edges for nil.
  func edgeCount(label: Int?) -> Int

  /// Visits the vertices that have a label, or all vertices, in a fixed order.
  func scanVertices(label: Int?, _ body: (Vertex) throws(QueryError) -> Bool) throws(QueryError)
  /// Visits the edges of a label, or all edges, in a fixed order.
  func scanEdges(label: Int?, _ body: (Edge) throws(QueryError) -> Bool) throws(QueryError)
  /// Visits the edges at a vertex. For `.both`, the outgoing ones come first, and a loop comes once in each direction.
  /// - Parameter labels: The numbers of the edge labels to visit, in this order; nil for all.
  func scanEdges(
    at vertex: Vertex, _ direction: EdgeDirection, labels: [Int]?, _ body: (Edge) throws(QueryError) -> Bool
  ) throws(QueryError)
  /// The number of edges that `scanEdges(at:_:labels:_:)` visits.
  func degree(of vertex: Vertex, _ direction: EdgeDirection, labels: [Int]?) -> Int

  /// The vertex with an identifier of the graph; nil if there is none.
  func vertex(id: Int64) -> Vertex?
  /// The edge with an identifier of the graph; nil if there is none.
  func edge(id: Int64) -> Edge?
  /// The vertices with a label whose property equals a value, found by an index; nil if the graph has no index for it.
  func vertices(label: Int, key: Int, value: Value) -> [Vertex]?

  /// The numbers of a vertex's labels.
  func labels(of vertex: Vertex) -> [Int]
  /// The number of an edge's label.
  func label(of edge: Edge) -> Int
  /// A property of a vertex; null if it has none of this key.
  func property(_ key: Int, of vertex: Vertex) -> Value
  /// A property of an edge; null if it has none of this key.
  func property(_ key: Int, of edge: Edge) -> Value
  /// The properties of a vertex that are not null.
  func properties(of vertex: Vertex) -> [(key: Int, value: Value)]
  /// The properties of an edge that are not null.
  func properties(of edge: Edge) -> [(key: Int, value: Value)]
}

/// Which edges at a vertex a traversal follows.
public enum EdgeDirection: String, Sendable, Hashable {
  /// Those that begin at the vertex.
  case out
  /// Those that end at the vertex.
  case `in`
  /// All of them.
  case both
}
