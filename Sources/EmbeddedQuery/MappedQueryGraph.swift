import GraphStore
import QueryValues

/// A stored graph, as queries see it.
///
/// A vertex's identifier is its label's number in the highest eight bits and its position in the others, as GraphScope numbers them.
/// An edge's identifier holds the numbers of its label and of its relation, and its ordinal. Labels and properties that the
/// schema marks as not valid are not visible.
public struct MappedQueryGraph: QueryGraph {
  /// The names of vertex labels, by number.
  public let vertexLabels: [String]
  /// The names of edge labels, by number.
  public let edgeLabels: [String]
  /// The names of the properties of vertices and edges, by number.
  public let propertyKeys: [String]
  private let graph: PropertyGraph
  /// The stored number of each visible label, and its visible properties by the number of their key.
  private let vertexTables: [VertexTable]
  private let edgeTables: [EdgeTable]
  /// The visible number of each stored label; nil if it is hidden.
  private let visibleVertexLabels: [Int?]
  private let visibleEdgeLabels: [Int?]

  private struct VertexTable: Sendable {
    let stored: Int
    let columns: [Int: Column]
    let idKey: Int?
    /// The relations that begin at the label, and those that end there.
    var out: [Relation] = []
    var `in`: [Relation] = []
  }

  private struct EdgeTable: Sendable {
    let stored: Int
    let relations: [Relation]
    /// For each stored relation, the columns by key.
    let columns: [Int: [Int: Column]]
  }

  /// The edges of a label between two labels.
  private struct Relation: Sendable {
    let label: Int
    let number: Int
    let base: Int64
    let source: Int
    let destination: Int
    let outgoing: Adjacency
    let incoming: Adjacency
    let count: Int
  }

  /// Shows the part of a graph that `schema` marks as valid.
  /// - Throws: `QueryError` if a property has values that queries cannot represent.
  public init(_ graph: PropertyGraph, schema: GraphSchema) throws(QueryError) {
    self.graph = graph
    var keys = KeyNumbers()
    var vertexTables: [VertexTable] = []
    var visibleVertexLabels = [Int?](repeating: nil, count: schema.vertexLabels.count)
    for stored in schema.validVertexLabels {
      let label = schema.vertexLabels[stored]
      var columns: [Int: Column] = [:]
      for property in label.properties.validIndices {
        let column = graph.vertexColumn(label: stored, property: property)
        try Self.check(column, of: label.name)
        columns[keys.number(of: label.properties[property].name)] = column
      }
      let idKey = label.idProperty.flatMap { label.properties[$0].isValid ? label.properties[$0].name : nil }
      visibleVertexLabels[stored] = vertexTables.count
      vertexTables.append(
        VertexTable(stored: stored, columns: columns, idKey: idKey.map { keys.number(of: $0) }))
    }
    var edgeTables: [EdgeTable] = []
    var visibleEdgeLabels = [Int?](repeating: nil, count: schema.edgeLabels.count)
    for stored in schema.validEdgeLabels {
      let label = schema.edgeLabels[stored]
      var relations: [Relation] = []
      var columns: [Int: [Int: Column]] = [:]
      for (number, relation) in label.relations.enumerated() {
        guard let source = visibleVertexLabels[relation.source],
          let destination = visibleVertexLabels[relation.destination]
        else { continue }
        relations.append(
          Relation(
            label: edgeTables.count, number: number, base: Int64(stored) << 56 | Int64(number) << 40,
            source: source, destination: destination, outgoing: graph.outgoing(label: stored, relation: number),
            incoming: graph.incoming(label: stored, relation: number),
            count: graph.edgeCount(label: stored, relation: number)))
        var byKey: [Int: Column] = [:]
        for property in label.properties.validIndices {
          let column = graph.edgeColumn(label: stored, relation: number, property: property)
          try Self.check(column, of: label.name)
          byKey[keys.number(of: label.properties[property].name)] = column
        }
        columns[number] = byKey
      }
      for relation in relations {
        vertexTables[relation.source].out.append(relation)
        vertexTables[relation.destination].in.append(relation)
      }
      visibleEdgeLabels[stored] = edgeTables.count
      edgeTables.append(EdgeTable(stored: stored, relations: relations, columns: columns))
    }
    self.vertexTables = vertexTables
    self.edgeTables = edgeTables
    self.visibleVertexLabels = visibleVertexLabels
    self.visibleEdgeLabels = visibleEdgeLabels
    vertexLabels = vertexTables.map { schema.vertexLabels[$0.stored].name }
    edgeLabels = edgeTables.map { schema.edgeLabels[$0.stored].name }
    propertyKeys = keys.names
  }

  /// Whole numbers of queries are signed.
  private static func check(_ column: Column, of label: String) throws(QueryError) {
    guard column.type == .uint64, column.values(as: UInt64.self).contains(where: { $0 > Int64.max }) else { return }
    throw QueryError(
      .unsupported,
      "property '\(column.name)' of label '\(label)' has values above \(Int64.max), which queries cannot represent. "
        + "Leave it out with project()")
  }

