import ClientOperations
import ControlPlane
import Engines
import Foundation
import Scheduling
import StateStore
import TestSupport
import Testing
import Turns

@testable import Coordinator

@Suite("Histories of the coordinator", .takesTurns, .timeLimit(.minutes(1)))
struct HistoryTests {
  private func plan() -> ClusterPlan {
    CoordinatorTests.plan(places: 2, TenantPolicy(name: "high", priority: 100))
  }

  private func bench(_ recorder: HistoryRecorder, after earlier: Bench? = nil) throws -> Bench {
    try HistoryRecorder.$current.withValue(recorder) {
      var limits = Coordinator.Limits()
      limits.engineRestart = .onFailure
      limits.drain = .zero
      return try Bench(
        workspace: earlier?.workspace ?? Workspace(temporaryBelow: temporaryRoot("workspaces")),
        store: earlier?.store ?? InMemoryStateStore(), factory: FakeFactory(services: FakeServices()), plan: plan(),
        limits: limits)
    }
  }

  /// Replays a history as stored in a file.
  private func replay(_ recorder: HistoryRecorder) throws -> ControlPlane {
    let kept = try JSONDecoder().decode([History.Entry].self, from: JSONEncoder().encode(recorder.history))
    #expect(kept == recorder.history)
    return try History.replay(kept, recorder.header)
  }

  @Test("A replay through the control plane has the same effects, even after a restart")
  func replay() async throws {
    let recorder = HistoryRecorder()
    let bench = try bench(recorder)
    let first = try await bench.connect(alice)
    let second = try await bench.connect(bob)
    let waiting = try await bench.connect(bob)
    let graph = try #require(try await first.makeGraphs(2).first)
    let request = QueryInstanceRequest(objectID: graph, schemaPath: "", parameters: [:], withCypher: false)
    _ = try await first.openQueries(request)
    _ = try await first.run([StepOperation(key: "u", parents: ["g1"], action: .analytical(.unload))])
    try await first.closeQueries(objectID: graph)
    bench.factory.engines[1].die(EngineError(.engineFailure, "killed"))
    _ = try await second.run([operation("x", key: "x")])
    try await bench.coordinator.close(first.id, for: alice)
    _ = try await waiting.run([operation("y", key: "y")])
    let high = try await bench.connect(caller("carol", of: "high", over: 9))
    await bench.coordinator.closeExpired()
    await bench.shutdown(keepingSessions: true)
    let before = try replay(recorder)
    #expect(Set(before.sessions.keys) == [second.id, waiting.id, high.id])
    #expect(recorder.history.count > 30)

    let later = HistoryRecorder()
    let after = try self.bench(later, after: bench)
    _ = try await after.coordinator.recover()
    await after.shutdown()
    let end = try replay(later)
    #expect(end.sessions.isEmpty && end.scheduler.holding.isEmpty && end.scheduler.waiting.isEmpty)
    try after.done()
  }
}
