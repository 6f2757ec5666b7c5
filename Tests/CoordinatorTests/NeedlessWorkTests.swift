import ClientOperations
import Engines
import GraphStore
import Testing
import Turns
import Vocabulary

@testable import Coordinator

private let create = Engines.Operation.createGraph(
  GraphOptions(isDirected: true, idType: .int64, generatesEdgeIDs: true, retainsIDs: true), GraphLayout())

private func make(_ key: String, _ action: Engines.Operation, of parents: String...) -> StepOperation {
  StepOperation(key: key, parents: parents, action: .analytical(action))
}

private func unload(_ parent: String) -> StepOperation { make("unload " + parent, .unload, of: parent) }

private let source = StepOperation(key: "rows", parents: [], action: .source([]))

@Suite("Needless work", .takesTurns)
struct NeedlessWorkTests {
  private func needless(_ operations: [StepOperation], unanswered: Set<String> = []) -> Set<String> {
    NeedlessWork.keys(in: operations) { unanswered.contains($0) }
  }

  @Test("An object unloaded by its own step is not made, and neither are its tables")
  func unloaded() {
    #expect(needless([make("r", .runApplication([]), of: "app"), unload("r")]) == ["r"])
    #expect(needless([source, make("g", create, of: "rows"), unload("g")]) == ["rows", "g"])
    let both = [make("g", create), make("h", .addLabels(.newLabels), of: "g"), unload("h"), unload("g")]
    #expect(needless(both) == ["g", "h"])
  }

  @Test("An object that an operation needs is made")
  func needed() {
    let export = make("e", .exportArray(selector: "r", range: nil), of: "r")
    #expect(needless([make("r", .runApplication([]), of: "app"), export, unload("r")]) == [])
    let output = make("o", .plain(.output), of: "r")
    #expect(needless([make("r", .runApplication([]), of: "app"), output, unload("r")]) == [])
    let extended = make("h", .addLabels(.newLabels), of: "g")
    #expect(needless([make("g", create), extended, unload("g")]) == [])
    #expect(needless([make("r", .runApplication([]), of: "app")]) == [])
    #expect(needless([unload("g"), make("g", create)]) == [], "unloaded before it is made again")
    #expect(needless([make("g", create), make("g", create), unload("g")]) == [], "a key that comes twice")
  }

  @Test("An operation not unloaded itself is skipped only while its client has no answer for it")
  func feeders() {
    let step = [
      source, make("g", create, of: "rows"),
      make("p", .projectToSimple(vertexProperty: nil, edgeProperty: nil), of: "g"),
      make("a", .createApplication(algorithm: "wcc", archive: [])), make("b", .bindApplication, of: "p", "a"),
      make("r", .runApplication([]), of: "b"), unload("r"),
    ]
    #expect(needless(step) == ["r"])
    #expect(needless(step, unanswered: ["rows", "g", "p", "a", "b", "r"]) == ["rows", "g", "p", "a", "b", "r"])
    #expect(needless(step, unanswered: ["b"]) == ["r", "b", "a"])
  }

  @Test("A cancelled step repeated with its unload is answered at once, without the engine")
  func cancelled() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let step = [make("app", .bindApplication), operation("hold", key: "1"), make("g", create, of: "app")]
    let held = Task { try await session.run(step) }
    await bench.factory.engines[0].waitUntilHolding()
    held.cancel()
    await #expect(throws: CancellationError.self) { try await held.value }
    let calls = bench.factory.engines[0].calls
    let again = [make("app", .bindApplication), make("g", create, of: "app"), unload("g")]
    for _ in 0..<2 {
      let outcome = try await session.run(again)
      #expect(outcome.failure == nil && outcome.results.map(\.key) == ["app", "g", "unload g"])
    }
    #expect(try await session.run([unload("g")]).failure == nil)
    #expect(bench.factory.engines[0].calls == calls)
    // Without the unload, it is run.
    #expect(try await session.run([make("g", create)]).results.first?.result.graph != nil)
    await bench.shutdown()
    try bench.done()
  }

  @Test("A failed step repeated with its unload fails as before, without the engine")
  func failed() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let failing = make("g", .plain(.subgraph), of: "x")
    _ = try await session.run([make("x", .bindApplication)])
    let first = try await session.run([failing])
    let again = try await session.run([failing, unload("g")])
    #expect(first.failure?.error == again.failure?.error && first.failure != nil)
    #expect(bench.factory.engines[0].calls.count { $0 == "SUBGRAPH" } == 1)
    await bench.shutdown()
    try bench.done()
  }

  @Test("An object made by an earlier step is unloaded, although its operations are repeated")
  func earlier() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    _ = try await session.run([make("g", create)])
    #expect(session.graphNumbers.count == 1)
    #expect(try await session.run([make("g", create), unload("g")]).failure == nil)
    #expect(session.graphNumbers.isEmpty)
    await bench.shutdown()
    try bench.done()
  }
}
