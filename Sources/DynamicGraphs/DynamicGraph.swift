import JSON

/// A graph that changes node by node and edge by edge, as those of networkx do: nodes with ids of any type, at most one edge
/// between two nodes (in each direction, if edges are directed), attributes that are JSON.
///
/// Nodes, and the neighbours of each node, are in the order in which they were added. Changes never fail halfway: they add what
/// is missing and ignore what cannot be removed.
public struct DynamicGraph: Sendable {
  /// Whether edges are directed.
  public let isDirected: Bool
  /// The number of nodes.
  public private(set) var nodeCount = 0
  /// The number of edges.
  public private(set) var edgeCount = 0
  /// The number of edges that join a node with itself.
  public private(set) var loopCount = 0
  /// Nodes by their place, in the order of addition; removed ones keep their place until there are too many of them.
  private(set) var nodes: [Node] = []
  /// Edges by their place, in the order of addition, like `nodes`.
  private(set) var edges: [Edge] = []
  private var places: [NodeID: UInt32] = [:]
  private var edgePlaces: [UInt64: UInt32] = [:]
  private var heapBytes = 0

  struct Node: Sendable {
    /// The id; nil for a removed node.
    var id: NodeID?
    var attributes: Attributes = []
    /// The edges that leave the node or, in an undirected graph, all edges.
    var outgoing = EdgeList()
    /// The edges that reach the node; empty in an undirected graph.
    var incoming = EdgeList()
  }

  struct Edge: Sendable {
    /// The place of the source; `removed` for a removed edge.
    var source: UInt32
    var target: UInt32
    var attributes: Attributes = []

    static let removed = UInt32.max
  }

  /// The edges of a node, by their places. Removed ones are skipped, and dropped when they are the greater part.
  struct EdgeList: Sendable {
    var places: [UInt32] = []
    var removed: UInt32 = 0
  }

  /// The end of edges at which their neighbours are looked for.
  public enum Direction: Sendable {
    /// Along edges that leave a node; in an undirected graph, all edges.
    case outgoing
    /// Along edges that reach a node; in an undirected graph, all edges.
    case incoming
  }

  /// The greatest number of nodes and of edges, including removed ones that still have a place.
  public static let maximumCount = Int(UInt32.max) - 1

  /// Creates a graph without nodes.
  public init(isDirected: Bool) { self.isDirected = isDirected }

  /// The bytes of memory that the graph takes, roughly.
  public var byteCount: Int {
    nodes.count * Self.nodeBytes + edges.count * Self.edgeBytes + heapBytes
  }

  /// A node with its entry in the table of ids; an edge with its entries in two lists and in the table of edges. Arrays and
  /// tables have room for half as many again.
  private static let (nodeBytes, edgeBytes) = (168, 72)

  // MARK: Changing

  /// Adds a node unless it exists, and sets attributes.
  public mutating func addNode(_ id: NodeID, _ attributes: Attributes = []) {
    let place = place(adding: id)
    if !attributes.isEmpty { Self.change(&nodes[Int(place)].attributes, &heapBytes) { $0.merge(attributes) } }
  }

  /// Adds an edge unless it exists, adds its ends unless they exist, and sets attributes of the edge.
  public mutating func addEdge(_ source: NodeID, _ target: NodeID, _ attributes: Attributes = []) {
    let (u, v) = (place(adding: source), place(adding: target))
    let key = edgeKey(u, v)
    if let place = edgePlaces[key] {
      if !attributes.isEmpty { Self.change(&edges[Int(place)].attributes, &heapBytes) { $0.merge(attributes) } }
      return
    }
    let place = UInt32(truncatingIfNeeded: edges.count)
    edges.append(Edge(source: u, target: v))
    edgePlaces[key] = place
    nodes[Int(u)].outgoing.places.append(place)
    if isDirected {
      nodes[Int(v)].incoming.places.append(place)
    } else if u != v {
      nodes[Int(v)].outgoing.places.append(place)
    }
    edgeCount += 1
    if u == v { loopCount += 1 }
    if !attributes.isEmpty { Self.change(&edges[Int(place)].attributes, &heapBytes) { $0.merge(attributes) } }
  }

  /// Replaces all attributes of a node.
  /// - Returns: Whether the node exists.
  public mutating func setAttributes(_ attributes: Attributes, of id: NodeID) -> Bool {
    guard let place = places[id] else { return false }
    Self.change(&nodes[Int(place)].attributes, &heapBytes) {
      $0 = []
      $0.merge(attributes)
    }
    return true
  }

  /// Replaces all attributes of an edge.
  /// - Returns: Whether the edge exists.
  public mutating func setAttributes(_ attributes: Attributes, ofEdge source: NodeID, _ target: NodeID) -> Bool {
    guard let place = edgePlace(source, target) else { return false }
    Self.change(&edges[Int(place)].attributes, &heapBytes) {
      $0 = []
      $0.merge(attributes)
    }
    return true
  }

  /// Removes a node with its edges; does nothing if it does not exist.
  public mutating func removeNode(_ id: NodeID) {
    guard let place = places.removeValue(forKey: id) else { return }
    let node = nodes[Int(place)]
    for edge in node.outgoing.places + node.incoming.places { removeEdge(at: edge) }
    heapBytes -= node.attributes.heapBytes + (node.id?.heapBytes ?? 0)
    nodes[Int(place)] = Node(id: nil)
    nodeCount -= 1
    dropRemoved()
  }

  /// Removes an edge; does nothing if it does not exist.
  public mutating func removeEdge(_ source: NodeID, _ target: NodeID) {
    guard let place = edgePlace(source, target) else { return }
    removeEdge(at: place)
    dropRemoved()
  }

