import DynamicGraphs
import Engines
import JSON
import Vocabulary
import Wire
import Workers

extension EmbeddedAnalyticalEngine {
  /// Answers a report on a graph of graphscope.nx.
  func report(_ operation: Operation, on object: DynamicObject) async throws -> [UInt8] {
    guard let number = operation.arguments[.reportType]?.integer,
      let type = ReportType(rawValue: Int32(clamping: number))
    else { throw EngineError(.invalidArgument, "REPORT_GRAPH: REPORT_TYPE is missing or unknown") }
    let isLarge = type.isBatch || object.size == .max
    return try await working(on: isLarge ? object.size : 0) { [storage] cancellation in
      try object.read(cancellation) { graph in
        // A batch is about as large as the graph in memory.
        let memory = try StorageReservation(type.isBatch ? graph.byteCount : 0, as: .memory, from: storage)
        return try withExtendedLifetime(memory) {
          try DynamicReport(graph: graph, operation: operation, cancellation: cancellation).answer(type)
        }
      }
    }
  }
}

extension ReportType {
  /// Whether the report returns many nodes.
  fileprivate var isBatch: Bool {
    switch self {
    case .nodeIDCacheByGID, .nodeAttrCacheByGID, .succByGID, .predByGID, .succAttrByGID, .predAttrByGID: true
    default: false
    }
  }
}

/// A question about a graph. Answers are MessagePack or JSON, as clients expect of each.
private struct DynamicReport {
  let graph: DynamicGraph
  let operation: Operation
  let cancellation: Cancellation

  /// The number of nodes in a batch, as in GraphScope.
  private static let batchNodes = 1_000_000

  func answer(_ type: ReportType) throws -> [UInt8] {
    switch type {
    case .nodeNum: return ResultArchive.count(Int64(graph.nodeCount))
    case .edgeNum: return ResultArchive.count(2 * Int64(graph.edgeCount))
    case .selfloopsNum: return ResultArchive.count(Int64(graph.loopCount))
    case .hasNode:
      let node = try NodeID.requested(try operation.text(.node))
      return ResultArchive.flag(node.map { graph.contains($0) } ?? false)
    case .hasEdge:
      let (source, target) = try NodeID.requestedEdge(try operation.text(.edge))
      return ResultArchive.flag(graph.containsEdge(source, target))
    case .nodeData:
      let place = try place()
      return packed { $0.write(graph.node(at: place)?.attributes ?? []) }
    case .edgeData:
      let (source, target) = try NodeID.requestedEdge(try operation.text(.edge))
      guard let attributes = graph.attributes(ofEdge: source, target) else {
        throw missing("edge (\(source.json.encoded), \(target.json.encoded))")
      }
      return document(.object(attributes))
    case .succsByNode: return try neighbours(.outgoing)
    case .predsByNode: return try neighbours(.incoming)
    case .succAttrByNode: return try neighbourAttributes(.outgoing)
    case .predAttrByNode: return try neighbourAttributes(.incoming)
    case .nodeIDCacheByGID: return try nodeIDs()
    case .nodeAttrCacheByGID: return try batch { $0.write($1.attributes) }
    case .succByGID: return try batch { write(neighboursOf: $1.place, .outgoing, to: &$0) }
    case .predByGID: return try batch { write(neighboursOf: $1.place, .incoming, to: &$0) }
    case .succAttrByGID: return try batch { write(attributesAt: $1.place, .outgoing, to: &$0) }
    case .predAttrByGID: return try batch { write(attributesAt: $1.place, .incoming, to: &$0) }
    }
  }

  // MARK: One node

  private func place() throws -> Int {
    let text = try operation.text(.node)
    guard let place = try NodeID.requested(text).flatMap({ graph.place(of: $0) }) else { throw missing("node \(text)") }
    return place
  }

  private func missing(_ what: String) -> EngineError {
    EngineError(.unknownName, "\(String(what.prefix(200))) is not in the graph")
  }

  private func neighbours(_ direction: DynamicGraph.Direction) throws -> [UInt8] {
    let place = try place()
    return packed { write(neighboursOf: place, direction, to: &$0) }
  }

