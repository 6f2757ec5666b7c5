import Engines
import Testing
import Turns

@testable import Coordinator

@Suite("Steps", .takesTurns)
struct StepTests {
  @Test("Parents may be in earlier steps; a key that never ran is named in the error")
  func parents() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    _ = try await session.run([StepOperation(key: "app", parents: [], action: .analytical(.bindApplication))])
    let outcome = try await session.run([
      StepOperation(key: "x", parents: ["app"], action: .analytical(.bindApplication)),
      StepOperation(key: "y", parents: ["nowhere"], action: .analytical(.bindApplication)),
      StepOperation(key: "z", parents: [], action: .analytical(.bindApplication)),
    ])
    #expect(outcome.results.map(\.key) == ["x"])
    #expect(outcome.failure?.key == "y")
    #expect(outcome.failure?.error.message.contains("nowhere") == true)
    #expect(bench.factory.engines[0].calls == ["bind on 0, tables 0", "bind on 1, tables 0"])
    await bench.coordinator.shutdown()
    try bench.done()
  }

  @Test("An operation may follow one of its step that left nothing but with its engine; a later step may not")
  func parentsWithoutObjects() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let bind = StepOperation(key: "x", parents: ["1"], action: .analytical(.bindApplication))
    let outcome = try await session.run([operation("a", key: "1"), bind])
    #expect(outcome.results.map(\.key) == ["1", "x"])
    #expect(bench.factory.engines[0].calls == ["a", "bind on 1, tables 0"])
    #expect(try await session.run([bind]).failure?.error.code == .invalidArgument)
    await bench.coordinator.shutdown()
    try bench.done()
  }

  @Test("The first failure drops the rest; the same keys may come again")
  func repeatedKeys() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let step = [operation("a", key: "1"), operation("fail", key: "2"), operation("c", key: "3")]
    for _ in 0..<2 {
      let outcome = try await session.run(step)
      #expect(outcome.results.count == 1)
      #expect(outcome.failure?.error == EngineError(.engineFailure, "it failed"))
    }
    #expect(bench.factory.engines[0].calls == ["a", "a"])
    await bench.coordinator.shutdown()
    try bench.done()
  }

  @Test("An object whose operation runs again replaces the old one, which is released")
  func replaced() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let step = [StepOperation(key: "app", parents: [], action: .analytical(.bindApplication))]
    _ = try await session.run(step)
    _ = try await session.run(step)
    #expect(bench.factory.engines[0].released == ["app_1"])
    await bench.coordinator.shutdown()
    try bench.done()
  }

  @Test("A step without operations succeeds")
  func empty() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let outcome = try await session.run([])
    #expect(outcome.results.isEmpty && outcome.failure == nil)
    await bench.coordinator.shutdown()
    try bench.done()
  }

  @Test("Steps of a session run in order while those of another session run beside them")
  func order() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let other = try await bench.connect(bob)
    let held = Task { try await session.run([operation("hold", key: "1"), operation("first", key: "2")]) }
    await bench.factory.engines[0].waitUntilHolding()
    let second = Task { try await session.run([operation("second", key: "3")]) }
    _ = try await other.run([operation("beside", key: "1")])
    bench.coordinator.heartbeat(on: alice.connection, for: alice.principal)
    bench.factory.engines[0].letGo()
    _ = try await held.value
    _ = try await second.value
    #expect(bench.factory.engines[0].calls == ["first", "second"])
    #expect(bench.factory.engines[1].calls == ["beside"])
    await bench.coordinator.shutdown()
    try bench.done()
  }

  @Test("A caller that gives up stops its step, and the next one runs")
  func cancelled() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let held = Task { try await session.run([operation("hold", key: "1")]) }
    await bench.factory.engines[0].waitUntilHolding()
    held.cancel()
    await #expect(throws: CancellationError.self) { try await held.value }
    let outcome = try await session.run([operation("next", key: "2")])
    #expect(outcome.results.count == 1)
    await bench.coordinator.shutdown()
    try bench.done()
  }

  @Test("Tables are handed on within a step and forgotten after it")
  func tables() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let source = StepOperation(key: "src", parents: [], action: .source([]))
    _ = try await session.run([
      source, StepOperation(key: "g", parents: ["src"], action: .analytical(.bindApplication)),
    ])
    _ = try await session.run([StepOperation(key: "h", parents: ["src"], action: .analytical(.bindApplication))])
    #expect(bench.factory.engines[0].calls == ["bind on 1, tables 1", "bind on 1, tables 0"])
    await bench.coordinator.shutdown()
    try bench.done()
  }
}
