import ClientOperations
import Engines
import GraphStore
import JSON
import Testing
import Turns
import Vocabulary
import Wire

@testable import EmbeddedAnalytics

@Suite("Results that are read node by node (GET_CONTEXT_DATA)", .takesTurns)
struct ContextDataTests {
  private func lengths(_ fixture: EngineFixture, _ result: ObjectHandle, of node: String) async throws -> [JSONValue] {
    guard case .context(let key) = result,
      case .value(let bytes) = try await fixture.perform(.plain(.getContextData, [.contextKey: key, .node: node])),
      case .array(let pairs) = try JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
    else { throw EngineFixture.Surprise() }
    return pairs
  }

  private func graph(_ fixture: EngineFixture, weight: [String], ids: [String] = ["1", "2", "3", "4"]) async throws
    -> GraphDescription
  {
    let rows = [(0, 1, 0.5), (1, 2, 1.25), (0, 2, 4.0)].map { "\(ids[$0.0])|\(ids[$0.1])|\($0.2)\n" }.joined()
    let loaded = try await fixture.load(
      [
        TableSource(
          role: .vertices(label: "v", id: .name("id")),
          location: try fixture.csv("v.csv", "id\n" + ids.map { $0 + "\n" }.joined())),
        TableSource(
          role: .edges(
            label: "e", sourceLabel: "v", destinationLabel: "v", source: .name("s"), destination: .name("t")),
          location: try fixture.csv("e.csv", "s|t|w\n" + rows)),
      ], GraphOptions(idType: ids[0] == "1" ? .int64 : .string))
    return try await fixture.simple(loaded, vertices: ["v": []], edges: ["e": weight])
  }

  @Test("Lengths of shortest paths along directions, in edges or in weights; other nodes are left out")
  func integerIDs() async throws {
    let fixture = try await EngineFixture()
    for (weight, expected) in [
      ([], [[.integer(1), .integer(0)], [.integer(2), .integer(1)], [.integer(3), .integer(1)]]),
      (["w"], [[.integer(1), .double(0)], [.integer(2), .double(0.5)], [.integer(3), .double(1.75)]]),
    ] as [([String], [[JSONValue]])] {
      let result = try await fixture.run(
        "all_pairs_shortest_path_length", on: try await graph(fixture, weight: weight))
      let pairs = try await lengths(fixture, result, of: "1")
      #expect(pairs.map(\.encoded) == expected.map { JSONValue.array($0).encoded })
      #expect(try await lengths(fixture, result, of: "4").count == 1, "only itself")
    }
  }

  @Test("Nodes with texts as ids are named and shown as JSON")
  func textIDs() async throws {
    let fixture = try await EngineFixture()
    let ids = ["ä", "b c", "3", "x"]
    let result = try await fixture.run(
      "all_pairs_shortest_path_length", on: try await graph(fixture, weight: [], ids: ids))
    let pairs = try await lengths(fixture, result, of: #""\u00e4""#)
    #expect(pairs.map(\.encoded) == [#"["ä",0]"#, #"["b c",1]"#, #"["3",1]"#])
    let error = await #expect(throws: EngineError.self) { try await lengths(fixture, result, of: "3") }
    #expect(error?.code == .unknownName, "3 is no text")
  }

  @Test("Unknown nodes, malformed names, missing results and results of other kinds are errors")
  func errors() async throws {
    let fixture = try await EngineFixture()
    let simple = try await graph(fixture, weight: [])
    let result = try await fixture.run("all_pairs_shortest_path_length", on: simple)
    for node in ["9", "\"1\"", "[1]", "{", "", "1.5", "null", "99999999999999999999"] {
      let error = await #expect(throws: EngineError.self) { try await lengths(fixture, result, of: node) }
      #expect(error?.code == .unknownName, "\(node)")
    }
    let other = try await fixture.run("bfs", on: simple, [.integer(1)])
    let perVertex = await #expect(throws: EngineError.self) { try await lengths(fixture, other, of: "1") }
    #expect(perVertex?.code == .notApplicable)
    let gone = await #expect(throws: EngineError.self) { try await lengths(fixture, .context("ctx_none"), of: "1") }
    #expect(gone?.code == .illegalState)
    let values = await #expect(throws: EngineError.self) { try await fixture.array("r", result) }
    #expect(values?.code == .notApplicable)
    #expect(try await fixture.array("v.id", result) == .int64([1, 2, 3, 4]))
  }
}
