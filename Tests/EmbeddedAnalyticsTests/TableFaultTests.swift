import ClientOperations
import EmbeddedAnalytics
import Engines
import Foundation
import GraphStore
import Testing
import Turns
import Wire

@Suite("Tables with numbered columns or missing values", .takesTurns)
struct TableFaultTests {
  /// Makes a table of edges as the client declares it: ids first, then all other columns.
  private func edges(
    _ fixture: EngineFixture, _ name: String, _ text: String, source: Int = 0, destination: Int = 1
  ) throws -> TableSource {
    let path = "\(fixture.root)/\(name)"
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    return TableSource(
      role: .edges(
        label: "e", sourceLabel: "v", destinationLabel: "v", source: .index(source), destination: .index(destination)),
      location: .csv(
        path: path,
        CSVOptions(
          columns: [(.index(source), "int64_t"), (.index(destination), "int64_t")], requiredColumnCount: 2)))
  }

  @Test("numbers refer to the columns of the file, although ids are read first")
  func numbers() async throws {
    let fixture = try await EngineFixture()
    let table = try edges(fixture, "e.csv", "k,to,from\n9,1,2\n8,3,1\n", source: 2, destination: 1)
    #expect(table.tableIDColumns == [.index(0), .index(1)])
    let operation = Engines.Operation.createGraph(GraphOptions(), GraphLayout())
    let estimate = try await fixture.engine.estimate(operation, on: [.tables([table])])
    #expect(estimate?.basis.contains("2 new edges, with 3 columns") == true, "\(String(describing: estimate))")
    let graph = try await fixture.load([table], GraphOptions(generatesEdgeIDs: false))
    #expect(graph.schema.edgeLabels[0].properties.map(\.name) == ["k"])
    let simple = try await fixture.simple(graph, vertices: ["v": []], edges: ["e": ["k"]])
    let frame = try await fixture.frame(
      ["id": "v.id", "d": "r"], try await fixture.run("sssp", on: simple, [.integer(2)]))
    #expect(frame[0].values == .int64([2, 1, 3]) && frame[1].values == .double([0, 9, 17]))
  }

  @Test("a missing weight is reported with its line")
  func missingWeights() async throws {
    let fixture = try await EngineFixture()
    let table = try edges(fixture, "lacking.csv", "s,t,w\n1,2,5\n\n2,3,\n")
    let graph = try await fixture.load([table])
    let simple = try await fixture.simple(graph, vertices: ["v": []], edges: ["e": ["w"]])
    let error = await #expect(throws: EngineError.self) {
      _ = try await fixture.run("sssp", on: simple, [.integer(1)])
    }
    #expect(error?.code == .invalidValue)
    #expect(error?.description.contains("missing") == true)
    #expect(error?.description.contains("line 4 of '\(fixture.root)/lacking.csv', column 'w'") == true)
    // Algorithms without weights are not affected.
    _ = try await fixture.run(
      "bfs", on: try await fixture.simple(graph, vertices: ["v": []], edges: ["e": []]), [.integer(1)])
  }

  @Test("an unsupported file is rejected with the reason that its source gives")
  func unreadable() async throws {
    let fixture = try await EngineFixture()
    let reason = EngineError(.unimplemented, "Parquet is not read")
    let table = TableSource(role: .vertices(label: "v", id: .index(0)), location: .unreadable(reason))
    let operation = Engines.Operation.createGraph(GraphOptions(), GraphLayout())
    #expect(try await fixture.engine.estimate(operation, on: [.tables([table])]) == nil)
    let error = await #expect(throws: EngineError.self) { try await fixture.load([table]) }
    #expect(error == reason)
  }
}
