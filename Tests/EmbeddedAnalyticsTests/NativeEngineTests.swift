import EmbeddedAnalytics
import Engines
import GraphStore
import Testing
import Turns
import Wire

@Suite("Graphs with parallel edges and loops give the same results as with GraphScope's native engine", .takesTurns)
struct NativeEngineTests {
  /// Loads a graph with parallel edges and loops and projects it to a simple graph.
  private func graph(_ fixture: EngineFixture, directed: Bool) async throws -> GraphDescription {
    let edges = "s|d|w\n1|2|1\n1|2|7\n2|1|3\n2|2|1\n2|2|1\n2|3|2\n3|1|4\n3|4|8\n4|5|1\n"
    let sources = [
      TableSource(
        role: .vertices(label: "v", id: .name("id")), location: try fixture.csv("v.csv", "id\n1\n2\n3\n4\n5\n")),
      TableSource(
        role: .edges(
          label: "e", sourceLabel: "v", destinationLabel: "v", source: .name("s"), destination: .name("d")),
        location: try fixture.csv("e.csv", edges)),
    ]
    let graph = try await fixture.load(sources, GraphOptions(isDirected: directed, generatesEdgeIDs: false))
    #expect(graph.isMultigraph)
    return try await fixture.simple(graph, vertices: ["v": []], edges: ["e": ["w"]])
  }

  @Test("undirected: a loop is in the row of its vertex twice; every parallel edge counts")
  func undirected() async throws {
    let fixture = try await EngineFixture()
    let graph = try await graph(fixture, directed: false)
    let ranks = try await fixture.array("r", fixture.run("pagerank", on: graph))
    #expect(
      ranks.agrees([
        0.19397623045999163, 0.35574105290456437, 0.18147755351585076, 0.16640060068963228, 0.1024045624299611,
      ]))
    #expect(try await fixture.array("r", fixture.run("cdlp", on: graph)) == .int64([2, 2, 2, 1, 2]))
    #expect(try await fixture.array("r", fixture.run("wcc", on: graph)) == .int64([1, 1, 1, 1, 1]))
    #expect(try await fixture.array("r", fixture.run("bfs", on: graph, [.integer(1)])) == .int64([0, 1, 1, 2, 3]))
    #expect(
      try await fixture.array("r", fixture.run("sssp", on: graph, [.integer(1)])) == .double([0, 1, 3, 11, 12]))
  }

  @Test("directed: out-degrees count every parallel edge, and a loop once")
  func directed() async throws {
    let fixture = try await EngineFixture()
    let graph = try await graph(fixture, directed: true)
    let ranks = try await fixture.array("r", fixture.run("pagerank_directed", on: graph))
    #expect(
      ranks.agrees([
        0.19877058725659988, 0.39167078237770336, 0.13948738042039763, 0.11555318335645728, 0.15451806658884185,
      ]))
    #expect(try await fixture.array("r", fixture.run("bfs", on: graph, [.integer(1)])) == .int64([0, 1, 2, 3, 4]))
    #expect(
      try await fixture.array("r", fixture.run("sssp", on: graph, [.integer(1)])) == .double([0, 1, 3, 11, 12]))
  }
}

extension ArchiveValues {
  /// Returns whether these are doubles that equal others up to rounding.
  func agrees(_ expected: [Double]) -> Bool {
    if case .double(let values) = self { agree(values, expected) } else { false }
  }
}
