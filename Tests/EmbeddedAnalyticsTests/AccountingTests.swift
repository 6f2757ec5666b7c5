import EmbeddedAnalytics
import Engines
import Foundation
import GraphStore
import Testing
import Turns
import Wire

@Suite("What a session takes counts for its account, and is given back once", .takesTurns)
struct AccountingTests {
  /// What a session may do, step by step; each step says what it makes.
  private struct Story {
    let fixture: EngineFixture
    let account: RecordingAccount
    var refusals = 0

    /// Performs an operation; when it is refused, nothing of it must be left, and it must work the second time.
    mutating func attempt<R>(_ operation: () async throws -> R) async throws -> R {
      let before = (books: account.books, files: Set(fixture.files))
      do { return try await operation() } catch let error as EngineError {
        refusals += 1
        #expect(error == EngineError(.resourceExhausted, RecordingAccount.refusal.description))
        #expect(account.books == before.books)
        #expect(Set(fixture.files) == before.files)
        return try await operation()
      }
    }

    mutating func tell() async throws {
      let fixture = fixture
      let tables = try fixture.modernGraph()
      // People are given; what they know is taken from the edges. Two tables of one label are put together.
      let graph = try await attempt { try await fixture.load([tables[0], tables[2], tables[2]]) }
      let second = try fixture.csv("named.csv", "s|d|since\nann|bob|1\nbob|cem|2\n")
      let named = try await attempt {
        try await fixture.load(
          [
            TableSource(
              role: .edges(
                label: "met", sourceLabel: "n", destinationLabel: "n", source: .index(0), destination: .index(1)),
              location: second)
          ], GraphOptions(isDirected: false, idType: .string))
      }
      let larger = try await attempt {
        try await fixture.graph(.addLabels(.newLabels), graph.handle, .tables([tables[1], tables[3]]))
      }
      let flat = try await attempt {
        try await fixture.graph(.projectToSimple(vertexProperty: "name", edgeProperty: "weight"), larger.handle)
      }
      let single = try await attempt {
        try await fixture.graph(.projectToSimple(vertexProperty: nil, edgeProperty: nil), named.handle)
      }
      let runs: [(GraphDescription, String, [QueryValue])] = [
        (flat, "bfs", [.integer(1)]), (flat, "wcc", []), (flat, "lcc", []), (flat, "cdlp", []),
        (single, "sssp", [.string("ann")]), (single, "pagerank", []), (single, "cdlp", []),
      ]
      for (graph, name, arguments) in runs {
        let bound = try await fixture.bind(name, to: graph)
        let result = try await attempt { try await fixture.run(bound, arguments) }
        let range = VertexRange(begin: nil, end: .string(graph.key == flat.key ? "5" : "c"))
        for selector in ["v.id", "r"] { _ = try await attempt { try await fixture.array(selector, result, range) } }
        if graph.key == flat.key { _ = try await attempt { try await fixture.array("v.data", result) } }
      }
      _ = try await attempt { try await fixture.frame(["name": "v:person.name"], larger.handle) }
    }
  }

  @Test("whichever take is refused, one operation fails with the account's sentence and the next one works")
  func everyRefusal() async throws {
    var refused = 0
    var number = 0
    repeat {
      number += 1
      let account = RecordingAccount(refusing: number)
      var story = Story(fixture: try await EngineFixture(storage: account), account: account)
      try await story.tell()
      refused = story.refusals
      #expect(refused <= 1)
      #expect(account.books.memory > 0 && account.books.mappedFiles > 0)
      await story.fixture.engine.close()
      #expect(account.books == .init() && !account.wentBelowZero)
      // A result whose file is refused is still a result; it only does not survive the coordinator.
      if refused == 0, number < account.takes {
        #expect(story.fixture.log.all.contains { $0.contains("will not survive") })
      }
      if number >= account.takes { break }
    } while true
    #expect(number > 100)
  }
}
