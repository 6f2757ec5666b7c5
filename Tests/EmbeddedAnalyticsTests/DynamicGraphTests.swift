import ClientOperations
import EmbeddedAnalytics
import Engines
import Foundation
import GraphStore
import Testing
import Turns
import Vocabulary
import Wire
import Workers

/// The graph of a test, as the client addresses it.
private struct NX {
  let fixture: EngineFixture
  let key: String

  init(_ fixture: EngineFixture, isDirected: Bool = false) async throws {
    let operation = try Engines.Operation(
      key: "create", type: .createGraph,
      arguments: [.graphType: .int(2), .directed: .bool(isDirected), .eFile: .text(""), .vFile: .text("")])
    self.init(fixture, key: try Self.key(of: try await fixture.perform(operation)))
  }

  init(_ fixture: EngineFixture, key: String) { (self.fixture, self.key) = (fixture, key) }

  private static func key(of result: AnalyticalResult) throws -> String {
    guard case .encodedGraph(let graph) = result else { throw EngineFixture.Surprise() }
    #expect(graph.objectID == nil)
    return graph.key
  }

  func perform(
    _ type: OperationType, _ arguments: [ParamKey: AttributeValue] = [:], _ payload: String? = nil
  ) async throws -> AnalyticalResult {
    var arguments = arguments
    arguments[.graphName] = .text(key)
    let payloads = payload.map { [Payload(content: .bytes(Array($0.utf8)))] } ?? []
    return try await fixture.perform(
      try Engines.Operation(key: "o", type: type, arguments: arguments, payloads: payloads))
  }

  func change(_ type: ModifyType, _ batch: String) async throws {
    let isOfEdges = [.addEdges, .delEdges, .updateEdges].contains(type)
    _ = try await perform(
      isOfEdges ? .modifyEdges : .modifyVertices,
      [.modifyType: .int(Int64(type.rawValue)), .properties: .text("{}")], batch)
  }

  func make(_ type: OperationType, _ arguments: [ParamKey: AttributeValue] = [:]) async throws -> NX {
    NX(fixture, key: try Self.key(of: try await perform(type, arguments)))
  }

  func report(_ type: ReportType, _ arguments: [ParamKey: AttributeValue] = [:]) async throws -> [UInt8] {
    var arguments = arguments
    arguments[.reportType] = .int(Int64(type.rawValue))
    arguments[.edgeKey] = .text("")
    guard case .archive(let bytes) = try await perform(.reportGraph, arguments) else { throw EngineFixture.Surprise() }
    return bytes
  }

  func report(_ type: ReportType, node: String) async throws -> [UInt8] { try await report(type, [.node: .text(node)]) }

  func report(_ type: ReportType, edge: String) async throws -> [UInt8] { try await report(type, [.edge: .text(edge)]) }

  func report(_ type: ReportType, gid: UInt64) async throws -> [UInt8] { try await report(type, [.gid: .uint(gid)]) }

  func count(_ type: ReportType) async throws -> Int64 {
    try await report(type).withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }
  }

  func json(_ type: ReportType, node: String) async throws -> String {
    String(decoding: try await report(type, node: node).dropFirst(8), as: UTF8.self)
  }
}

/// Returns a document with its size in front.
private func sized(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count), 0, 0, 0, 0, 0, 0, 0] + bytes }

private let zero: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0]

