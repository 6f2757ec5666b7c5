import ClientOperations
import EmbeddedAnalytics
import Engines
import Foundation
import GraphStore
import Testing
import Turns
import Vocabulary
import Wire

@Suite("Graphs made from other graphs", .takesTurns)
struct GraphOperationTests {
  private func report(
    _ fixture: EngineFixture, _ type: ReportType, _ graph: GraphDescription, _ texts: [ParamKey: String] = [:]
  ) async throws -> [UInt8] {
    var arguments = texts.mapValues { AttributeValue.text($0) }
    arguments[.graphName] = .text(graph.key)
    arguments[.reportType] = .int(Int64(type.rawValue))
    arguments[.defaultLabelID] = .int(0)
    let operation = try Engines.Operation(key: "r", type: .reportGraph, output: .results, arguments: arguments)
    guard case .archive(let bytes) = try await fixture.engine.perform(operation, on: [], log: fixture.log) else {
      throw EngineFixture.Surprise()
    }
    return bytes
  }

  @Test("a copy shares the files of its original, and needs nothing else of it")
  func copying() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph())
    let person = try await fixture.graph(.project(vertices: ["person": ["age"]], edges: ["knows": nil]), graph.handle)
    let copy = try await fixture.graph(.plain(.copyGraph, [.graphName: person.key, .copyType: "identical"]))
    #expect(copy.key != person.key && copy.objectID != person.objectID && copy.schema == person.schema)
    #expect(fixture.files.filter { !$0.contains(".") } == [graph.key])
    for handle in [graph.handle, person.handle] { _ = try await fixture.perform(.unload, handle) }
    #expect(try await fixture.array("v:person.age", copy.handle) == .int64([27, 35, 32, 29]))
    _ = try await fixture.perform(.unload, copy.handle)
    #expect(fixture.files.isEmpty)
    let unknown = await #expect(throws: EngineError.self) {
      try await fixture.perform(.plain(.copyGraph, [.graphName: copy.key]))
    }
    #expect(unknown?.code == .illegalState)
  }

  @Test("reports have the bytes of the contract's recording")
  func reports() async throws {
    let fixture = try await EngineFixture()
    let graph = try await fixture.load(try fixture.modernGraph())
    #expect(try await report(fixture, .nodeNum, graph) == [6, 0, 0, 0, 0, 0, 0, 0])
    #expect(try await report(fixture, .edgeNum, graph) == [12, 0, 0, 0, 0, 0, 0, 0])
    #expect(
      try await report(fixture, .nodeIDCacheByGID, graph)
        == [0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 27, 0, 0, 0, 0, 0, 0, 0, 0x96, 2, 6, 4, 1, 0x92, 0xa8]
        + Array("software".utf8) + [3, 0x92, 0xa8] + Array("software".utf8) + [5])
    #expect(
      try await report(fixture, .nodeData, graph, [.node: "[0, 2]"])
        == [17, 0, 0, 0, 0, 0, 0, 0, 0x82, 0xa4] + Array("name".utf8) + [0xa5] + Array("vadas".utf8) + [0xa3]
        + Array("age".utf8) + [27])
    #expect(
      try await report(fixture, .succsByNode, graph, [.node: "[0, 1]"])
        == [14, 0, 0, 0, 0, 0, 0, 0, 0x93, 2, 4, 0x92, 0xa8] + Array("software".utf8) + [3])
    let attributes = #"[{"eid":0,"weight":0.5},{"eid":1,"weight":1.0},{"eid":72057594037927936,"weight":0.4}]"#
    #expect(
      try await report(fixture, .succAttrByNode, graph, [.node: "[0, 1]"]).dropFirst(8).elementsEqual(attributes.utf8))
    #expect(try await report(fixture, .hasNode, graph, [.node: "[1,3]"]) == [1])
    for missing in ["[1,2]", "[2,1]", "[0,\"2\"]", "{}", "[-1,2]", "[0,2,3]"] {
      #expect(try await report(fixture, .hasNode, graph, [.node: missing]) == [0])
    }
    for (type, texts) in [
      (ReportType.nodeData, [ParamKey.node: "[0,99]"]), (.succsByNode, [.node: "x"]), (.edgeData, [.edge: "[[0,1]]"]),
      (.hasNode, [:]),
    ] {
      await #expect(throws: EngineError.self) { try await report(fixture, type, graph, texts) }
    }
  }

  @Test("derived graphs are recovered by an engine of a later process", arguments: [true, false])
  func recovering(isOrderly: Bool) async throws {
    let before = try await EngineFixture()
    let graph = try await before.load(try before.modernGraph())
    let simple = try await before.simple(graph, vertices: ["person": []], edges: ["knows": []])
    let ranks = try await before.run("degree_centrality", on: simple)
    var made = [
      try await before.graph(.plain(.copyGraph, [.graphName: graph.key])),
      try await before.graph(.plain(.copyGraph, [.graphName: graph.key, .copyType: "reverse"])),
      try await before.graph(.plain(.toUndirected), graph.handle),
      try await before.graph(.plain(.addColumn, [.selector: #"{"rank": "r"}"#]), graph.handle, ranks),
    ]
    made.append(try await before.graph(.plain(.toDirected), made[2].handle))
    made.append(
      try await before.graph(
        .plain(
          .consolidateColumns,
          [
            .consolidateColumnsLabel: "person", .consolidateColumnsColumns: "age",
            .consolidateColumnsResultColumn: "list",
          ]), graph.handle))
    let answers = try await answers(before, made)
    _ = try await before.perform(.unload, graph.handle)
    if isOrderly { await before.engine.suspend() }
    let after = try await EngineFixture(after: before)
    #expect(try await after.engine.recover(made.map(\.handle)).isEmpty)
    #expect(try await self.answers(after, made) == answers)
    #expect(try await after.array("v:person.rank", made[3].handle) == .double([1.0 / 3, 0, 1.0 / 3, 2.0 / 3]))
    for graph in made {
      _ = try await after.perform(.unload, graph.handle)
      #expect(!after.files.contains { $0.hasPrefix(graph.key) })
    }
  }

  /// Returns the successors of the vertex 1 and of the vertex 2 in each graph.
  private func answers(_ fixture: EngineFixture, _ graphs: [GraphDescription]) async throws -> [[UInt8]] {
    var answers: [[UInt8]] = []
    for graph in graphs {
      for node in ["[0,1]", "[0,2]"] {
        answers.append(try await report(fixture, .succsByNode, graph, [.node: node]))
      }
    }
    return answers
  }
}
