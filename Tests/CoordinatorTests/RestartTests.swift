import ClientOperations
import ControlPlane
import Engines
import StateStore
import Supervision
import Synchronization
import TestSupport
import Testing
import Turns

@testable import Coordinator

@Suite("Engines that die", .takesTurns, .timeLimit(.minutes(1)))
struct RestartTests {
  private let death = EngineError(.engineFailure, "the engine was killed by signal 9 (SIGKILL)")

  private func bench(_ policy: EngineRestart, losing: Set<String> = []) throws -> Bench {
    var limits = Coordinator.Limits()
    limits.engineRestart = policy
    return try Bench(
      workspace: try Workspace(temporaryBelow: temporaryRoot("workspaces")), store: InMemoryStateStore(),
      factory: FakeFactory(losing: losing, services: FakeServices()), limits: limits)
  }

  private func text(_ bench: Bench, _ key: String) async throws -> String {
    let entries = try await bench.store.entries(prefix: key, at: nil).entries
    return entries.map { String(decoding: $0.value, as: UTF8.self) }.joined(separator: "\n")
  }

  /// Runs a step during which the session's engine dies.
  private func stepWithDeath(_ session: Session, _ engine: FakeEngine) async throws -> StepOutcome {
    async let step = session.run([operation("hold", key: "h")])
    await engine.waitUntilHolding()
    engine.die(death)
    return try await step
  }

  @Test("The running step fails with the cause, its objects are lost, and the next step has new engines")
  func restart() async throws {
    let bench = try bench(.onFailure, losing: ["app_1"])
    let session = try await bench.connect(alice)
    let bystander = try await bench.connect(bob)
    let bind = StepOperation(key: "a", parents: [], action: .analytical(.bindApplication))
    #expect(try await session.run([bind]).failure == nil)
    #expect(try await stepWithDeath(session, bench.factory.engines[0]).failure?.error == death)
    #expect(try await session.run([operation("load", key: "l")]).failure == nil)
    #expect(bench.factory.engines.count == 3)
    #expect(bench.factory.engines[0].isClosed, "nothing is left of the dead ones")
    #expect(bench.factory.engines[2].calls == ["load"])
    #expect(!bench.factory.engines[1].isClosed)
    #expect(try await bystander.run([operation("go on", key: "g")]).failure == nil)
    let bound = session.registry.withLock { $0.handles }.filter {
      if case .boundApplication = $0 { true } else { false }
    }
    #expect(bound.isEmpty)
    #expect(try await text(bench, "sessions/\(session.id)").contains("ObjectsLost"))
    #expect(try await text(bench, "instances/\(session.id)").phase == "ready")
    await session.waitUntilTold("Lost: ")
    await bench.shutdown()
    #expect(try await bench.store.entries(prefix: "", at: nil).entries.isEmpty)
    try bench.done()
  }

  @Test("Query services end with the engines that had their graph, which can no longer be queried")
  func instances() async throws {
    let bench = try bench(.onFailure, losing: ["graph_1"])
    let session = try await bench.connect(alice)
    let graph = try #require(try await session.makeGraphs(1).first)
    let request = QueryInstanceRequest(objectID: graph, schemaPath: "", parameters: [:], withCypher: false)
    _ = try await session.openQueries(request)
    _ = try await stepWithDeath(session, bench.factory.engines[0])
    #expect(try await session.run([operation("load", key: "l")]).failure == nil)
    #expect(try await text(bench, "instances/\(session.id)/interactive").phase == "failed")
    try await session.closeQueries(objectID: graph)
    #expect(try await text(bench, "instances/\(session.id)/interactive") == "")
    await #expect(throws: CoordinatorError.self) { try await session.openQueries(request) }
    await bench.shutdown()
    try bench.done()
  }

  @Test("Without the policy, the session stays as it is and reports the cause")
  func never() async throws {
    let bench = try bench(.never)
    let session = try await bench.connect(alice)
    #expect(try await stepWithDeath(session, bench.factory.engines[0]).failure?.error == death)
    await session.waitUntilTold("SIGKILL")
    #expect(bench.factory.engines.count == 1)
    await session.tasks.engines?.value
    let instance = try await text(bench, "instances/\(session.id)")
    #expect(instance.phase == "failed" && instance.contains("killed by signal 9"))
    #expect(try await text(bench, "sessions/\(session.id)").contains("EnginesDied"))
    await bench.shutdown()
    #expect(try await bench.store.entries(prefix: "", at: nil).entries.isEmpty)
    try bench.done()
  }

  @Test("Engines that die repeatedly are given up, with the last cause")
  func bounded() async throws {
    let bench = try bench(.onFailure)
    let session = try await bench.connect(alice)
    for _ in 0..<RestartBudget.maximumStarts {
      #expect(session.handle(.startAgain(analyticalInstance)).count == 1)
      #expect(session.handle(.instance(analyticalInstance, .becameReady)).count == 1)
    }
    bench.factory.engines[0].die(death)
    let error = await #expect(throws: EngineError.self) { try await session.run([operation("load", key: "l")]) }
    #expect(error?.message.contains("not started again") == true && error?.evidence.contains("SIGKILL") == true)
    #expect(bench.factory.engines.count == 1 && bench.factory.engines[0].isClosed)
    await bench.shutdown()
    try bench.done()
  }
}