  /// Removes all edges.
  public mutating func removeAllEdges() {
    for edge in edges { heapBytes -= edge.attributes.heapBytes }
    for place in nodes.indices { (nodes[place].outgoing, nodes[place].incoming) = (EdgeList(), EdgeList()) }
    (edges, edgePlaces, edgeCount, loopCount) = ([], [:], 0, 0)
  }

  /// Removes all nodes and edges.
  public mutating func removeAll() { self = DynamicGraph(isDirected: isDirected) }

  // MARK: Reading

  /// Returns whether a node exists.
  public func contains(_ id: NodeID) -> Bool { places[id] != nil }

  /// Returns whether an edge exists.
  public func containsEdge(_ source: NodeID, _ target: NodeID) -> Bool { edgePlace(source, target) != nil }

  /// Returns the attributes of a node; nil if it does not exist.
  public func attributes(of id: NodeID) -> Attributes? { places[id].map { nodes[Int($0)].attributes } }

  /// Returns the attributes of an edge; nil if it does not exist.
  public func attributes(ofEdge source: NodeID, _ target: NodeID) -> Attributes? {
    edgePlace(source, target).map { edges[Int($0)].attributes }
  }

  /// Returns the place of a node; nil if it does not exist. Places are valid until the next change.
  public func place(of id: NodeID) -> Int? { places[id].map { Int($0) } }

  /// The places at which there may be a node, in order.
  public var nodePlaces: Range<Int> { nodes.indices }

  /// Returns the node at a place; nil if it was removed.
  public func node(at place: Int) -> (id: NodeID, attributes: Attributes)? {
    nodes[place].id.map { ($0, nodes[place].attributes) }
  }

  /// Calls `body` for every edge of the node at a place, with the neighbour and the attributes of the edge, in order.
  public func forEachNeighbour(
    of place: Int, _ direction: Direction, _ body: (_ neighbour: NodeID, _ attributes: Attributes) throws -> Void
  ) rethrows {
    for edge in list(of: place, direction).places {
      let edge = edges[Int(edge)]
      guard edge.source != Edge.removed else { continue }
      let other = Int(edge.source) == place ? edge.target : edge.source
      guard let id = nodes[Int(other)].id else { continue }
      try body(id, edge.attributes)
    }
  }

  /// Returns the number of edges of the node at a place.
  public func degree(of place: Int, _ direction: Direction) -> Int {
    let list = list(of: place, direction)
    return list.places.count - Int(list.removed)
  }

  /// Calls `body` for every edge in the order of addition, with its ends as they were given and its attributes.
  public func forEachEdge(
    _ body: (_ source: NodeID, _ target: NodeID, _ attributes: Attributes) throws -> Void
  ) rethrows {
    for edge in edges where edge.source != Edge.removed {
      guard let source = nodes[Int(edge.source)].id, let target = nodes[Int(edge.target)].id else { continue }
      try body(source, target, edge.attributes)
    }
  }

  /// Calls `body` for every node in the order of addition.
  public func forEachNode(_ body: (_ id: NodeID, _ attributes: Attributes) throws -> Void) rethrows {
    for node in nodes { if let id = node.id { try body(id, node.attributes) } }
  }

  // MARK: Places

  private func list(of place: Int, _ direction: Direction) -> EdgeList {
    direction == .incoming && isDirected ? nodes[place].incoming : nodes[place].outgoing
  }

  private mutating func place(adding id: NodeID) -> UInt32 {
    if let place = places[id] { return place }
    let place = UInt32(truncatingIfNeeded: nodes.count)
    places[id] = place
    nodes.append(Node(id: id))
    nodeCount += 1
    heapBytes += id.heapBytes
    return place
  }

  private func edgeKey(_ source: UInt32, _ target: UInt32) -> UInt64 {
    let (first, second) = isDirected || source <= target ? (source, target) : (target, source)
    return UInt64(first) << 32 | UInt64(second)
  }

  private func edgePlace(_ source: NodeID, _ target: NodeID) -> UInt32? {
    guard let source = places[source], let target = places[target] else { return nil }
    return edgePlaces[edgeKey(source, target)]
  }

  private static func change(
    _ attributes: inout Attributes, _ heapBytes: inout Int, _ body: (inout Attributes) -> Void
  ) {
    heapBytes -= attributes.heapBytes
    body(&attributes)
    heapBytes += attributes.heapBytes
  }

  private mutating func removeEdge(at place: UInt32) {
    let edge = edges[Int(place)]
    guard edge.source != Edge.removed else { return }
    edgePlaces[edgeKey(edge.source, edge.target)] = nil
    heapBytes -= edge.attributes.heapBytes
    edges[Int(place)] = Edge(source: Edge.removed, target: Edge.removed)
    edgeCount -= 1
    if edge.source == edge.target { loopCount -= 1 }
    noteRemoved(from: \.outgoing, of: edge.source)
    if isDirected {
      noteRemoved(from: \.incoming, of: edge.target)
    } else if edge.source != edge.target {
      noteRemoved(from: \.outgoing, of: edge.target)
    }
  }

  private mutating func noteRemoved(from list: WritableKeyPath<Node, EdgeList>, of node: UInt32) {
    nodes[Int(node)][keyPath: list].removed += 1
    let now = nodes[Int(node)][keyPath: list]
    guard now.places.count > 16, 2 * Int(now.removed) > now.places.count else { return }
    nodes[Int(node)][keyPath: list] = EdgeList(places: now.places.filter { edges[Int($0)].source != Edge.removed })
  }

  /// Gives all nodes and edges new places when most of them were removed.
  private mutating func dropRemoved() {
    guard nodes.count > 2 * nodeCount + 1024 || edges.count > 2 * edgeCount + 1024 else { return }
    self = unchangedCopy()
  }
}