  // MARK: - Scans

  /// The number of vertices that have a label; of all vertices for nil.
  public func vertexCount(label: Int?) -> Int {
    if let label { return graph.vertexCount(label: vertexTables[label].stored) }
    return vertexTables.reduce(0) { $0 + graph.vertexCount(label: $1.stored) }
  }

  /// The number of edges of a label; of all edges for nil.
  public func edgeCount(label: Int?) -> Int {
    if let label { return edgeTables[label].relations.reduce(0) { $0 + $1.count } }
    return edgeTables.reduce(0) { $0 + $1.relations.reduce(0) { $0 + $1.count } }
  }

  /// Visits the vertices that have a label, or all vertices, in the order of their identifiers.
  public func scanVertices(label: Int?, _ body: (Vertex) throws(QueryError) -> Bool) throws(QueryError) {
    for table in label.map({ vertexTables[$0...$0] }) ?? vertexTables[...] {
      let base = Int64(table.stored) << 56
      for position in 0..<Int64(graph.vertexCount(label: table.stored)) {
        guard try body(Vertex(id: base | position)) else { return }
      }
    }
  }

  /// Visits the edges of a label, or all edges, in the order of their identifiers.
  public func scanEdges(label: Int?, _ body: (Edge) throws(QueryError) -> Bool) throws(QueryError) {
    for table in label.map({ edgeTables[$0...$0] }) ?? edgeTables[...] {
      for relation in table.relations {
        for ordinal in 0..<Int64(relation.count) {
          guard try body(edge(relation, ordinal)) else { return }
        }
      }
    }
  }

  private func edge(_ relation: Relation, _ ordinal: Int64) -> Edge {
    let ends = graph.endpoints(label: edgeTables[relation.label].stored, relation: relation.number)
    return Edge(
      id: relation.base | ordinal,
      source: Vertex(id: Int64(vertexTables[relation.source].stored) << 56 | Int64(ends.source[Int(ordinal)])),
      target: Vertex(id: Int64(vertexTables[relation.destination].stored) << 56 | Int64(ends.destination[Int(ordinal)]))
    )
  }

  /// Visits the edges at a vertex: the outgoing ones first, a loop once in each direction.
  public func scanEdges(
    at vertex: Vertex, _ direction: EdgeDirection, labels: [Int]?, _ body: (Edge) throws(QueryError) -> Bool
  ) throws(QueryError) {
    guard let table = table(of: vertex) else { return }
    var goesOn = true
    func visit(_ relations: [Relation], outgoing: Bool) throws(QueryError) {
      for label in labels ?? Array(edgeLabels.indices) {
        for relation in relations where relation.label == label {
          try scan(relation, at: vertex, outgoing: outgoing) { (edge: Edge) throws(QueryError) in
            goesOn = try body(edge)
            return goesOn
          }
          guard goesOn else { return }
        }
      }
    }
    if direction != .in { try visit(table.out, outgoing: true) }
    if direction != .out, goesOn { try visit(table.in, outgoing: false) }
  }

  /// Visits the edges of a relation that begin (or end) at a vertex. In an undirected graph a row holds the edges at both of
  /// their ends; an edge counts as beginning where it was loaded with its source.
  private func scan(
    _ relation: Relation, at vertex: Vertex, outgoing: Bool, _ body: (Edge) throws(QueryError) -> Bool
  ) throws(QueryError) {
    let adjacency = outgoing ? relation.outgoing : relation.incoming
    let row = Int(vertex.position)
    let otherBase = Int64(vertexTables[outgoing ? relation.destination : relation.source].stored) << 56
    var loops: Set<UInt32> = []
    for entry in Int(adjacency.offsets[row])..<Int(adjacency.offsets[row + 1]) {
      let ordinal = adjacency.edges[entry]
      if !graph.options.isDirected {
        let ends = graph.endpoints(label: edgeTables[relation.label].stored, relation: relation.number)
        guard Int((outgoing ? ends.source : ends.destination)[Int(ordinal)]) == row else { continue }
        // A loop is twice in its row.
        if ends.source[Int(ordinal)] == ends.destination[Int(ordinal)], relation.source == relation.destination,
          !loops.insert(ordinal).inserted
        {
          continue
        }
      }
      let other = Vertex(id: otherBase | Int64(adjacency.neighbours[entry]))
      guard
        try body(
          Edge(
            id: relation.base | Int64(ordinal), source: outgoing ? vertex : other, target: outgoing ? other : vertex))
      else { return }
    }
  }

