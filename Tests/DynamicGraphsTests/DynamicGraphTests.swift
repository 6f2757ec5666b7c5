import DynamicGraphs
import GraphStore
import JSON
import TestSupport
import Testing

extension DynamicGraph {
  /// Applies a batch that is written as text.
  mutating func apply(_ change: GraphChange, _ batch: String) throws {
    try Array(batch.utf8).withUnsafeBytes { try apply(change, $0) }
  }

  /// The nodes with their attributes, as JSON.
  var nodeText: String {
    var nodes: [JSONValue] = []
    forEachNode { nodes.append(.array([$0.json, .object($1)])) }
    return JSONValue.array(nodes).encoded
  }

  /// The neighbours of every node with the attributes of their edges, as JSON.
  func adjacencyText(_ direction: Direction = .outgoing) -> String {
    var rows: [(key: String, value: JSONValue)] = []
    for place in nodePlaces {
      guard let node = node(at: place) else { continue }
      var row: [JSONValue] = []
      forEachNeighbour(of: place, direction) { row.append(.array([$0.json, .object($1)])) }
      rows.append((node.id.json.encoded, .array(row)))
    }
    return JSONValue.object(rows).encoded
  }
}

@Suite("Dynamic graphs")
struct DynamicGraphTests {
  @Test("Ids that are equal in Python are one node, which keeps its first form")
  func equalIDs() throws {
    var graph = DynamicGraph(isDirected: false)
    try graph.apply(.addNodes, #"[1, 1.0, true, "1", 0, false, 0.5, [1, 2], [1.0, true], [1, 2.0], "é", "e\u0301"]"#)
    #expect(graph.nodeText.hasPrefix(#"[[1,{}],["1",{}],[0,{}],[0.5,{}],[[1,2],{}],[[1.0,true],{}],"#))
    #expect(graph.nodeCount == 8)
    #expect(graph.contains(.bool(true)) && graph.contains(.double(1)) && !graph.contains(.double(1.5)))
    #expect(graph.contains(.tuple([.bool(true), .double(2)])))
  }

  @Test("Nodes and neighbours are in the order of addition; removing and adding puts them last")
  func orders() throws {
    var graph = DynamicGraph(isDirected: false)
    try graph.apply(.addEdges, "[[3,1],[3,2],[1,2],[3,3]]")
    #expect(graph.adjacencyText() == #"{"3":[[1,{}],[2,{}],[3,{}]],"1":[[3,{}],[2,{}]],"2":[[3,{}],[1,{}]]}"#)
    try graph.apply(.removeEdges, "[[1,3]]")
    try graph.apply(.addEdges, "[[1,3]]")
    #expect(graph.adjacencyText() == #"{"3":[[2,{}],[3,{}],[1,{}]],"1":[[2,{}],[3,{}]],"2":[[3,{}],[1,{}]]}"#)
    try graph.apply(.removeNodes, "[3]")
    try graph.apply(.addNodes, "[3]")
    #expect(graph.adjacencyText() == #"{"1":[[2,{}]],"2":[[1,{}]],"3":[]}"#)
    #expect(graph.edgeCount == 1 && graph.loopCount == 0 && graph.nodeCount == 3)
  }

  @Test("Attributes are merged by adding and replaced by setting")
  func attributes() throws {
    var graph = DynamicGraph(isDirected: true)
    try graph.apply(.addNodes, #"[[1,{"a":1,"b":2}],[1,{"b":3,"c":[null]}]]"#)
    #expect(graph.nodeText == #"[[1,{"a":1,"b":3,"c":[null]}]]"#)
    try graph.apply(.setNodes, #"[[1,{"z":1,"z":2}]]"#)
    #expect(graph.nodeText == #"[[1,{"z":2}]]"#)
    try graph.apply(.addEdges, #"[[1,2,{"w":1}],[2,1,{"w":2}],[1,2,{"x":1.0}]]"#)
    #expect(graph.adjacencyText() == #"{"1":[[2,{"w":1,"x":1.0}]],"2":[[1,{"w":2}]]}"#)
    #expect(graph.adjacencyText(.incoming) == #"{"1":[[2,{"w":2}]],"2":[[1,{"w":1,"x":1.0}]]}"#)
    try graph.apply(.setEdges, "[[1,2,{}]]")
    #expect(graph.attributes(ofEdge: .integer(1), .integer(2))?.isEmpty == true)
    #expect(throws: GraphStoreError.self) { try graph.apply(.setEdges, "[[2,3,{}]]") }
    #expect(throws: GraphStoreError.self) { try graph.apply(.setNodes, "[[3,{}]]") }
  }

  @Test("Many attributes are merged like few")
  func manyAttributes() throws {
    let names = (0..<40).map { #""name \#($0)":\#($0)"# }.joined(separator: ",")
    var graph = DynamicGraph(isDirected: false)
    try graph.apply(.addNodes, "[[1,{\(names)}],[1,{\(names),\"name 3\":true}]]")
    let attributes = try #require(graph.attributes(of: .integer(1)))
    #expect(attributes.map(\.key) == (0..<40).map { "name \($0)" })
    #expect(attributes.value(of: "name 3") == .bool(true))
  }

  @Test("Graphs are copied to the other kind as networkx does it")
  func copies() throws {
    var directed = DynamicGraph(isDirected: true)
    try directed.apply(.addEdges, #"[[1,2,{"w":1,"a":1}],[2,1,{"w":2}],[3,3]]"#)
    let undirected = directed.copied(isDirected: false)
    #expect(undirected.adjacencyText() == #"{"1":[[2,{"w":2,"a":1}]],"2":[[1,{"w":2,"a":1}]],"3":[[3,{}]]}"#)
    #expect(undirected.edgeCount == 2 && undirected.loopCount == 1)
    let back = undirected.copied(isDirected: true)
    #expect(back.edgeCount == 3 && back.adjacencyText() == back.adjacencyText(.incoming))
    let reversed = directed.copied(isDirected: true, isReversed: true)
    #expect(reversed.adjacencyText() == #"{"1":[[2,{"w":2}]],"2":[[1,{"w":1,"a":1}]],"3":[[3,{}]]}"#)
    let part = directed.subgraph(nodes: [.integer(2), .double(1), .text("none")])
    #expect(part.adjacencyText() == #"{"1":[[2,{"w":1,"a":1}]],"2":[[1,{"w":2}]]}"#)
    let edges = directed.subgraph(edges: [(.integer(2), .integer(1)), (.integer(1), .integer(3))])
    #expect(edges.adjacencyText() == #"{"1":[],"2":[[1,{"w":2}]]}"#)
  }

  @Test(
    "What is not a batch is refused",
    arguments: [
      ("", GraphChange.addNodes), ("1", .addNodes), ("[1", .addNodes), ("[1] 2", .addNodes), ("[null]", .addNodes),
      ("[{}]", .addNodes), ("[[{},{}]]", .addNodes), ("[[null,{}]]", .addNodes), ("[9223372036854775808]", .addNodes),
      ("[1e999]", .addNodes), ("[\"\u{1}\"]", .addNodes), (#"["\ud800"]"#, .addNodes), ("[-]", .addNodes),
      ("[[1]]", .addEdges), ("[[1,2,3]]", .addEdges), ("[[1,2,{}],]", .addEdges), ("[[1,null]]", .addEdges),
      ("[[1,2,{\"a\"}]]", .addEdges), ("[[1,2]]", .setEdges), ("[tru]", .addNodes), ("[1.]", .addNodes),
      (String(repeating: "[", count: 100_000), .addNodes),
      ("[[1,2,{\"a\":\(String(repeating: "[", count: 1000))", .addEdges),
    ])
  func malformed(batch: String, change: GraphChange) {
    var graph = DynamicGraph(isDirected: false)
    #expect(throws: GraphStoreError.self) { try graph.apply(change, batch) }
  }

  @Test("Invalid UTF-8 is refused")
  func invalidText() {
    var graph = DynamicGraph(isDirected: false)
    let batch: [UInt8] = [0x5b, 0x22, 0xff, 0x22, 0x5d]
    #expect(throws: GraphStoreError.self) { try batch.withUnsafeBytes { try graph.apply(.addNodes, $0) } }
  }

  @Test("Numbers and texts are read exactly")
  func values() throws {
    var graph = DynamicGraph(isDirected: false)
    try graph.apply(
      .addNodes, #" [ -9223372036854775808 , 9223372036854775807, 2.0, -0.5, 1e20, "\u00e9\n\"" , "ü", "" , false ] "#)
    #expect(
      graph.nodeText
        == #"[[-9223372036854775808,{}],[9223372036854775807,{}],[2.0,{}],[-0.5,{}],[1e+20,{}],["é\n\"",{}],["ü",{}],["",{}],[false,{}]]"#
    )
  }
}
