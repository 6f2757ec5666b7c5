import AnalyticsKernels
import Engines
import GraphStore
import JSON
import Synchronization
import Vocabulary
import Wire
import Workers

extension EmbeddedAnalyticalEngine {
  /// Answers a question of the client's networkx library about a property graph.
  func reportGraph(_ operation: Operation, _ inputs: [ObjectHandle]) async throws -> AnalyticalResult {
    let view = try propertyGraph(inputs, for: "REPORT_GRAPH")
    let arguments = operation.arguments
    guard let number = arguments[.reportType]?.integer,
      let type = Int32(exactly: number).flatMap({ ReportType(rawValue: $0) })
    else { throw EngineError(.invalidArgument, "REPORT_GRAPH: REPORT_TYPE is missing or unknown") }
    let report = GraphReport(view, defaultLabel: arguments[.defaultLabelID]?.integer.flatMap { Int(exactly: $0) })
    let question = GraphReport.Question(
      type: type, node: try operation.optionalText(.node), edge: try operation.optionalText(.edge),
      first: arguments[.gid]?.integer ?? 0)
    if type.isOfOneNode { return .archive(try report.answer(question, ExportBounds(storage: storage))) }
    return .archive(
      try await pool.run(storage: storage, threads: threads) {
        try report.answer(question, ExportBounds(storage: $0.storage, cancellation: $0.cancellation))
      })
  }
}

extension ReportType {
  /// Whether it takes less time to answer than switching threads.
  fileprivate var isOfOneNode: Bool {
    switch self {
    case .nodeNum, .hasNode, .hasEdge, .nodeData, .edgeData, .succsByNode, .predsByNode, .succAttrByNode,
      .predAttrByNode:
      true
    case .edgeNum, .selfloopsNum, .nodeIDCacheByGID, .nodeAttrCacheByGID, .succByGID, .predByGID, .succAttrByGID,
      .predAttrByGID:
      false
    }
  }
}

/// A property graph as the client's networkx library sees it: one set of nodes, at most one edge between two of them in each
/// direction. Of parallel edges, it shows the last one.
///
/// Nodes of the default label are ids; other nodes are pairs of a label and an id. Requests name nodes by the label's number and
/// the id. Forms of answers are described in the contract ("client-behaviour", 10.3).
struct GraphReport {
  /// A question.
  struct Question {
    var type: ReportType
    /// A node in JSON.
    var node: String?
    /// Two nodes in JSON.
    var edge: String?
    /// The number of the first node of a batch, counted over all visible labels.
    var first: Int64
  }

  /// A vertex by the ids of its label and its number.
  struct Node: Hashable {
    var label: Int
    var number: Int
  }

  let graph: PropertyGraph
  let schema: GraphSchema
  let defaultLabel: Int?

  /// The greatest number of nodes in a batch.
  static let batch = 1 << 17

  init(_ view: PropertyView, defaultLabel: Int?) {
    (graph, schema, self.defaultLabel) = (view.stored.graph, view.schema, defaultLabel)
  }

  /// Returns the archive that answers a question.
  /// - Throws: `EngineError` for a question about a node or an edge that does not exist, or that cannot be read.
  func answer(_ question: Question, _ bounds: ExportBounds) throws -> [UInt8] {
    switch question.type {
    case .nodeNum: return ResultArchive.count(Int64(nodeCount))
    case .edgeNum: return ResultArchive.count(Int64(2 * (try edgeCount(bounds))))
    case .selfloopsNum: return ResultArchive.count(Int64(try loopCount(bounds)))
    case .hasNode: return ResultArchive.flag(try node(question.node) != nil)
    case .hasEdge:
      let (source, destination) = try ends(question.edge)
      guard let source, let destination else { return ResultArchive.flag(false) }
      return ResultArchive.flag(edge(source, destination) != nil)
    case .nodeData: return ResultArchive.document(attributes(of: try existing(question.node)))
    case .edgeData:
      let (source, destination) = try ends(question.edge)
      guard let source, let destination, let edge = edge(source, destination) else {
        throw EngineError(.unknownName, "the graph has no edge \(question.edge ?? "")")
      }
      return ResultArchive.document(Array(json(edge).utf8))
    case .succsByNode, .predsByNode:
      var writer = MessagePackWriter()
      write(neighbours(try existing(question.node), question.type == .predsByNode), &writer)
      return ResultArchive.document(writer.bytes)
    case .succAttrByNode, .predAttrByNode:
      let edges = neighbours(try existing(question.node), question.type == .predAttrByNode)
      return ResultArchive.document(Array(("[" + edges.map(json).joined(separator: ",") + "]").utf8))
    case .nodeIDCacheByGID, .nodeAttrCacheByGID, .succByGID, .predByGID, .succAttrByGID, .predAttrByGID:
      return try batch(question, bounds)
    }
  }

