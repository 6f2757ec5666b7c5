import Access
import ClientOperations
import ControlPlane
import Engines
import Glibc
import GraphStore
import Scheduling
import StateStore
import Synchronization
import TestSupport
import Testing
import Turns

@testable import Coordinator

@Suite("A coordinator of a later process", .takesTurns)
struct CoordinatorRecoveryTests {
  private let bind = StepOperation(key: "app", parents: [], action: .analytical(.bindApplication))

  @Test("recovers every open session with its owner, its lease and its objects")
  func sessions() async throws {
    let before = try Bench()
    let session = try await before.connect(alice, lease: .seconds(60))
    let eternal = try await before.connect(bob, lease: nil)
    _ = try await session.run([bind])
    let after = try Bench(after: before)
    let summary = try await after.coordinator.recover()
    #expect(summary == .init(sessions: 2, interruptedSteps: 0, lostObjects: 0, closedSessions: 0))
    let back = try after.coordinator.session(session.id, for: alice)
    #expect(back.phase == .connected)
    #expect(throws: CoordinatorError.self) { _ = try after.coordinator.session(eternal.id, for: alice) }
    let outcome = try await back.run([
      StepOperation(key: "x", parents: ["app"], action: .analytical(.bindApplication))
    ])
    #expect(outcome.failure == nil)
    #expect(after.factory.engines[0].calls == ["bind on 1, tables 0"])
    #expect(after.factory.engines[0].recovered == 1)
    let newest = try await after.connect(alice, reconnect: true)
    #expect(newest === back)
    let next = try await after.connect(alice)
    #expect(next.serial > eternal.serial)
    await after.shutdown()
    #expect(try await after.store.entries(prefix: "", at: nil).entries.isEmpty)
    try after.done()
  }

  @Test("gives a session without its client one full lease")
  func lease() async throws {
    let before = try Bench()
    let session = try await before.connect(alice, lease: .zero)
    let kept = try await before.connect(alice, lease: .seconds(600))
    let after = try Bench(after: before)
    _ = try await after.coordinator.recover()
    await after.coordinator.closeExpired()
    #expect(after.coordinator.sessionCount == 1)
    #expect(throws: CoordinatorError.self) { _ = try after.coordinator.session(session.id, for: alice) }
    #expect(throws: Never.self) { _ = try after.coordinator.session(kept.id, for: alice) }
    await after.shutdown()
    try after.done()
  }

  @Test("reports that a running step was interrupted")
  func interrupted() async throws {
    let before = try Bench()
    let session = try await before.connect(alice)
    _ = try await session.run([bind])
    async let step = session.run([operation("hold", key: "h")])
    await before.factory.engines[0].waitUntilHolding()
    let copy = try await before.store.entries(prefix: "", at: nil)
    before.factory.engines[0].letGo()
    _ = try await step
    // The state that a kill in the middle of the step leaves.
    let store = InMemoryStateStore()
    for entry in copy.entries {
      _ = try await store.commit(
        StateTransaction(author: "test", summary: "copy", changes: [.put(entry.key, entry.value)]))
    }
    let after = try Bench(workspace: before.workspace, store: store, factory: FakeFactory(), limits: .init())
    let summary = try await after.coordinator.recover()
    #expect(summary.interruptedSteps == 1)
    let steps = try await store.entries(prefix: "steps/", at: nil).entries.map {
      String(decoding: $0.value, as: UTF8.self)
    }
    #expect(steps.count == 2)
    #expect(steps[0].contains(#""phase":"succeeded""#))
    #expect(steps[1].contains(#""phase":"interrupted""#) && steps[1].contains("run it again"))
    let back = try after.coordinator.session(session.id, for: alice)
    #expect(try await back.run([operation("again", key: "h")]).failure == nil)
    await after.shutdown()
    try after.done()
  }