@Suite("Graphs of graphscope.nx in the engine", .takesTurns)
struct DynamicGraphEngineTests {
  /// The graph of the recording `11_nx_graph`.
  private func recorded(_ fixture: EngineFixture) async throws -> NX {
    let graph = try await NX(fixture)
    try await graph.change(.addNodes, #"[[1,{"color":"red","size":3}],2,3,["a",{"w":1.5}]]"#)
    try await graph.change(.addEdges, #"[[1,2,{"weight":0.5}],[2,3,{"weight":2.0}],[1,"a"],[3,3]]"#)
    return graph
  }

  @Test("Reports have the bytes of the recording, and those of the protocol")
  func reports() async throws {
    let graph = try await recorded(EngineFixture())
    #expect(try await graph.count(.nodeNum) == 4)
    #expect(try await graph.count(.edgeNum) == 8)
    #expect(try await graph.count(.selfloopsNum) == 1)
    #expect(try await graph.report(.hasNode, node: "1") == [1])
    #expect(try await graph.report(.hasNode, node: "99") == [0])
    #expect(try await graph.report(.hasNode, node: "{}") == [0])
    #expect(try await graph.report(.hasNode, node: "null") == [0])
    #expect(try await graph.report(.hasEdge, edge: "[2,1]") == [1])
    #expect(try await graph.report(.hasEdge, edge: "[2,2]") == [0])
    #expect(try await graph.report(.succsByNode, node: "1") == sized([0x92, 2, 0xa1, 0x61]))
    #expect(try await graph.report(.predsByNode, node: "2") == sized([0x92, 1, 3]))
    #expect(try await graph.report(.succsByNode, node: "3") == sized([0x92, 2, 3]))
    let data: [UInt8] =
      [0x82, 0xa5] + Array("color".utf8) + [0xa3] + Array("red".utf8) + [0xa4] + Array("size".utf8) + [3]
    #expect(try await graph.report(.nodeData, node: "1") == sized(data))
    #expect(try await graph.report(.nodeData, node: "2") == sized([0x80]))
    #expect(try await graph.report(.edgeData, edge: "[3,2]") == sized(Array(#"{"weight":2.0}"#.utf8)))
    #expect(try await graph.json(.succAttrByNode, node: "1") == #"[{"weight":0.5},{}]"#)
    #expect(try await graph.json(.predAttrByNode, node: #""a""#) == "[{}]")
    #expect(
      try await graph.report(.nodeIDCacheByGID, gid: 0) == zero + [4, 0, 0, 0] + sized([0x94, 1, 2, 3, 0xa1, 0x61]))
    #expect(
      try await graph.report(.succByGID, gid: 0)
        == zero + sized([0x94, 0x92, 2, 0xa1, 0x61, 0x92, 1, 3, 0x92, 2, 3, 0x91, 1]))
    #expect(try await graph.report(.predByGID, gid: 0) == (try await graph.report(.succByGID, gid: 0)))
    let attributes = try await graph.report(.nodeAttrCacheByGID, gid: 0)
    #expect(attributes.dropFirst(16).starts(with: [0x94] + data + [0x80, 0x80, 0x81, 0xa1, 0x77, 0xcb]))
    let edges = try await graph.report(.succAttrByGID, gid: 0)
    #expect(edges.dropFirst(16).starts(with: [0x94, 0x92, 0x81, 0xa6] + Array("weight".utf8) + [0xcb]))
    #expect(try await graph.report(.predAttrByGID, gid: 0) == edges)
  }

