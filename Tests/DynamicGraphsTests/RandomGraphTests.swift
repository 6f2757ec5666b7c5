import DynamicGraphs
import JSON
import TestSupport
import Testing

/// A graph whose operations are plainly right: lists that are searched from the start.
private struct PlainGraph {
  let isDirected: Bool
  var nodes: [(id: NodeID, attributes: JSONValue)] = []
  var edges: [(source: NodeID, target: NodeID, attributes: JSONValue)] = []

  func edge(_ u: NodeID, _ v: NodeID) -> Int? {
    edges.firstIndex { ($0.source, $0.target) == (u, v) || !isDirected && ($0.target, $0.source) == (u, v) }
  }

  mutating func addNode(_ id: NodeID) { if !nodes.contains(where: { $0.id == id }) { nodes.append((id, .object([]))) } }

  mutating func addEdge(_ u: NodeID, _ v: NodeID) {
    addNode(u)
    addNode(v)
    if edge(u, v) == nil { edges.append((u, v, .object([]))) }
  }

  mutating func removeNode(_ id: NodeID) {
    nodes.removeAll { $0.id == id }
    edges.removeAll { $0.source == id || $0.target == id }
  }

  func neighbours(_ id: NodeID, outgoing: Bool) -> [NodeID] {
    edges.compactMap { edge in
      if edge.source == id, outgoing || !isDirected { return edge.target }
      return edge.target == id && (!outgoing || !isDirected) ? edge.source : nil
    }
  }

  func adjacencyText(outgoing: Bool) -> String {
    let rows = nodes.map { node in
      (
        key: node.id.json.encoded,
        value: JSONValue.array(
          neighbours(node.id, outgoing: outgoing).map { id in
            .array([nodes.first { $0.id == id }!.id.json, .object([])])
          })
      )
    }
    return JSONValue.object(rows).encoded
  }
}

@Suite("Random dynamic graphs")
struct RandomGraphTests {
  private static let ids: [NodeID] =
    (0..<6).map { .integer($0) } + [
      .text("a"), .text("0"), .double(0.5), .double(3), .bool(true), .tuple([.integer(1), .text("a")]),
    ]

  @Test("Any history of changes leads to the graph of a plain model", arguments: 0..<40 as Range<UInt64>)
  func histories(seed: UInt64) {
    var random = SplitMix(seed: seed)
    var graph = DynamicGraph(isDirected: seed % 2 == 0)
    var model = PlainGraph(isDirected: graph.isDirected)
    for step in 0..<4000 {
      let (u, v) = (Self.ids.randomElement(using: &random)!, Self.ids.randomElement(using: &random)!)
      switch Int.random(in: 0..<(step % 1000 < 500 ? 12 : 5), using: &random) {
      case 0:
        graph.removeNode(u)
        model.removeNode(u)
      case 1, 2:
        graph.removeEdge(u, v)
        if let place = model.edge(u, v) { model.edges.remove(at: place) }
      case 3:
        graph.addNode(u)
        model.addNode(u)
      default:
        graph.addEdge(u, v)
        model.addEdge(u, v)
      }
      guard step % 50 == 0 else { continue }
      #expect(graph.adjacencyText() == model.adjacencyText(outgoing: true))
      #expect(graph.adjacencyText(.incoming) == model.adjacencyText(outgoing: false))
      #expect(graph.edgeCount == model.edges.count && graph.nodeCount == model.nodes.count)
      #expect(graph.loopCount == model.edges.count { $0.source == $0.target })
      for place in graph.nodePlaces {
        guard let (id, _) = graph.node(at: place) else { continue }
        #expect(graph.degree(of: place, .outgoing) == model.neighbours(id, outgoing: true).count)
      }
    }
    #expect(graph.byteCount < 1 << 20)
  }

  @Test("Removing the edges of a hub one by one takes no quadratic time and leaves nothing")
  func hub() {
    var graph = DynamicGraph(isDirected: false)
    for leaf in 1...100_000 { graph.addEdge(.integer(0), .integer(Int64(leaf))) }
    for leaf in 1...100_000 { graph.removeEdge(.integer(Int64(leaf)), .integer(0)) }
    #expect(graph.edgeCount == 0 && graph.nodeCount == 100_001)
    graph.removeNode(.integer(0))
    for leaf in 1...100_000 { graph.removeNode(.integer(Int64(leaf))) }
    #expect(graph.nodeCount == 0 && graph.byteCount < 1 << 20)
  }
}
