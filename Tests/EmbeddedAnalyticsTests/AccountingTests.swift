import ClientOperations
import EmbeddedAnalytics
import Engines
import Foundation
import GraphStore
import Testing
import Turns
import Wire
import Workers

@Suite("Resources of a session are charged to its account and released exactly once", .takesTurns)
struct AccountingTests {
  /// A session whose steps are performed in order; each step returns what it creates.
  private struct Story {
    let fixture: EngineFixture
    let account: RecordingAccount
    var refusals = 0
    /// Results whose file was rejected.
    var unkept = 0

    /// Performs an operation repeatedly, rejecting its first reservation, then its second and so on, until none is left to
    /// reject. A failed operation must leave nothing behind.
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
      // The persons come from a table; the two tables of the label "knows" are combined.
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

  @Test("if any reservation is rejected, one operation fails with the account's message and the next one succeeds")
  func everyRefusal() async throws {
    let account = RecordingAccount()
    let fixture = try await EngineFixture(storage: account)
    var story = Story(fixture: fixture, account: account)
    try await story.tell()
    #expect(story.refusals > 150)
    // A result whose file is rejected is still a result, but does not survive a restart of the coordinator.
    #expect(story.unkept == 7)
    #expect(fixture.log.all.filter { $0.contains("will not survive") }.count == 7)
    #expect(account.books.memory > 0 && account.books.mappedFiles > 0)
    await fixture.engine.close()
    #expect(account.books == .init() && !account.wentBelowZero)
  }

  @Test("a file shared by several graphs is charged once, until the last of them is removed")
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

  @Test("files of an earlier process are charged again, even beyond the limit, and nothing is lost")
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

    // There is only room for the files, so the flattened graph cannot be created.
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

  @Test("a large result is in memory only once, as the mapping of its file")
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

  @Test("a session that has reached its limit does not affect others")
  func neighbours() async throws {
    let poor = try await EngineFixture(storage: RecordingAccount(bound: 300))
    let rich = try await EngineFixture(storage: RecordingAccount())
    let refused = await #expect(throws: EngineError.self) { try await poor.load(try poor.modernGraph()) }
    #expect(refused?.code == .resourceExhausted && poor.files.isEmpty)
    let graph = try await rich.load(try rich.modernGraph())
    #expect(graph.schema.vertexLabels.count == 2)
  }
}