  @Test("finishes closing a session, and forgets one that was never returned to a client")
  func closings() async throws {
    let before = try Bench()
    let session = try await before.connect(alice)
    let key = "sessions/\(session.id)"
    let entry = try #require(try await before.store.entry(key, at: nil))
    let text = String(decoding: entry.value, as: UTF8.self)
    let closing = text.replacing(#""phase":"connected""#, with: #""phase":"closing""#)
    let unborn = text.replacing("Ready", with: "Steady").replacing(session.id, with: "session_unborn")
    _ = try await before.store.commit(
      StateTransaction(
        author: "test", summary: "a kill",
        changes: [.put(key, Array(closing.utf8)), .put("sessions/session_unborn", Array(unborn.utf8))]))
    _ = try before.workspace.makeSessionDirectory("session_stray")
    try makeDirectory(before.workspace.sessionDirectory("session_stray") + "/analytics")
    let after = try Bench(after: before)
    #expect(try await after.coordinator.recover().closedSessions == 2)
    #expect(after.coordinator.sessionCount == 0)
    #expect(try await after.store.entries(prefix: "", at: nil).entries.isEmpty)
    #expect(try directoryEntries(after.workspace.path + "/sessions").isEmpty)
    try after.done()
  }

  @Test("reports lost objects, and continues with the rest")
  func lost() async throws {
    let before = try Bench()
    let session = try await before.connect(alice)
    _ = try await session.run([bind, StepOperation(key: "b", parents: [], action: .analytical(.bindApplication))])
    let after = try Bench(after: before, factory: FakeFactory(losing: ["app_1"]))
    #expect(try await after.coordinator.recover().lostObjects == 1)
    let entry = try #require(try await after.store.entry("sessions/\(session.id)", at: nil))
    #expect(String(decoding: entry.value, as: UTF8.self).contains("ObjectsLost"))
    await after.shutdown()
    try after.done()
  }

  @Test("does not count a lost graph towards a quota or offer it to services", arguments: [false, true])
  func lostGraphs(keepingRemains: Bool) async throws {
    var policy = TenantPolicy(name: defaultTenant)
    policy.quota.graphs = 1
    let before = try Bench(plan: plan(policy))
    let session = try await before.connect(alice)
    let number = try #require(try await session.makeGraphs(1).first)
    let after = try Bench(
      after: before,
      factory: FakeFactory(losing: ["graph_1"], keepingRemains: keepingRemains, services: FakeServices()),
      plan: plan(policy))
    #expect(try await after.coordinator.recover().lostObjects == 1)
    let tenant = try #require(after.coordinator.desk.report().tenants.first { $0.policy.name == defaultTenant })
    #expect(tenant.graphs == 0)
    let back = try after.coordinator.session(session.id, for: alice)
    let request = QueryInstanceRequest(objectID: number, schemaPath: "", parameters: [:], withCypher: false)
    await #expect(throws: CoordinatorError.self) { try await back.openQueries(request) }
    let object = try #require(try await after.store.entries(prefix: "objects/", at: nil).entries.first)
    #expect(String(decoding: object.value, as: UTF8.self).contains(#""kind":"nothing""#) != keepingRemains)
    let unload = StepOperation(key: "u", parents: ["g0"], action: .analytical(.unload))
    #expect(try await back.run([unload]).failure == nil)
    let load = StepOperation(key: "g1", parents: [], action: .analytical(.createGraph(GraphOptions(), GraphLayout())))
    #expect(try await back.run([load]).failure == nil)
    await after.shutdown()
    try after.done()
  }

  @Test("keeps a session whose engines fail to restart, reports why, and recovers it when they do")
  func engineFails() async throws {
    let before = try Bench()
    let session = try await before.connect(alice)
    _ = try await session.run([bind])
    let failing = FakeFactory(failingWith: EngineError(.engineFailure, "no engine"))
    let after = try Bench(after: before, factory: failing)
    #expect(try await after.coordinator.recover() == .init(heldSessions: 1))
    let held = try after.coordinator.session(session.id, for: alice)
    let error = await #expect(throws: EngineError.self) { _ = try await held.run([bind]) }
    #expect(error?.description.contains("no engine") == true && error?.description.contains("tried again") == true)
    let entry = try #require(try await after.store.entry("sessions/\(session.id)", at: nil))
    #expect(String(decoding: entry.value, as: UTF8.self).contains("RecoveryFailed"))
    await after.shutdown(keepingSessions: true)
    let later = try Bench(after: before)
    #expect(try await later.coordinator.recover().sessions == 1)
    let back = try later.coordinator.session(session.id, for: alice)
    #expect(
      try await back.run([StepOperation(key: "x", parents: ["app"], action: .analytical(.bindApplication))]).failure
        == nil)
    await later.shutdown()
    try later.done()
  }

