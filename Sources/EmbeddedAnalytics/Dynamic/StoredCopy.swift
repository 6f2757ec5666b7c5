import DynamicGraphs
import Engines
import GraphStore
import JSON
import Workers

/// The form in which a stored copy of a graph of graphscope.nx has the ids of nodes.
enum CopiedIDs {
  /// All are equal to integers.
  case integers
  /// All are texts, or, if `isMixed`, all others are JSON.
  case texts(isMixed: Bool)

  init(of graph: DynamicGraph) {
    var (integers, texts) = (0, 0)
    graph.forEachNode { id, _ in
      if id.integer != nil { integers += 1 }
      if case .text = id { texts += 1 }
    }
    self = integers == graph.nodeCount ? .integers : .texts(isMixed: texts < graph.nodeCount)
  }

  var type: GraphOptions.IDType { if case .integers = self { .int64 } else { .string } }

  /// Returns a column of ids.
  func column(_ ids: [NodeID], _ name: String, _ files: ColumnFiles) throws -> Column {
    switch self {
    case .integers: try files.numbers(name, .int64, ids.map { $0.integer ?? 0 })
    case .texts: try files.texts(name, ids.map(Self.text))
    }
  }

  private static func text(_ id: NodeID) -> String { if case .text(let text) = id { text } else { id.json.encoded } }

  /// Checks that different ids are different as texts.
  func check(_ ids: [NodeID]) throws(EngineError) {
    guard case .texts(isMixed: true) = self else { return }
    var known: [NodeID: NodeID] = [:]
    for id in ids {
      if let other = known.updateValue(id, forKey: .text(Self.text(id))) {
        throw EngineError(
          .engineFailure, "the nodes \(other.json.encoded) and \(id.json.encoded) would have the same id in the result",
          evidence: Self.text(id), hint: "Relabel the nodes, so that all are integers or all are texts")
      }
    }
  }
}

/// Copies a graph of graphscope.nx to a stored one with a single label of nodes and of edges, both named `_`.
struct StoredCopy {
  /// The attributes that become properties.
  enum Chosen {
    /// At most one of nodes and one of edges. Edges without it have the weight 1, as in networkx; nodes must have it.
    case projection(vertexProperty: String?, edgeProperty: String?)
    /// All. Where one is missing it is 0, NaN or an empty text, as in a table that lacks values.
    case all
  }

  let graph: DynamicGraph
  let chosen: Chosen
  let workers: Workers

  static let label = "_"

  /// Writes the copy to the directory `key` of a workspace.
  func write(_ workspace: String, key: String) throws -> PropertyGraph {
    let staging = "\(workspace)/\(key).tables"
    try makeDirectory(staging)
    defer { removeTree(staging) }
    let files = ColumnFiles(directory: staging, storage: workers.storage)
    let ids = CopiedIDs(of: graph)
    var builder = try GraphBuilder(
      directory: "\(workspace)/\(key)", extending: nil,
      options: GraphOptions(
        isDirected: graph.isDirected, idType: ids.type, generatesEdgeIDs: false, retainsIDs: false),
      workers: workers, progress: { _ in })
    try builder.addVertices(label: Self.label, table: try nodes(ids, files), id: .index(0))
    try workers.cancellation.check()
    try builder.addEdges(
      label: Self.label, sourceLabel: Self.label, destinationLabel: Self.label, table: try edges(ids, files),
      source: .index(0), destination: .index(1))
    return try builder.seal(durable: false)
  }

  private func nodes(_ ids: CopiedIDs, _ files: ColumnFiles) throws -> Table {
    var nodes: [NodeID] = []
    graph.forEachNode { id, _ in nodes.append(id) }
    try ids.check(nodes)
    let names: [String] =
      switch chosen {
      case .projection(let name, _): name.map { [$0] } ?? []
      case .all: self.names { body in graph.forEachNode { body($1) } }
      }
    let attributes = try names.compactMap { name in
      var column = AttributeColumn(name)
      try graph.forEachNode { id, attributes in
        try column.add(attributes) { "node \(String(id.json.encoded.prefix(100)))" }
      }
      return try column.column(files, missing: isAll ? (column.type == .double ? .nan : 0) : nil, of: "nodes")
    }
    return Table(columns: [try ids.column(nodes, "id", files)] + attributes, rowCount: graph.nodeCount)
  }

  private func edges(_ ids: CopiedIDs, _ files: ColumnFiles) throws -> Table {
    var ends: (sources: [NodeID], targets: [NodeID]) = ([], [])
    graph.forEachEdge { source, target, _ in
      ends.sources.append(source)
      ends.targets.append(target)
    }
    let names: [String] =
      switch chosen {
      case .projection(_, let name): name.map { [$0] } ?? []
      case .all: self.names { body in graph.forEachEdge { body($2) } }
      }
    let attributes = try names.compactMap { name in
      var column = AttributeColumn(name)
      try graph.forEachEdge { source, target, attributes in
        try column.add(attributes) {
          "edge (\(String(source.json.encoded.prefix(100))), \(String(target.json.encoded.prefix(100))))"
        }
      }
      let missing = isAll ? (column.type == .double ? .nan : 0) : column.type == .string ? nil : 1.0
      return try column.column(files, missing: missing, of: "edges")
    }
    let columns = [try ids.column(ends.sources, "src", files), try ids.column(ends.targets, "dst", files)]
    return Table(columns: columns + attributes, rowCount: graph.edgeCount)
  }

  private var isAll: Bool { if case .all = chosen { true } else { false } }

  /// The names of all attributes, in the order in which they first occur.
  private func names(_ each: ((Attributes) -> Void) -> Void) -> [String] {
    var known: Set<NodeID> = []
    var names: [String] = []
    each { attributes in
      for (name, _) in attributes where known.insert(.text(name)).inserted { names.append(name) }
    }
    return names
  }
}