  private func batch(_ question: Question, _ bounds: ExportBounds) throws -> [UInt8] {
    guard let first = Int(exactly: question.first), (0...nodeCount).contains(first) else {
      throw EngineError(.invalidArgument, "GID is \(question.first), which is not the number of a node")
    }
    let nodes = first..<min(nodeCount, first + Self.batch)
    var writer = MessagePackWriter()
    writer.array(nodes.count)
    for (place, node) in self.nodes(nodes).enumerated() {
      if place % 1024 == 0 { try bounds.cancellation.check() }
      switch question.type {
      case .nodeIDCacheByGID: write(node, &writer)
      case .nodeAttrCacheByGID: write(attributesOf: node, &writer)
      case .succByGID: write(neighbours(node, false), &writer)
      case .predByGID: write(neighbours(node, true), &writer)
      case .succAttrByGID: write(attributesOf: neighbours(node, false), &writer)
      default: write(attributesOf: neighbours(node, true), &writer)
      }
    }
    let memory = try bounds.storage.reserve(2 * writer.bytes.count)
    defer { withExtendedLifetime(memory) {} }
    guard question.type == .nodeIDCacheByGID else {
      return ResultArchive.batch(vertex: UInt64(first), writer.bytes)
    }
    // After the last batch, iteration begins again with the first.
    let next = nodes.upperBound == nodeCount ? 0 : nodes.upperBound
    return ResultArchive.batch(vertex: UInt64(next), count: UInt32(nodes.count), writer.bytes)
  }

  // MARK: Nodes

  private var nodeCount: Int { schema.validVertexLabels.reduce(0) { $0 + graph.vertexCount(label: $1) } }

  /// Returns nodes by their numbers, counted over all visible labels.
  private func nodes(_ range: Range<Int>) -> some Sequence<Node> {
    var first = 0
    return schema.validVertexLabels.flatMap { label -> [Node] in
      let count = graph.vertexCount(label: label)
      defer { first += count }
      let own = range.clamped(to: first..<first + count)
      let start = first
      return own.map { Node(label: label, number: $0 - start) }
    }
  }

  /// Returns the node that a request names; nil if there is none.
  private func node(_ text: String?) throws(EngineError) -> Node? {
    guard let text, let value = try? JSONValue(parsing: text) else {
      throw EngineError(.invalidArgument, "REPORT_GRAPH: NODE is missing or is not JSON")
    }
    return node(value)
  }

  private func node(_ value: JSONValue) -> Node? {
    var (label, id) = (defaultLabel, value)
    if let parts = value.elements {
      guard parts.count == 2, case .integer(let number) = parts[0] else { return nil }
      (label, id) = (Int(exactly: number), parts[1])
    }
    guard let label, schema.vertexLabels.indices.contains(label), schema.vertexLabels[label].isValid else { return nil }
    let number: VertexNumber? =
      switch id {
      case .integer(let id): graph.vertexNumber(label: label, id: .int64(id))
      case .string(let id): graph.vertexNumber(label: label, id: .string(id))
      default: nil
      }
    return number.map { Node(label: label, number: Int($0)) }
  }