  @Test("keeps data sent once sessions are known, and removes data sent to an earlier process")
  func sentEarly() async throws {
    let before = try Bench()
    let session = try await before.connect(alice)
    let old = try session.makeSpool(announcedBytes: 1)
    let after = try Bench(after: before)
    var spool: Spool?
    _ = try await after.coordinator.recover(known: {
      #expect(access(old.path, F_OK) != 0)
      spool = try? after.coordinator.session(session.id, for: alice).makeSpool(announcedBytes: 1)
    })
    #expect(access(try #require(spool).path, F_OK) == 0)
    spool = nil
    await after.shutdown()
    try after.done()
  }

  @Test("retries a session that could not be recovered, with its lease suspended")
  func heldAgain() async throws {
    let before = try Bench()
    let session = try await before.connect(alice, lease: .zero)
    let file = before.workspace.sessionDirectory(session.id) + "/" + SessionRecord.objectsName
    // No user can open a link to itself.
    unlink(file)
    symlink(file, file)
    let after = try Bench(after: before)
    #expect(try await after.coordinator.recover().heldSessions == 1)
    await after.coordinator.closeExpired()
    #expect(after.coordinator.sessionCount == 1)
    let held = try #require(after.coordinator.state.withLock { $0.sessions[session.id] })
    let remain = try #require(try await after.coordinator.readRemains().remains.first)
    let comingBack = ComingBack(remain)
    // From here on, the test makes the attempts.
    let attempts = held.tasks.engines
    attempts?.cancel()
    await attempts?.value
    #expect(await after.coordinator.tryAgain(held, comingBack) == false)
    unlink(file)
    #expect(await after.coordinator.tryAgain(held, comingBack))
    #expect(!held.isHeld)
    #expect(try await held.run([bind]).failure == nil)
    await after.shutdown()
    try after.done()
  }

  @Test("skips damaged entries")
  func damaged() async throws {
    let before = try Bench()
    _ = try await before.connect(alice)
    for (key, value) in [("sessions/x", "{"), ("steps/y", "[]"), ("objects/z", "1"), ("objects/a/b/c", "null")] {
      _ = try await before.store.commit(
        StateTransaction(author: "test", summary: "damage", changes: [.put(key, Array(value.utf8))]))
    }
    let after = try Bench(after: before)
    let summary = try await after.coordinator.recover()
    #expect(summary.sessions == 1 && summary.heldSessions == 1)
    #expect(try await after.store.entry("sessions/x", at: nil) != nil)
    await after.shutdown()
    try after.done()
  }

  @Test("continues after a stop that keeps sessions")
  func suspended() async throws {
    let before = try Bench()
    let session = try await before.connect(alice)
    _ = try await session.run([bind])
    await before.shutdown(keepingSessions: true)
    #expect(before.factory.engines[0].isSuspended && !before.factory.engines[0].isClosed)
    let after = try Bench(after: before)
    #expect(try await after.coordinator.recover().sessions == 1)
    await after.shutdown()
    try after.done()
  }
}

