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
    /// Results whose file was refused.
    var unkept = 0

    /// Performs an operation again and again, and refuses its first take, then its second and so on, until there is none
    /// to refuse. When it fails nothing of it must be left.
    mutating func attempt<R>(_ operation: () async throws -> R) async throws -> R {
      for number in 1... {
        let before = (books: account.books, files: Set(fixture.files))
        account.refuse(number)
        do {
          let result = try await operation()
          guard account.hasRefused else { return result }
          unkept += 1
        } catch let error as EngineError {
          refusals += 1
          #expect(error == EngineError(.resourceExhausted, RecordingAccount.refusal.description))
          #expect(account.books == before.books)
          #expect(Set(fixture.files) == before.files)
        }
      }
      throw EngineFixture.Surprise()
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
    let account = RecordingAccount()
    let fixture = try await EngineFixture(storage: account)
    var story = Story(fixture: fixture, account: account)
    try await story.tell()
    #expect(story.refusals > 150)
    // A result whose file is refused is still a result; it only does not survive the coordinator.
    #expect(story.unkept == 7)
    #expect(fixture.log.all.filter { $0.contains("will not survive") }.count == 7)
    #expect(account.books.memory > 0 && account.books.mappedFiles > 0)
    await fixture.engine.close()
    #expect(account.books == .init() && !account.wentBelowZero)
  }

  @Test("a file that several graphs share counts once, until the last of them is gone")
  func sharedFiles() async throws {
    let account = RecordingAccount()
    let fixture = try await EngineFixture(storage: account)
    let tables = try fixture.modernGraph()
    let graph = try await fixture.load([tables[0], tables[2]])
    let first = account.books.mappedFiles
    #expect(first == (try fixture.bytes(of: graph)))
    let larger = try await fixture.graph(.addLabels(.newLabels), graph.handle, .tables([tables[1], tables[3]]))
    #expect(account.books.mappedFiles == (try fixture.bytes(of: larger)))
    await fixture.engine.release(graph.handle)
    #expect(account.books.mappedFiles == (try fixture.bytes(of: larger)))
    await fixture.engine.release(larger.handle)
    #expect(account.books == .init())
  }

  @Test("what an earlier process left is taken again, even beyond the bound, and nothing is lost by that")
  func recovered() async throws {
    let earlier = RecordingAccount()
    let before = try await EngineFixture(storage: earlier)
    let tables = try before.modernGraph()
    let graph = try await before.load([tables[0], tables[2]])
    let larger = try await before.graph(.addLabels(.newLabels), graph.handle, .tables([tables[1], tables[3]]))
    let flat = try await before.graph(.projectToSimple(vertexProperty: nil, edgeProperty: "weight"), larger.handle)
    let result = try await before.run("bfs", on: flat, [.integer(1)])
    let files = earlier.books.mappedFiles
    #expect(earlier.books.memory > 0)
    await before.engine.suspend()
    #expect(earlier.books == .init())

    // There is room for the files only: the flattened graph cannot be made.
    let full = RecordingAccount(bound: files)
    let after = try await EngineFixture(after: before, storage: full)
    let lost = try await after.engine.recover([graph.handle, larger.handle, flat.handle, result])
    #expect(lost.isEmpty && full.books == .init(memory: 0, mappedFiles: files))
    let refused = await #expect(throws: EngineError.self) { try await after.array("r", result) }
    #expect(refused == EngineError(.resourceExhausted, RecordingAccount.refusal.description))
    #expect(full.books == .init(memory: 0, mappedFiles: files))
    full.bound = .max
    #expect(try await after.array("r", result) == .int64([1, .max, 1, 0, 1, 2]))
    #expect(full.books.mappedFiles == files && full.books.memory > 0)
    for handle in [graph.handle, larger.handle, flat.handle, result] { await after.engine.release(handle) }
    #expect(full.books == .init() && !full.wentBelowZero)
    await after.engine.close()
  }

  @Test("a large result is in memory once: as the mapping of its file")
  func largeResult() async throws {
    let account = RecordingAccount()
    let fixture = try await EngineFixture(storage: account)
    let lines = (0..<20_000).map { "\($0)|\($0 + 1)\n" }.joined()
    let graph = try await fixture.load([
      TableSource(
        role: .edges(label: "e", sourceLabel: "v", destinationLabel: "v", source: .index(0), destination: .index(1)),
        location: try fixture.csv("path.csv", "s|d\n" + lines))
    ])
    let simple = try await fixture.graph(.projectToSimple(vertexProperty: nil, edgeProperty: nil), graph.handle)
    let before = account.books
    let result = try await fixture.run("bfs", on: simple, [.integer(0)])
    #expect(account.books == .init(memory: 0, mappedFiles: before.mappedFiles + 8 * 20_001))
    #expect(try await fixture.array("r", result) == .int64((0...20_000).map { Int64($0) }))
    #expect(account.books.memory == 0)
    await fixture.engine.release(result)
    #expect(account.books == before)
  }

  @Test("a session that may take no more leaves others alone")
  func neighbours() async throws {
    let poor = try await EngineFixture(storage: RecordingAccount(bound: 300))
    let rich = try await EngineFixture(storage: RecordingAccount())
    let refused = await #expect(throws: EngineError.self) { try await poor.load(try poor.modernGraph()) }
    #expect(refused?.code == .resourceExhausted && poor.files.isEmpty)
    let graph = try await rich.load(try rich.modernGraph())
    #expect(graph.schema.vertexLabels.count == 2)
  }
}