  private func existing(_ text: String?) throws(EngineError) -> Node {
    if let node = try node(text) { return node }
    throw EngineError(.unknownName, "the graph has no node \(text ?? "")")
  }

  private func ends(_ text: String?) throws(EngineError) -> (Node?, Node?) {
    guard let text, let parts = (try? JSONValue(parsing: text))?.elements, parts.count == 2 else {
      throw EngineError(.invalidArgument, "REPORT_GRAPH: EDGE is missing or is not a pair of nodes in JSON")
    }
    return (node(parts[0]), node(parts[1]))
  }

  private func write(_ node: Node, _ writer: inout MessagePackWriter) {
    if node.label != defaultLabel {
      writer.array(2)
      writer.string(schema.vertexLabels[node.label].name)
    }
    switch graph.ids(label: node.label) {
    case .int64(let ids): writer.int(ids[node.number])
    case .string(let ids): writer.string(ids[node.number].assumingMemoryBound(to: UInt8.self))
    }
  }

  private func attributes(of node: Node) -> [UInt8] {
    var writer = MessagePackWriter()
    write(attributesOf: node, &writer)
    return writer.bytes
  }

  private func write(attributesOf node: Node, _ writer: inout MessagePackWriter) {
    let label = schema.vertexLabels[node.label]
    // The id is the node itself.
    let shown = label.properties.validIndices.filter { $0 != label.idProperty }
    writer.map(shown.count)
    for property in shown {
      writer.string(label.properties[property].name)
      graph.vertexColumn(label: node.label, property: property).write(node.number, &writer)
    }
  }

  // MARK: Edges

  /// An edge from a node, with the node at its other end.
  struct Edge {
    var label: Int
    var relation: Int
    var ordinal: Int
    var neighbour: Node
  }

  /// The rows of one relation in one direction, which lead to nodes of one label.
  private struct Piece {
    let label: Int
    let relation: Int
    let rows: Adjacency
    let neighbours: Int

    func edge(_ entry: Int) -> Edge {
      Edge(
        label: label, relation: relation, ordinal: Int(rows.edges[entry]),
        neighbour: Node(label: neighbours, number: Int(rows.neighbours[entry])))
    }
  }

  /// Returns the rows of visible relations of a label, of outgoing or incoming edges; both are the same in an undirected graph.
  private func pieces(_ vertexLabel: Int, _ incoming: Bool) -> [Piece] {
    var pieces: [Piece] = []
    for label in schema.validEdgeLabels {
      for (relation, ends) in schema.edgeLabels[label].relations.enumerated() where schema.isValid(ends) {
        let isUndirected = !graph.options.isDirected
        if ends.source == vertexLabel, !incoming || isUndirected {
          pieces.append(
            Piece(
              label: label, relation: relation, rows: graph.outgoing(label: label, relation: relation),
              neighbours: ends.destination))
        }
        let isAnother = isUndirected && ends.source != ends.destination
        if ends.destination == vertexLabel, incoming && !isUndirected || isAnother {
          pieces.append(
            Piece(
              label: label, relation: relation, rows: graph.incoming(label: label, relation: relation),
              neighbours: ends.source))
        }
      }
    }
    return pieces
  }

  /// Returns one edge to each neighbour of a node, in the order in which neighbours first appear.
  private func neighbours(_ node: Node, _ incoming: Bool) -> [Edge] {
    var edges: [Edge] = []
    var places: [Node: Int] = [:]
    for piece in pieces(node.label, incoming) {
      for entry in piece.rows.row(node.number) {
        let edge = piece.edge(entry)
        // Within a piece, entries of the same neighbour are consecutive.
        if let last = edges.last, last.neighbour == edge.neighbour {
          edges[edges.count - 1] = edge
        } else if let place = places[edge.neighbour] {
          edges[place] = edge
        } else {
          places[edge.neighbour] = edges.count
          edges.append(edge)
        }
      }
    }
    return edges
  }