@Suite("The state store", .takesTurns)
struct JournalTests {
  @Test("has sessions, engines and steps with their authors and times")
  func documents() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    _ = try await session.run([operation("fail", key: "f")])
    _ = try await session.run([
      StepOperation(key: "r", parents: [], action: .analytical(.exportArray(selector: "r", range: nil)))
    ])
    let keys = try await bench.store.entries(prefix: "", at: nil).entries.map(\.key)
    #expect(
      keys == ["instances/\(session.id)/analytical", "sessions/\(session.id)", "steps/\(session.id)/000000001"])
    let step = try #require(try await bench.store.entry("steps/\(session.id)/000000001", at: nil))
    let text = String(decoding: step.value, as: UTF8.self)
    #expect(text.contains(#""phase":"failed""#) && text.contains("it failed") && text.contains("host 10.0.0.1"))
    bench.coordinator.connectionClosed(alice.connection)
    await bench.coordinator.closeExpired()
    let detached = try #require(try await bench.store.entry("sessions/\(session.id)", at: nil))
    #expect(String(decoding: detached.value, as: UTF8.self).contains(#""phase":"detached""#))
    let authors = try await bench.store.history(after: 0, limit: 100).map(\.author)
    #expect(authors == ["host 10.0.0.1", "host 10.0.0.1", "host 10.0.0.1", "host 10.0.0.1", "coordinator"])
    await bench.shutdown()
    try bench.done()
  }

  @Test("keeps only the newest steps of a session")
  func manySteps() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    for number in 0..<(Journal.keptSteps + 5) { _ = try await session.run([operation("x", key: "k\(number)")]) }
    #expect(try await bench.store.entries(prefix: "steps/", at: nil).entries.count == Journal.keptSteps)
    try await bench.coordinator.close(session.id, for: alice)
    #expect(try await bench.store.entries(prefix: "", at: nil).entries.isEmpty)
    try bench.done()
  }

  @Test("that rejects writes stops only what must be stored, until it accepts them again")
  func failing() async throws {
    let store = FailingStore()
    let workspace = try Workspace(temporaryBelow: temporaryRoot("workspaces"))
    let bench = try Bench(workspace: workspace, store: store, factory: FakeFactory(), limits: .init())
    let session = try await bench.connect(alice)
    let bind = StepOperation(key: "app", parents: [], action: .analytical(.bindApplication))
    _ = try await session.run([bind])
    await store.fail(true)
    let error = await #expect(throws: CoordinatorError.self) { try await bench.connect(bob) }
    #expect(error?.code == .stateUnavailable && error?.message.contains("no space is left") == true)
    await #expect(throws: CoordinatorError.self) { _ = try await session.run([bind]) }
    #expect(bench.factory.engines[0].calls.count == 1)
    let read = StepOperation(
      key: "r", parents: ["app"], action: .analytical(.exportArray(selector: "r", range: nil)))
    #expect(try await session.run([read]).failure == nil)
    await store.fail(false)
    #expect(try await session.run([bind]).failure == nil)
    await bench.shutdown()
    try bench.done()
  }

  @Test("that lacks a result prevents its use")
  func unfinished() async throws {
    let store = FailingStore()
    let workspace = try Workspace(temporaryBelow: temporaryRoot("workspaces"))
    let bench = try Bench(workspace: workspace, store: store, factory: FakeFactory(), limits: .init())
    let session = try await bench.connect(alice)
    let step = [
      StepOperation(key: "app", parents: [], action: .analytical(.bindApplication)), operation("hold", key: "h"),
    ]
    let running = Task { try await session.run(step) }
    await bench.factory.engines[0].waitUntilHolding()
    await store.fail(true)
    bench.factory.engines[0].letGo()
    await #expect(throws: CoordinatorError.self) { _ = try await running.value }
    #expect(bench.factory.engines[0].released == ["app_1"])
    await store.fail(false)
    await bench.shutdown()
    try bench.done()
  }
}
