import Access
import ClientOperations
import Engines
import Scheduling
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
    await bench.shutdown()
    try bench.done()
  }

  @Test("An operation may use an engine-only result of its own step, but not of an earlier one")
  func parentsWithoutObjects() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let bind = StepOperation(key: "x", parents: ["1"], action: .analytical(.bindApplication))
    let outcome = try await session.run([operation("a", key: "1"), bind])
    #expect(outcome.results.map(\.key) == ["1", "x"])
    #expect(bench.factory.engines[0].calls == ["a", "bind on 1, tables 0"])
    #expect(try await session.run([bind]).failure?.error.code == .invalidArgument)
    await bench.shutdown()
    try bench.done()
  }

  @Test("The first failure drops the rest; the same keys may be sent again")
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
    await bench.shutdown()
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
    await bench.shutdown()
    try bench.done()
  }

  @Test("A step without operations succeeds")
  func empty() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let outcome = try await session.run([])
    #expect(outcome.results.isEmpty && outcome.failure == nil)
    await bench.shutdown()
    try bench.done()
  }

  @Test("Steps of a session run in order, concurrently with those of another session")
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
    await bench.shutdown()
    try bench.done()
  }

  @Test("Cancelling the caller cancels its step, and the next one runs")
  func cancelled() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let held = Task { try await session.run([operation("hold", key: "1")]) }
    await bench.factory.engines[0].waitUntilHolding()
    held.cancel()
    await #expect(throws: CancellationError.self) { try await held.value }
    let outcome = try await session.run([operation("next", key: "2")])
    #expect(outcome.results.count == 1)
    await bench.shutdown()
    try bench.done()
  }

  @Test("Waiting steps of a session beyond the limit are rejected, at no cost")
  func waitingSteps() async throws {
    var limits = Coordinator.Limits()
    limits.waitingSteps = 2
    let bench = try Bench(limits: limits)
    let session = try await bench.connect(alice)
    let held = Task { try await session.run([operation("hold", key: "1")]) }
    await bench.factory.engines[0].waitUntilHolding()
    let waiting = ["2", "3"].map { key in Task.immediate { try await session.run([operation(key, key: key)]) } }
    let error = await #expect(throws: EngineError.self) { try await session.run([operation("4", key: "4")]) }
    #expect(error?.code == .resourceExhausted && error?.description.contains("2 steps") == true)
    bench.factory.engines[0].letGo()
    _ = try await held.value
    for step in waiting { #expect(try await step.value.failure == nil) }
    #expect(try await session.run([operation("5", key: "5")]).failure == nil)
    #expect(bench.factory.engines[0].calls == ["2", "3", "5"])
    await bench.shutdown()
    try bench.done()
  }

  /// A step that takes memory, and reports when its operations are made.
  private struct LargeStep: WaitingStep {
    let operation: StepOperation
    let waitingBytes: Int
    let operationBytes: Int

    func operations() -> [StepOperation] { [operation] }
  }

  @Test("The memory of a step, waiting or running, counts towards its tenant")
  func waitingBytes() async throws {
    let quota = TenantPolicy(name: "one", quota: .init(memoryBytes: 1000))
    let bench = try Bench(plan: plan(quota), factory: FakeFactory())
    let session = try await bench.connect(caller("alice", of: "one"))
    let taken = session.storage.taken.memoryBytes
    let held = Task { try await session.run([operation("hold", key: "1")]) }
    await bench.factory.engines[0].waitUntilHolding()
    func step(_ key: String, waiting: Int, performed: Int = 0) -> LargeStep {
      LargeStep(operation: operation(key, key: key), waitingBytes: waiting, operationBytes: performed)
    }
    let first = Task.immediate { try await session.run(step("2", waiting: 600)) }
    #expect(session.storage.taken.memoryBytes == taken + 600)
    let second = await #expect(throws: EngineError.self) { try await session.run(step("3", waiting: 401)) }
    #expect(second?.code == .resourceExhausted)
    let third = Task.immediate { try await session.run(step("4", waiting: 400)) }
    bench.factory.engines[0].letGo()
    _ = try await (held.value, first.value, third.value)
    #expect(session.storage.taken.memoryBytes == taken)
    let fourth = await #expect(throws: EngineError.self) {
      try await session.run(step("5", waiting: 0, performed: 1001))
    }
    #expect(fourth?.code == .resourceExhausted)
    _ = try await session.run(step("6", waiting: 2000, performed: 1000))
    #expect(session.storage.taken.memoryBytes == taken)
    #expect(bench.factory.engines[0].calls == ["2", "4", "6"])
    await bench.shutdown()
    try bench.done()
  }

  @Test("Tables are passed on within a step and forgotten after it")
  func tables() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let source = StepOperation(key: "src", parents: [], action: .source([]))
    _ = try await session.run([
      source, StepOperation(key: "g", parents: ["src"], action: .analytical(.bindApplication)),
    ])
    _ = try await session.run([StepOperation(key: "h", parents: ["src"], action: .analytical(.bindApplication))])
    #expect(bench.factory.engines[0].calls == ["bind on 1, tables 1", "bind on 1, tables 0"])
    await bench.shutdown()
    try bench.done()
  }
}
