import QueryValues

/// A graph of values in memory, with any number of labels per vertex and properties of any type.
///
/// Vertices and edges are numbered from 0 in the order in which they were added.
public struct MemoryGraph: QueryGraph {
  /// The names of vertex labels, by number.
  public private(set) var vertexLabels: [String] = []
  /// The names of edge labels, by number.
  public private(set) var edgeLabels: [String] = []
  /// The names of the properties of vertices and edges, by number.
  public private(set) var propertyKeys: [String] = []
  private var vertices: [StoredVertex] = []
  private var edges: [StoredEdge] = []
  private var keyNumbers: [String: Int] = [:]

  private struct StoredVertex: Sendable {
    var labels: [Int]
    var properties: [Int: Value]
    var out: [Int] = []
    var `in`: [Int] = []
  }

  private struct StoredEdge: Sendable {
    var label: Int
    var edge: Edge
    var properties: [Int: Value]
  }

  /// Creates a graph without vertices.
  public init() {}

  /// Adds a vertex. Properties that are null are left out.
  public mutating func addVertex(labels: [String], properties: [(String, Value)] = []) -> Vertex {
    let numbers = labels.map { Self.number(of: $0, in: &vertexLabels) }
    vertices.append(StoredVertex(labels: numbers, properties: stored(properties)))
    return Vertex(id: Int64(vertices.count - 1))
  }

  /// Adds an edge between two vertices of the graph. Properties that are null are left out.
  public mutating func addEdge(
    from source: Vertex, to target: Vertex, label: String, properties: [(String, Value)] = []
  ) -> Edge {
    let edge = Edge(id: Int64(edges.count), source: source, target: target)
    let number = Self.number(of: label, in: &edgeLabels)
    edges.append(StoredEdge(label: number, edge: edge, properties: stored(properties)))
    vertices[Int(source.id)].out.append(edges.count - 1)
    vertices[Int(target.id)].in.append(edges.count - 1)
    return edge
  }

  private static func number(of name: String, in names: inout [String]) -> Int {
    if let known = names.firstIndex(of: name) { return known }
    names.append(name)
    return names.count - 1
  }

  private mutating func stored(_ properties: [(String, Value)]) -> [Int: Value] {
    var stored: [Int: Value] = [:]
    for (name, value) in properties where !value.isNull {
      let key = keyNumbers[name] ?? propertyKeys.count
      if key == propertyKeys.count {
        propertyKeys.append(name)
        keyNumbers[name] = key
      }
      stored[key] = value
    }
    return stored
  }

  /// The number of vertices that have a label; of all vertices for nil.
  public func vertexCount(label: Int?) -> Int {
    guard let label else { return vertices.count }
    return vertices.count { $0.labels.contains(label) }
  }

  /// The number of edges of a label; of all edges for nil.
  public func edgeCount(label: Int?) -> Int {
    guard let label else { return edges.count }
    return edges.count { $0.label == label }
  }

  /// Visits the vertices that have a label, or all vertices, in the order of their identifiers.
  public func scanVertices(label: Int?, _ body: (Vertex) throws(QueryError) -> Bool) throws(QueryError) {
    for (index, vertex) in vertices.enumerated() where label == nil || vertex.labels.contains(label ?? 0) {
      guard try body(Vertex(id: Int64(index))) else { return }
    }
  }

  /// Visits the edges of a label, or all edges, in the order of their identifiers.
  public func scanEdges(label: Int?, _ body: (Edge) throws(QueryError) -> Bool) throws(QueryError) {
    for edge in edges where label == nil || edge.label == label {
      guard try body(edge.edge) else { return }
    }
  }

  /// Visits the edges at a vertex: the outgoing ones first, a loop once in each direction.
  public func scanEdges(
    at vertex: Vertex, _ direction: EdgeDirection, labels: [Int]?, _ body: (Edge) throws(QueryError) -> Bool
  ) throws(QueryError) {
    for edge in incident(vertex, direction) where labels?.contains(edges[edge].label) ?? true {
      guard try body(edges[edge].edge) else { return }
    }
  }

  /// The number of edges that a scan at the vertex visits.
  public func degree(of vertex: Vertex, _ direction: EdgeDirection, labels: [Int]?) -> Int {
    incident(vertex, direction).count { labels?.contains(edges[$0].label) ?? true }
  }

  private func incident(_ vertex: Vertex, _ direction: EdgeDirection) -> [Int] {
    let stored = vertices[Int(vertex.id)]
    return switch direction {
    case .out: stored.out
    case .in: stored.in
    case .both: stored.out + stored.in
    }
  }

  /// The vertex with an identifier; nil if there is none.
  public func vertex(id: Int64) -> Vertex? { vertices.indices.contains(Int(id)) ? Vertex(id: id) : nil }

  /// The edge with an identifier; nil if there is none.
  public func edge(id: Int64) -> Edge? { edges.indices.contains(Int(id)) ? edges[Int(id)].edge : nil }

  /// The vertices with a label whose property equals a value, found by an index; nil if there is no index for it.
  public func vertices(label: Int, key: Int, value: Value) -> [Vertex]? { nil }

  /// The numbers of the labels of a vertex.
  public func labels(of vertex: Vertex) -> [Int] { vertices[Int(vertex.id)].labels }

  /// The number of the label of an edge.
  public func label(of edge: Edge) -> Int { edges[Int(edge.id)].label }

  /// A property of a vertex; null if it has none of this key.
  public func property(_ key: Int, of vertex: Vertex) -> Value { vertices[Int(vertex.id)].properties[key] ?? .null }

  /// A property of an edge; null if it has none of this key.
  public func property(_ key: Int, of edge: Edge) -> Value { edges[Int(edge.id)].properties[key] ?? .null }

  /// The properties of a vertex that are not null, by key.
  public func properties(of vertex: Vertex) -> [(key: Int, value: Value)] {
    Self.ordered(vertices[Int(vertex.id)].properties)
  }

  /// The properties of an edge that are not null, by key.
  public func properties(of edge: Edge) -> [(key: Int, value: Value)] { Self.ordered(edges[Int(edge.id)].properties) }

  private static func ordered(_ properties: [Int: Value]) -> [(key: Int, value: Value)] {
    properties.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
  }
}