  private func neighbourAttributes(_ direction: DynamicGraph.Direction) throws -> [UInt8] {
    var attributes: [JSONValue] = []
    graph.forEachNeighbour(of: try place(), direction) { attributes.append(.object($1)) }
    return document(.array(attributes))
  }

  private func packed(_ body: (inout MessagePackWriter) -> Void) -> [UInt8] {
    var writer = MessagePackWriter()
    body(&writer)
    return ResultArchive.document(writer.bytes)
  }

  private func document(_ value: JSONValue) -> [UInt8] { ResultArchive.document(Array(value.encoded.utf8)) }

  // MARK: Batches

  /// The places of the nodes in the requested batch, the number of the batch, and that of the next one: the first one, if there
  /// is none. Clients ask for further batches only while nodes are missing.
  private func places() throws -> (places: Range<Int>, first: UInt64, next: UInt64) {
    let first: UInt64
    switch operation.arguments[.gid] {
    case .uint(let number)?: first = number
    case .int(let number)? where number >= 0: first = UInt64(number)
    default: throw EngineError(.invalidArgument, "REPORT_GRAPH: GID is missing")
    }
    let all = graph.nodePlaces
    guard first <= UInt64(all.upperBound) else {
      throw EngineError(.invalidArgument, "REPORT_GRAPH: no batch begins at GID \(first)")
    }
    let end = min(all.upperBound, Int(first) + Self.batchNodes)
    return (Int(first)..<end, first, end == all.upperBound ? 0 : UInt64(end))
  }

  private func nodes(in places: Range<Int>) throws -> [(place: Int, id: NodeID, attributes: Attributes)] {
    try cancellation.check()
    return places.compactMap { place in graph.node(at: place).map { (place, $0.id, $0.attributes) } }
  }

  private func nodeIDs() throws -> [UInt8] {
    let (places, _, next) = try places()
    let nodes = try nodes(in: places)
    var writer = MessagePackWriter()
    writer.array(nodes.count)
    for node in nodes { writer.write(node.id) }
    return ResultArchive.batch(vertex: next, count: UInt32(nodes.count), writer.bytes)
  }

  private func batch(
    _ write: (inout MessagePackWriter, (place: Int, id: NodeID, attributes: Attributes)) -> Void
  ) throws -> [UInt8] {
    let (places, first, _) = try places()
    let nodes = try nodes(in: places)
    var writer = MessagePackWriter()
    writer.array(nodes.count)
    for (index, node) in nodes.enumerated() {
      if index % 4096 == 0 { try cancellation.check() }
      write(&writer, node)
    }
    return ResultArchive.batch(vertex: first, writer.bytes)
  }

  private func write(neighboursOf place: Int, _ direction: DynamicGraph.Direction, to writer: inout MessagePackWriter) {
    writer.array(graph.degree(of: place, direction))
    graph.forEachNeighbour(of: place, direction) { id, _ in writer.write(id) }
  }

  private func write(attributesAt place: Int, _ direction: DynamicGraph.Direction, to writer: inout MessagePackWriter) {
    writer.array(graph.degree(of: place, direction))
    graph.forEachNeighbour(of: place, direction) { _, attributes in writer.write(attributes) }
  }
}

extension MessagePackWriter {
  /// Writes an id; a tuple is an array.
  fileprivate mutating func write(_ id: NodeID) {
    switch id {
    case .null: null()
    case .bool(let value): bool(value)
    case .integer(let value): int(value)
    case .double(let value): double(value)
    case .text(let text): string(text)
    case .tuple(let elements):
      array(elements.count)
      for element in elements { write(element) }
    }
  }

  fileprivate mutating func write(_ attributes: Attributes) {
    map(attributes.count)
    for (key, value) in attributes {
      string(key)
      write(value)
    }
  }

  private mutating func write(_ value: JSONValue) {
    switch value {
    case .null: null()
    case .bool(let value): bool(value)
    case .integer(let value): int(value)
    case .double(let value): double(value)
    case .string(let text): string(text)
    case .array(let elements):
      array(elements.count)
      for element in elements { write(element) }
    case .object(let members): write(members)
    }
  }
}
