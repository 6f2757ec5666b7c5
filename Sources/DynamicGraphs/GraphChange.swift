import GraphStore
import JSON

/// A kind of change, as the client requests it. Batches are JSON arrays; a node is `id`, an edge `[id, id]`, and attributes are
/// an object.
public enum GraphChange: String, Sendable, CaseIterable {
  /// Adds nodes, each `id` or `[id, attributes]`, and sets the attributes.
  case addNodes = "add-nodes"
  /// Adds edges, each `[id, id]` or `[id, id, attributes]`, with their ends, and sets the attributes.
  case addEdges = "add-edges"
  /// Removes nodes with their edges.
  case removeNodes = "remove-nodes"
  /// Removes edges.
  case removeEdges = "remove-edges"
  /// Replaces the attributes of nodes, each `[id, attributes]`.
  case setNodes = "set-nodes"
  /// Replaces the attributes of edges, each `[id, id, attributes]`.
  case setEdges = "set-edges"
  /// Removes all edges.
  case clearEdges = "clear-edges"
  /// Removes everything.
  case clear = "clear"

  /// Whether the change comes with a batch.
  var hasBatch: Bool { self != .clear && self != .clearEdges }
}

extension DynamicGraph {
  /// The number of changes between two calls of `pause`.
  private static let changesBetweenPauses = 4096

  /// Makes the changes of a batch.
  ///
  /// - Parameter pause: Called every few thousand changes and at the end, to charge the memory that the graph takes by then,
  ///   and to stop.
  /// - Throws: `GraphStoreError` for a batch that cannot be read, for a node or an edge that should be there, and for a graph
  ///   that is too large; the errors of `pause`. The changes before the error are then made.
  public mutating func apply(
    _ change: GraphChange, _ batch: UnsafeRawBufferPointer, pause: (_ byteCount: Int) throws -> Void = { _ in }
  ) throws {
    switch change {
    case .clear: removeAll()
    case .clearEdges: removeAllEdges()
    default:
      var reader = JSONReader(batch)
      var count = 0
      try reader.array({ (reader: inout JSONReader) throws(any Error) in
        try apply(change, &reader)
        count += 1
        guard count % Self.changesBetweenPauses == 0 else { return }
        try checkSize()
        try pause(byteCount)
      }) { $0 }
      try reader.end()
    }
    try pause(byteCount)
  }

  private mutating func apply(_ change: GraphChange, _ reader: inout JSONReader) throws(GraphStoreError) {
    switch change {
    case .addNodes, .setNodes:
      let (id, attributes) = try reader.node()
      if change == .addNodes { return addNode(id, attributes ?? []) }
      guard let attributes else { throw reader.error("a node with attributes") }
      guard setAttributes(attributes, of: id) else { throw .missing("node \(id.json.encoded)") }
    case .removeNodes: removeNode(try reader.nodeID())
    case .addEdges, .removeEdges, .setEdges:
      let (source, target, attributes) = try reader.edge()
      switch change {
      case .addEdges: addEdge(source, target, attributes ?? [])
      case .removeEdges: removeEdge(source, target)
      default:
        guard let attributes else { throw reader.error("an edge with attributes") }
        guard setAttributes(attributes, ofEdge: source, target) else {
          throw .missing("edge (\(source.json.encoded), \(target.json.encoded))")
        }
      }
    case .clear, .clearEdges: break
    }
  }

  private func checkSize() throws(GraphStoreError) {
    guard max(nodes.count, edges.count) < Self.maximumCount - 2 * Self.changesBetweenPauses else {
      throw GraphStoreError(.limitExceeded, "a graph has at most \(Self.maximumCount) nodes and edges")
    }
  }
}

extension JSONReader {
  /// Reads `id` or `[id, attributes]`. Any other array is a tuple.
  fileprivate mutating func node() throws(GraphStoreError) -> (NodeID, Attributes?) {
    guard next == UInt8(ascii: "[") else { return (try nodeID(), nil) }
    let start = position
    if case .array(let elements) = try value(), elements.count == 2, case .object(let attributes) = elements[1] {
      guard let id = NodeID(elements[0]) else { throw error("an id") }
      if case .null = id { throw GraphStoreError(.invalidData, "None cannot be a node") }
      return (id, attributes)
    }
    position = start
    return (try nodeID(), nil)
  }

  /// Reads `[id, id]` or `[id, id, attributes]`.
  fileprivate mutating func edge() throws(GraphStoreError) -> (NodeID, NodeID, Attributes?) {
    try skip("[")
    let source = try nodeID()
    try skip(",")
    let target = try nodeID()
    let attributes = take(",") ? try attributes() : nil
    try skip("]")
    return (source, target, attributes)
  }
}

extension GraphStoreError {
  fileprivate static func missing(_ what: String) -> GraphStoreError {
    GraphStoreError(.notFound, "\(String(what.prefix(200))) is not in the graph")
  }
}
