import NIOCore
import QueryValues

/// Writes values of results in PackStream, elements of the graph as the structures of a version of Bolt.
///
/// | structure | before 5.0 | from 5.0 on, also |
/// |---|---|---|
/// | node 0x4E | id, labels, properties | element id |
/// | relationship 0x52 | id, start id, end id, type, properties | element id, start and end element ids |
/// | unbound relationship 0x72 | id, type, properties | element id |
/// | path 0x50 | nodes, unbound relationships, indexes | |
struct BoltValueEncoder {
  private let graph: any QueryGraph
  private let vertexLabels: [String]
  private let edgeLabels: [String]
  private let keys: [String]
  private let hasElementIDs: Bool
  private let isUTC: Bool
  private let maximumNesting: Int

  init(_ graph: any QueryGraph, hasElementIDs: Bool, isUTC: Bool, maximumNesting: Int) {
    self.graph = graph
    vertexLabels = graph.vertexLabels
    edgeLabels = graph.edgeLabels
    keys = graph.propertyKeys
    self.hasElementIDs = hasElementIDs
    self.isUTC = isUTC
    self.maximumNesting = maximumNesting
  }

  /// Writes the message RECORD.
  func record(_ row: [Value], into bytes: inout ByteBuffer) throws(QueryError) {
    bytes.packStructure(BoltResponse.recordTag, 1)
    bytes.packList(row.count)
    for value in row { try encode(value, 0, into: &bytes) }
  }

  /// Writes another message.
  func message(_ response: BoltResponse, into bytes: inout ByteBuffer) throws(QueryError) {
    guard let metadata = response.metadata else { return bytes.packStructure(response.tag, 0) }
    bytes.packStructure(response.tag, 1)
    bytes.packMap(metadata.count)
    for (key, value) in metadata {
      bytes.pack(key)
      try encode(value, 0, into: &bytes)
    }
  }

  private func encode(_ value: Value, _ depth: Int, into bytes: inout ByteBuffer) throws(QueryError) {
    guard depth <= maximumNesting else {
      throw QueryError(.memory, "A value of the result is nested more than \(maximumNesting) deep; return its parts")
    }
    switch value {
    case .null: bytes.packNull()
    case .boolean(let value): bytes.pack(value)
    case .integer(let value): bytes.pack(value)
    case .integer32(let value): bytes.pack(Int64(value))
    case .float(let value): bytes.pack(value)
    case .float32(let value): bytes.pack(Double(value))
    case .string(let text): bytes.pack(text)
    case .token(let token): bytes.pack(token.rawValue)
    case .temporal(let temporal): BoltTemporal.encode(temporal, isUTC: isUTC, into: &bytes)
    case .list(let elements), .set(let elements):
      bytes.packList(elements.count)
      for element in elements { try encode(element, depth + 1, into: &bytes) }
    case .map(let map): try encode(map, depth, into: &bytes)
    case .property(let property):
      bytes.packMap(1)
      bytes.pack(property.key)
      try encode(property.value, depth + 1, into: &bytes)
    case .vertex(let vertex): try encode(vertex, depth, into: &bytes)
    case .edge(let edge): try encode(edge, depth, into: &bytes)
    case .path(let path): try encode(path, depth, into: &bytes)
    }
  }

  private func encode(_ map: ValueMap, _ depth: Int, into bytes: inout ByteBuffer) throws(QueryError) {
    bytes.packMap(map.count)
    for (key, value) in map.entries {
      guard case .string(let key) = key else {
        throw QueryError(.type, "A map of the result has a key that is not text; return its keys and values as lists")
      }
      bytes.pack(key)
      try encode(value, depth + 1, into: &bytes)
    }
  }

  // MARK: Elements

  private func encode(_ vertex: Vertex, _ depth: Int, into bytes: inout ByteBuffer) throws(QueryError) {
    bytes.packStructure(0x4e, hasElementIDs ? 4 : 3)
    bytes.pack(vertex.id)
    let labels = graph.labels(of: vertex)
    bytes.packList(labels.count)
    for label in labels { bytes.pack(vertexLabels[label]) }
    try encode(graph.properties(of: vertex), depth, into: &bytes)
    if hasElementIDs { bytes.pack(String(vertex.id)) }
  }

  private func encode(_ edge: Edge, _ depth: Int, into bytes: inout ByteBuffer) throws(QueryError) {
    bytes.packStructure(0x52, hasElementIDs ? 8 : 5)
    bytes.pack(edge.id)
    bytes.pack(edge.source.id)
    bytes.pack(edge.target.id)
    bytes.pack(edgeLabels[graph.label(of: edge)])
    try encode(graph.properties(of: edge), depth, into: &bytes)
    guard hasElementIDs else { return }
    for id in [edge.id, edge.source.id, edge.target.id] { bytes.pack(String(id)) }
  }

  private func encodeUnbound(_ edge: Edge, _ depth: Int, into bytes: inout ByteBuffer) throws(QueryError) {
    bytes.packStructure(0x72, hasElementIDs ? 4 : 3)
    bytes.pack(edge.id)
    bytes.pack(edgeLabels[graph.label(of: edge)])
    try encode(graph.properties(of: edge), depth, into: &bytes)
    if hasElementIDs { bytes.pack(String(edge.id)) }
  }

  private func encode(_ properties: [(key: Int, value: Value)], _ depth: Int, into bytes: inout ByteBuffer)
    throws(QueryError)
  {
    bytes.packMap(properties.count)
    for (key, value) in properties {
      bytes.pack(keys[key])
      try encode(value, depth + 1, into: &bytes)
    }
  }

  /// Writes a path: its distinct nodes, its distinct relationships, and for each step the number of the relationship, from 1,
  /// negative if it is walked against its direction, and the number of the node, from 0.
  private func encode(_ path: Path, _ depth: Int, into bytes: inout ByteBuffer) throws(QueryError) {
    guard let walk = BoltWalk(path) else {
      throw QueryError(
        .type, "A path of the result does not alternate between nodes and relationships; return its parts")
    }
    bytes.packStructure(0x50, 3)
    bytes.packList(walk.nodes.count)
    for node in walk.nodes { try encode(node, depth + 1, into: &bytes) }
    bytes.packList(walk.relationships.count)
    for relationship in walk.relationships { try encodeUnbound(relationship, depth + 1, into: &bytes) }
    bytes.packList(walk.indexes.count)
    for index in walk.indexes { bytes.pack(Int64(index)) }
  }
}

/// The parts of a path as Bolt numbers them.
private struct BoltWalk {
  private(set) var nodes: [Vertex] = []
  private(set) var relationships: [Edge] = []
  private(set) var indexes: [Int] = []

  init?(_ path: Path) {
    guard case .vertex(var current)? = path.objects.first, path.objects.count % 2 == 1 else { return nil }
    nodes = [current]
    var nodeNumbers = [current: 0]
    var relationshipNumbers: [Int64: Int] = [:]
    for position in stride(from: 1, to: path.objects.count, by: 2) {
      guard case .edge(let edge) = path.objects[position], case .vertex(let next) = path.objects[position + 1] else {
        return nil
      }
      let number = relationshipNumbers[edge.id] ?? relationships.count + 1
      if number > relationships.count { relationships.append(edge) }
      relationshipNumbers[edge.id] = number
      indexes.append(edge.source == current && edge.target == next ? number : -number)
      let nodeNumber = nodeNumbers[next] ?? nodes.count
      if nodeNumber == nodes.count { nodes.append(next) }
      nodeNumbers[next] = nodeNumber
      indexes.append(nodeNumber)
      current = next
    }
  }
}
