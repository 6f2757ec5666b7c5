import QueryValues
import Synchronization

/// A graph that takes new vertices and edges from queries.
public protocol GraphWriter: QueryGraph {
  /// Adds a vertex. Properties that are null are left out.
  func addVertex(labels: [String], properties: [(String, Value)]) -> Vertex

  /// Adds an edge between two vertices of the graph. Properties that are null are left out.
  func addEdge(from source: Vertex, to target: Vertex, label: String, properties: [(String, Value)]) -> Edge
}

/// A graph in memory that several queries share. A scan sees the graph as it was when the scan began.
public final class SharedGraph: GraphWriter {
  private let state: Mutex<MemoryGraph>

  /// Shares a copy of a graph.
  public init(_ graph: MemoryGraph = MemoryGraph()) { state = Mutex(graph) }

  private var graph: MemoryGraph { state.withLock { $0 } }

  /// Adds a vertex. Properties that are null are left out.
  public func addVertex(labels: [String], properties: [(String, Value)]) -> Vertex {
    state.withLock { $0.addVertex(labels: labels, properties: properties) }
  }

  /// Adds an edge between two vertices of the graph. Properties that are null are left out.
  public func addEdge(
    from source: Vertex, to target: Vertex, label: String, properties: [(String, Value)]
  ) -> Edge {
    state.withLock { $0.addEdge(from: source, to: target, label: label, properties: properties) }
  }

  /// The names of vertex labels, by number.
  public var vertexLabels: [String] { graph.vertexLabels }
  /// The names of edge labels, by number.
  public var edgeLabels: [String] { graph.edgeLabels }
  /// The names of the properties of vertices and edges, by number.
  public var propertyKeys: [String] { graph.propertyKeys }
  /// The number of vertices that have a label; of all vertices for nil.
  public func vertexCount(label: Int?) -> Int { graph.vertexCount(label: label) }
  /// The number of edges of a label; of all edges for nil.
  public func edgeCount(label: Int?) -> Int { graph.edgeCount(label: label) }

  /// Visits the vertices that have a label, or all vertices, in the order of their identifiers.
  public func scanVertices(label: Int?, _ body: (Vertex) throws(QueryError) -> Bool) throws(QueryError) {
    try graph.scanVertices(label: label, body)
  }

  /// Visits the edges of a label, or all edges, in the order of their identifiers.
  public func scanEdges(label: Int?, _ body: (Edge) throws(QueryError) -> Bool) throws(QueryError) {
    try graph.scanEdges(label: label, body)
  }

  /// Visits the edges at a vertex: the outgoing ones first, a loop once in each direction.
  public func scanEdges(
    at vertex: Vertex, _ direction: EdgeDirection, labels: [Int]?, _ body: (Edge) throws(QueryError) -> Bool
  ) throws(QueryError) {
    try graph.scanEdges(at: vertex, direction, labels: labels, body)
  }

  /// The number of edges that a scan at the vertex visits.
  public func degree(of vertex: Vertex, _ direction: EdgeDirection, labels: [Int]?) -> Int {
    graph.degree(of: vertex, direction, labels: labels)
  }

  /// The vertex with an identifier; nil if there is none.
  public func vertex(id: Int64) -> Vertex? { graph.vertex(id: id) }
  /// The edge with an identifier; nil if there is none.
  public func edge(id: Int64) -> Edge? { graph.edge(id: id) }
  /// The vertices with a label whose property equals a value, found by an index; nil if there is no index for it.
  public func vertices(label: Int, key: Int, value: Value) -> [Vertex]? {
    graph.vertices(label: label, key: key, value: value)
  }
  /// The numbers of the labels of a vertex.
  public func labels(of vertex: Vertex) -> [Int] { graph.labels(of: vertex) }
  /// The number of the label of an edge.
  public func label(of edge: Edge) -> Int { graph.label(of: edge) }
  /// A property of a vertex; null if it has none of this key.
  public func property(_ key: Int, of vertex: Vertex) -> Value { graph.property(key, of: vertex) }
  /// A property of an edge; null if it has none of this key.
  public func property(_ key: Int, of edge: Edge) -> Value { graph.property(key, of: edge) }
  /// The properties of a vertex that are not null, by key.
  public func properties(of vertex: Vertex) -> [(key: Int, value: Value)] { graph.properties(of: vertex) }
  /// The properties of an edge that are not null, by key.
  public func properties(of edge: Edge) -> [(key: Int, value: Value)] { graph.properties(of: edge) }
}