  /// Returns the edge from one node to another; the last one if there are several.
  private func edge(_ source: Node, _ destination: Node) -> Edge? {
    var found: Edge?
    for piece in pieces(source.label, false) where piece.neighbours == destination.label {
      let row = piece.rows.row(source.number)
      let wanted = VertexNumber(destination.number)
      // Rows are in ascending order of neighbours.
      var (low, high) = (row.lowerBound, row.upperBound)
      while low < high {
        let middle = (low + high) / 2
        if piece.rows.neighbours[middle] <= wanted { low = middle + 1 } else { high = middle }
      }
      if low > row.lowerBound, piece.rows.neighbours[low - 1] == wanted { found = piece.edge(low - 1) }
    }
    return found
  }

  /// Returns the number of pairs of nodes joined by an edge; pairs are ordered in a directed graph.
  private func edgeCount(_ bounds: ExportBounds) throws -> Int {
    let isSimple = !graph.hasParallelEdges && !hasSeveralRelationsBetweenLabels
    if isSimple {
      return schema.validEdgeLabels.reduce(0) { sum, label in
        schema.edgeLabels[label].relations.indices.reduce(sum) {
          schema.isValid(schema.edgeLabels[label].relations[$1]) ? $0 + graph.edgeCount(label: label, relation: $1) : $0
        }
      }
    }
    var (entries, loops) = (0, 0)
    for (place, node) in nodes(0..<nodeCount).enumerated() {
      if place % 1024 == 0 { try bounds.cancellation.check() }
      for edge in neighbours(node, false) {
        entries += 1
        if edge.neighbour == node { loops += 1 }
      }
    }
    return graph.options.isDirected ? entries : (entries + loops) / 2
  }

  /// Whether the same two labels are joined by two visible relations, whose edges may be parallel.
  private var hasSeveralRelationsBetweenLabels: Bool {
    var seen: Set<[Int]> = []
    for label in schema.validEdgeLabels {
      for ends in schema.edgeLabels[label].relations where schema.isValid(ends) {
        let pair = [ends.source, ends.destination]
        if !seen.insert(graph.options.isDirected ? pair : pair.sorted()).inserted { return true }
      }
    }
    return false
  }

  private func loopCount(_ bounds: ExportBounds) throws -> Int {
    var loops: Set<Node> = []
    for label in schema.validEdgeLabels {
      for (relation, ends) in schema.edgeLabels[label].relations.enumerated()
      where schema.isValid(ends) && ends.source == ends.destination {
        let (sources, destinations) = graph.endpoints(label: label, relation: relation)
        for edge in sources.indices where sources[edge] == destinations[edge] {
          loops.insert(Node(label: ends.source, number: Int(sources[edge])))
        }
        try bounds.cancellation.check()
      }
    }
    return loops.count
  }

  private func write(_ edges: [Edge], _ writer: inout MessagePackWriter) {
    writer.array(edges.count)
    for edge in edges { write(edge.neighbour, &writer) }
  }

  private func write(attributesOf edges: [Edge], _ writer: inout MessagePackWriter) {
    writer.array(edges.count)
    for edge in edges {
      let properties = schema.edgeLabels[edge.label].properties
      let shown = properties.validIndices
      writer.map(shown.count)
      for property in shown {
        writer.string(properties[property].name)
        column(edge, property).write(edge.ordinal, &writer)
      }
    }
  }

  private func json(_ edge: Edge) -> String {
    let properties = schema.edgeLabels[edge.label].properties
    let members = properties.validIndices.map { property in
      JSONValue.string(properties[property].name).encoded + ":" + column(edge, property).json(edge.ordinal)
    }
    return "{" + members.joined(separator: ",") + "}"
  }

  private func column(_ edge: Edge, _ property: Int) -> Column {
    graph.edgeColumn(label: edge.label, relation: edge.relation, property: property)
  }
}
