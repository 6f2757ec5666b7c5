import ClientOperations
import EmbeddedAnalytics
import Engines
import GraphStore
import Testing
import Turns
import Wire

@Suite("Labels that share ids", .takesTurns)
struct SharedIDTests {
  /// Loads a graph with two labels: edges 'k' join vertices of 'a', edges 'l' those of 'b'.
  private func graph(
    _ fixture: EngineFixture, _ first: String, _ second: String, _ options: GraphOptions
  ) async throws -> GraphDescription {
    func edges(_ label: String, _ ends: String, _ rows: String) throws -> TableSource {
      TableSource(
        role: .edges(
          label: label, sourceLabel: ends, destinationLabel: ends, source: .index(0), destination: .index(1)),
        location: try fixture.csv("\(label).csv", "s|t\n\(rows)\n"))
    }
    let loaded = try await fixture.load([try edges("k", "a", first), try edges("l", "b", second)], options)
    return try await fixture.graph(.projectToSimple(vertexProperty: nil, edgeProperty: nil), loaded.handle)
  }

  private func values(
    _ name: String, _ first: String, _ second: String, _ type: GraphOptions.IDType
  ) async throws -> ArchiveValues {
    let fixture = try await EngineFixture()
    let options = GraphOptions(isDirected: false, idType: type, generatesEdgeIDs: false)
    return try await fixture.array(
      "r", try await fixture.run(name, on: try await graph(fixture, first, second, options)))
  }

  private let other: Int64 = 1 << 56

  @Test("unconnected components have different numbers, for all types of ids")
  func components() async throws {
    for name in ["wcc", "wcc_auto", "wcc_opt"] {
      #expect(try await values(name, "1|2", "1|3", .int64) == .int64([0, 0, other, other]))
    }
    #expect(try await values("wcc", "1|2", "1|3", .string) == .uint64([0, 0, 1 << 56, 1 << 56]))
    #expect(try await values("wcc", "1|2", "1|3", .int32) == .int64([0, 0, other, other]))
  }

  @Test("components are named by their smallest ids if these are distinct")
  func smallest() async throws {
    #expect(try await values("wcc", "1|2", "3|4", .int64) == .int64([1, 1, 3, 3]))
    // Both components contain the id 2, which names neither.
    #expect(try await values("wcc", "1|2", "0|2", .int64) == .int64([1, 1, 0, 0]))
  }

  @Test("communities of different labels are distinct, and are named by ids if these are distinct")
  func communities() async throws {
    // Two vertices exchange their labels in each of the ten rounds.
    #expect(try await values("cdlp", "1|2", "3|4", .int64) == .int64([1, 2, 3, 4]))
    #expect(try await values("cdlp", "1|2", "1|2", .int64) == .int64([0, 1, other, other + 1]))
    #expect(try await values("cdlp", "1|2", "1|2", .string) == .uint64([0, 1, 1 << 56, (1 << 56) + 1]))
  }

  @Test("a search cannot start at an id that two labels share")
  func sources() async throws {
    let fixture = try await EngineFixture()
    let graph = try await graph(fixture, "1|2", "1|3", GraphOptions(generatesEdgeIDs: false))
    let error = await #expect(throws: EngineError.self) { try await fixture.run("bfs", on: graph, [.integer(1)]) }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message == "argument 'src' of algorithm 'bfs' must be an id that occurs in only one label")
    #expect(error?.evidence == "1 is an id in 'a' and in 'b'")
    let far = Int64.max
    let result = try await fixture.run("bfs", on: graph, [.integer(2)])
    #expect(try await fixture.array("r", result) == .int64([far, 0, far, far]))
  }

  @Test("a search from an id that no vertex has is reported")
  func nobody() async throws {
    let fixture = try await EngineFixture()
    let graph = try await graph(fixture, "1|2", "3|4", GraphOptions(generatesEdgeIDs: false))
    _ = try await fixture.run("sssp", on: graph, [.integer(99)])
    #expect(fixture.log.all.last == "No vertex has the id 99, given as 'src' of 'sssp': no vertex is reached from it.")
  }
}