  @Test("Directed graphs tell successors from predecessors")
  func directed() async throws {
    let graph = try await NX(EngineFixture(), isDirected: true)
    try await graph.change(.addEdges, #"[[1,2,{"w":1}],[3,2,{"w":2}]]"#)
    #expect(try await graph.report(.succsByNode, node: "2") == sized([0x90]))
    #expect(try await graph.report(.predsByNode, node: "2") == sized([0x92, 1, 3]))
    #expect(try await graph.json(.predAttrByNode, node: "2") == #"[{"w":1},{"w":2}]"#)
    #expect(try await graph.report(.predByGID, gid: 0) == zero + sized([0x93, 0x90, 0x92, 1, 3, 0x90]))
    let reversed = try await graph.make(.copyGraph, [.copyType: .text("reverse")])
    #expect(try await reversed.report(.succsByNode, node: "2") == sized([0x92, 1, 3]))
    let undirected = try await graph.make(.toUndirected)
    #expect(try await undirected.report(.succsByNode, node: "2") == sized([0x92, 1, 3]))
    let part = try await graph.make(.induceSubgraph, [.nodes: .text("[2,3,9]")])
    #expect(try await part.count(.nodeNum) == 2)
    #expect(try await part.count(.edgeNum) == 2)
    let edges = try await graph.make(.induceSubgraph, [.edges: .text("[[1,2],[2,1]]")])
    #expect(try await edges.count(.nodeNum) == 2)
    // Copies are graphs of their own.
    _ = try await graph.perform(.clearGraph)
    #expect(try await graph.count(.nodeNum) == 0)
    #expect(try await reversed.count(.edgeNum) == 4)
    _ = try await reversed.perform(.clearEdges)
    #expect(try await reversed.count(.edgeNum) == 0)
    #expect(try await reversed.count(.nodeNum) == 3)
  }

  @Test("What cannot be answered or done is refused, and changes nothing")
  func refusals() async throws {
    let graph = try await recorded(EngineFixture())
    await #expect(throws: EngineError.self) { try await graph.report(.nodeData, node: "9") }
    await #expect(throws: EngineError.self) { try await graph.report(.edgeData, edge: "[1,3]") }
    await #expect(throws: EngineError.self) { try await graph.report(.succsByNode, node: "nonsense") }
    await #expect(throws: EngineError.self) { try await graph.report(.succByGID, gid: 5) }
    await #expect(throws: EngineError.self) { try await graph.report(.nodeIDCacheByGID, gid: .max) }
    for batch in [
      "[[7,8],[9,9", "[[7,8],[1]]", "[[7,8],[1,18446744073709551616]]", String(repeating: "[", count: 1 << 20),
    ] {
      await #expect(throws: EngineError.self) { try await graph.change(.addEdges, batch) }
      #expect(try await graph.count(.nodeNum) == 4)
      #expect(try await graph.report(.succByGID, gid: 0).count == 29)
    }
    await #expect(throws: EngineError.self) { try await graph.perform(.viewGraph, [.viewType: .text("reversed")]) }
    await #expect(throws: EngineError.self) { try await graph.perform(.modifyEdges, [.modifyType: .int(0)], "[]") }
    await #expect(throws: EngineError.self) { try await graph.perform(.modifyEdges, [.modifyType: .int(1)]) }
    let unknown = NX(graph.fixture, key: "graph_unknown")
    await #expect(throws: EngineError.self) { try await unknown.change(.addNodes, "[1]") }
    await #expect(throws: EngineError.self) { try await unknown.count(.nodeNum) }
  }

  @Test("Algorithms run on the graph as it is")
  func algorithms() async throws {
    let fixture = try await EngineFixture()
    let graph = try await NX(fixture)
    try await graph.change(.addEdges, #"[[5,1,{"w":2}],[1,7,{"w":0.5}],[7,9]]"#)
    let operation = Engines.Operation.projectToSimple(vertexProperty: nil, edgeProperty: "w")
    guard case .encodedGraph(let projected) = try await fixture.perform(operation, .graph(graph.key)) else {
      throw EngineFixture.Surprise()
    }
    let definition = try GraphDef.decode(projected.definition)
    #expect(definition.type == .dynamicProjected)
    guard case .mutable(let info) = definition.info else { throw EngineFixture.Surprise() }
    #expect(info.edgeDataType == .double && info.vertexDataType == .null)
    try await graph.change(.delNodes, "[1]")
    _ = try await fixture.perform(.createApplication(algorithm: "sssp", archive: []))
    guard
      case .boundApplication(let application) = try await fixture.perform(
        .bindApplication, .graph(projected.key), .application(algorithm: "sssp", archive: []))
    else { throw EngineFixture.Surprise() }
    let context = try await fixture.run(.boundApplication(application), [.integer(5)])
    #expect(try await fixture.array("v.id", context) == .int64([5, 1, 7, 9]))
    #expect(try await fixture.array("r", context) == .double([0, 2, 2.5, 3.5]))
  }

  @Test("Property graphs become graphs of graphscope.nx, and the other way round")
  func conversions() async throws {
    let fixture = try await EngineFixture()
    let loaded = try await fixture.load(try fixture.modernGraph())
    let person = try #require(loaded.schema.vertexLabel(named: "person"))
    let graph = try await NX(fixture, key: loaded.key).make(
      .transformGraph, [.dstGraphType: .int(2), .defaultLabelID: .int(Int64(person))])
    #expect(try await graph.count(.nodeNum) == 6)
    #expect(try await graph.count(.edgeNum) == 12)
    let software = #"["software",3]"#
    #expect(try await graph.report(.hasNode, node: software) == [1])
    #expect(try await graph.report(.hasNode, node: "3") == [0])
    #expect(try await graph.json(.predAttrByNode, node: "4") == #"[{"eid":1,"weight":1.0}]"#)
    #expect(try await graph.report(.hasEdge, edge: "[4,\(software)]") == [1])
    let name = try await graph.report(.nodeData, node: "1")
    #expect(name.dropFirst(8).starts(with: [0x82, 0xa4] + Array("name".utf8) + [0xa5] + Array("marko".utf8)))
    // Changes of the copy do not reach the property graph.
    try await graph.change(.delNodes, "[\(software), [\"software\",5]]")
    try await graph.change(.addNodes, #"[[9,{"score":0.5}]]"#)
    guard case .graph(let back) = try await graph.perform(.transformGraph, [.dstGraphType: .int(4)]) else {
      throw EngineFixture.Surprise()
    }
    let frame = try await fixture.frame(
      ["id": "v:_.id", "age": "v:_.age", "name": "v:_.name"], back.handle)
    #expect(
      frame.map(\.values) == [
        .int64([2, 6, 4, 1, 9]), .int64([27, 35, 32, 29, 0]), .strings(["vadas", "peter", "josh", "marko", ""]),
      ])
  }

  @Test("A later process finds the graphs, as often as operations refer to them")
  func recovery() async throws {
    let first = try await EngineFixture()
    let graph = try await recorded(first)
    try await graph.change(.delEdges, "[[2,3]]")
    let copy = try await graph.make(.toDirected)
    let unclaimed = try await graph.make(.copyGraph, [.copyType: .text("identical")])
    let before = try await graph.report(.succByGID, gid: 0)
    await first.engine.suspend()
    let second = try await EngineFixture(after: first)
    let lost = try await second.engine.recover([.graph(graph.key), .graph(copy.key), .graph(graph.key)])
    #expect(lost.isEmpty)
    let again = NX(second, key: graph.key)
    #expect(try await again.report(.succByGID, gid: 0) == before)
    try await again.change(.addEdges, "[[7,8]]")
    #expect(try await again.count(.edgeNum) == 8)
    #expect(try await NX(second, key: copy.key).count(.edgeNum) == 10)
    let keeper = try #require(second.engine as? any KeepsUnclaimedObjects)
    #expect(await keeper.unclaimedObjects() == [unclaimed.key])
    await keeper.discard(unclaimed: unclaimed.key)
    for key in [graph.key, copy.key] { await second.engine.release(.graph(key)) }
    #expect(second.files == [])
  }

  @Test("A damaged graph is lost with an error that names its file")
  func damage() async throws {
    let first = try await EngineFixture()
    let graph = try await recorded(first)
    await first.engine.suspend()
    let path = "\(first.root)/session/analytics/\(graph.key).changes"
    var bytes = try Data(contentsOf: URL(filePath: path))
    bytes[bytes.count - 10] ^= 1
    try bytes.write(to: URL(filePath: path))
    let second = try await EngineFixture(after: first)
    _ = try await second.engine.recover([.graph(graph.key)])
    let error = await #expect(throws: EngineError.self) { try await NX(second, key: graph.key).count(.nodeNum) }
    #expect(error?.description.contains(path) == true)
  }

  @Test("Memory and files are charged while the graph exists, and a change without room is undone")
  func accounting() async throws {
    let account = RecordingAccount(bound: 8 << 20)
    let fixture = try await EngineFixture(storage: account)
    let graph = try await NX(fixture)
    let batch = "[" + (0..<20_000).map { "[\($0),\($0 + 1)]" }.joined(separator: ",") + "]"
    try await graph.change(.addEdges, batch)
    #expect(account.books.memory > 20_000 * 100 && account.books.mappedFiles > 200_000)
    let books = account.books
    let large = "[" + (0..<60_000).map { "[\(-$0),\($0 + 1)]" }.joined(separator: ",") + "]"
    let error = await #expect(throws: EngineError.self) { try await graph.change(.addEdges, large) }
    #expect(error?.code == .resourceExhausted)
    #expect(try await graph.count(.nodeNum) == 20_001)
    #expect(account.books == books)
    await fixture.engine.release(.graph(graph.key))
    #expect(account.books == RecordingAccount.Books())
    #expect(fixture.files == [])
  }
}