  /// The number of edges that a scan at the vertex visits.
  public func degree(of vertex: Vertex, _ direction: EdgeDirection, labels: [Int]?) -> Int {
    guard let table = table(of: vertex) else { return 0 }
    let row = Int(vertex.position)
    guard graph.options.isDirected else {
      var count = 0
      try? scanEdges(at: vertex, direction, labels: labels) { _ in
        count += 1
        return true
      }
      return count
    }
    func sum(_ relations: [Relation], _ adjacency: (Relation) -> Adjacency) -> Int {
      relations.reduce(0) { labels?.contains($1.label) ?? true ? $0 + adjacency($1).degree(row) : $0 }
    }
    return (direction == .in ? 0 : sum(table.out, \.outgoing)) + (direction == .out ? 0 : sum(table.in, \.incoming))
  }

  // MARK: - Identifiers and indexes

  /// The vertex with an identifier; nil if there is none.
  public func vertex(id: Int64) -> Vertex? {
    let vertex = Vertex(id: id)
    guard let table = table(of: vertex), vertex.position < graph.vertexCount(label: table.stored) else { return nil }
    return vertex
  }

  /// The edge with an identifier; nil if there is none.
  public func edge(id: Int64) -> Edge? {
    guard let (relation, ordinal) = relation(ofEdge: id), ordinal < relation.count else { return nil }
    return edge(relation, ordinal)
  }

  /// The vertices with a label whose property equals a value, found by an index; nil if there is no index for it.
  public func vertices(label: Int, key: Int, value: Value) -> [Vertex]? {
    let table = vertexTables[label]
    guard table.idKey == key else { return nil }
    let id: VertexID
    switch value {
    case .string(let text): id = .string(text)
    case .integer(let number): id = .int64(number)
    case .integer32(let number): id = .int64(Int64(number))
    case .float(let number):
      guard let whole = Int64(exactly: number) else { return [] }
      id = .int64(whole)
    default: return []
    }
    return graph.vertexNumber(label: table.stored, id: id).map { [Vertex(id: Int64(table.stored) << 56 | Int64($0))] }
      ?? []
  }

  private func table(of vertex: Vertex) -> VertexTable? {
    let stored = Int(truncatingIfNeeded: UInt64(bitPattern: vertex.id) >> 56)
    guard visibleVertexLabels.indices.contains(stored), let label = visibleVertexLabels[stored] else { return nil }
    return vertexTables[label]
  }

  private func relation(ofEdge id: Int64) -> (Relation, Int64)? {
    let stored = Int(truncatingIfNeeded: UInt64(bitPattern: id) >> 56)
    guard visibleEdgeLabels.indices.contains(stored), let label = visibleEdgeLabels[stored] else { return nil }
    let number = Int(id >> 40 & 0xffff)
    return edgeTables[label].relations.first { $0.number == number }.map { ($0, id & 0xff_ffff_ffff) }
  }

  // MARK: - Labels and properties

  /// The numbers of the labels of a vertex.
  public func labels(of vertex: Vertex) -> [Int] {
    visibleVertexLabels[Int(truncatingIfNeeded: UInt64(bitPattern: vertex.id) >> 56)].map { [$0] } ?? []
  }

  /// The number of the label of an edge.
  public func label(of edge: Edge) -> Int {
    visibleEdgeLabels[Int(truncatingIfNeeded: UInt64(bitPattern: edge.id) >> 56)] ?? 0
  }

  /// A property of a vertex; null if it has none of this key.
  public func property(_ key: Int, of vertex: Vertex) -> Value {
    table(of: vertex)?.columns[key].map { $0.value(at: Int(vertex.position)) } ?? .null
  }

  /// A property of an edge; null if it has none of this key.
  public func property(_ key: Int, of edge: Edge) -> Value {
    guard let (relation, ordinal) = relation(ofEdge: edge.id) else { return .null }
    return edgeTables[relation.label].columns[relation.number]?[key].map { $0.value(at: Int(ordinal)) } ?? .null
  }

  /// The properties of a vertex that are not null, by key.
  public func properties(of vertex: Vertex) -> [(key: Int, value: Value)] {
    guard let table = table(of: vertex) else { return [] }
    return table.columns.sorted { $0.key < $1.key }.map { ($0.key, $0.value.value(at: Int(vertex.position))) }
  }

  /// The properties of an edge that are not null, by key.
  public func properties(of edge: Edge) -> [(key: Int, value: Value)] {
    guard let (relation, ordinal) = relation(ofEdge: edge.id) else { return [] }
    let columns = edgeTables[relation.label].columns[relation.number] ?? [:]
    return columns.sorted { $0.key < $1.key }.map { ($0.key, $0.value.value(at: Int(ordinal))) }
  }
}

/// Numbers for the names of properties.
private struct KeyNumbers {
  private(set) var names: [String] = []
  private var numbers: [String: Int] = [:]

  mutating func number(of name: String) -> Int {
    if let known = numbers[name] { return known }
    numbers[name] = names.count
    names.append(name)
    return names.count - 1
  }
}

extension Vertex {
  /// The position among the vertices of the label.
  fileprivate var position: Int64 { id & 0xff_ffff_ffff_ffff }
}
