import Access
import ClientOperations
import ControlPlane
import Engines
import Glibc
import Objects
import Scheduling
import StateStore
import Synchronization
import TestSupport
import Testing
import Turns

@testable import Coordinator

@Suite("Sessions whose recovery fails", .takesTurns, .timeLimit(.minutes(1)))
struct FailedReturnTests {
  /// A session of an earlier process, and a coordinator of a later one that could not recover it.
  private func held(_ after: Bench, _ id: String) async throws -> (Session, ComingBack) {
    #expect(try await after.coordinator.recover().heldSessions == 1)
    let session = try #require(after.coordinator.state.withLock { $0.sessions[id] })
    let remain = try #require(try await after.coordinator.readRemains().remains.first)
    // From here on, the test makes the attempts.
    let attempts = session.tasks.engines
    attempts?.cancel()
    await attempts?.value
    return (session, ComingBack(remain))
  }

  @Test("Started engines are ended when the recovery fails afterwards, and others get the resources")
  func enginesEnd() async throws {
    let store = FailingStore()
    let workspace = try Workspace(temporaryBelow: temporaryRoot("workspaces"))
    let before = try Bench(workspace: workspace, store: store, factory: FakeFactory(), limits: .init())
    let id = try await before.connect(alice).id
    let after = try Bench(after: before)
    await store.fail(true)
    let (session, comingBack) = try await held(after, id)
    #expect(after.factory.engines.count == 1 && after.factory.engines[0].isSuspended)
    #expect(after.coordinator.desk.look { $0.holding.isEmpty && $0.waiting.isEmpty })
    await store.fail(false)
    #expect(await after.coordinator.tryAgain(session, comingBack))
    #expect(after.coordinator.desk.allocation(of: session.object) != nil)
    #expect(try await session.run([operation("go on", key: "g")]).failure == nil)
    await after.shutdown()
    try after.done()
  }

  @Test("An attempt to recover a closed session books nothing and leaves no directory")
  func closed() async throws {
    let before = try Bench()
    let id = try await before.connect(alice).id
    let after = try Bench(
      after: before, factory: FakeFactory(failingWith: EngineError(.engineFailure, "no engine")))
    let (session, comingBack) = try await held(after, id)
    try await after.coordinator.close(id, for: alice)
    #expect(await after.coordinator.tryAgain(session, comingBack) == false)
    #expect(after.coordinator.desk.look { $0.holding.isEmpty && $0.waiting.isEmpty })
    #expect(try directoryEntries(after.workspace.path + "/sessions").isEmpty)
    await after.shutdown()
    try after.done()
  }

  @Test("Nothing is stored in a directory whose files are not known yet: it could replace one of them")
  func unknownFiles() async throws {
    let before = try Bench()
    let id = try await before.connect(alice).id
    let file = before.workspace.sessionDirectory(id) + "/library-1.zip"
    // No user can open a link to itself.
    symlink(file, file)
    let after = try Bench(after: before)
    let (session, comingBack) = try await held(after, id)
    let error = #expect(throws: CoordinatorError.self) { _ = try session.makeSpool(announcedBytes: 1) }
    #expect(error?.code == .inputOutput && error?.message.contains("tried again") == true)
    #expect(throws: CoordinatorError.self) {
      try Array("archive".utf8).withUnsafeBytes { try session.addLibrary($0) }
    }
    unlink(file)
    #expect(await after.coordinator.tryAgain(session, comingBack))
    #expect(throws: Never.self) { _ = try session.makeSpool(announcedBytes: 1) }
    await after.shutdown()
    try after.done()
  }

  @Test("Data sent while recovery of a session is retried is kept")
  func sentMeanwhile() async throws {
    let before = try Bench()
    let id = try await before.connect(alice).id
    let record = before.workspace.sessionDirectory(id) + "/" + SessionRecord.objectsName
    unlink(record)
    symlink(record, record)
    let after = try Bench(after: before)
    let (session, comingBack) = try await held(after, id)
    let spool = try session.makeSpool(announcedBytes: 1)
    unlink(record)
    #expect(await after.coordinator.tryAgain(session, comingBack))
    #expect(access(spool.path, F_OK) == 0)
    withExtendedLifetime(spool) {}
    await after.shutdown()
    try after.done()
  }

  @Test("A stop that keeps sessions during the start of engines leaves no session as failed")
  func suspended() async throws {
    let before = try Bench()
    let id = try await before.connect(alice).id
    let after = try Bench(after: before, factory: FakeFactory(starts: 0))
    let recovery = Task { try await after.coordinator.recover() }
    while after.factory.heldStarts == 0 { await Task.yield() }
    await after.shutdown(keepingSessions: true)
    #expect(try await recovery.value.heldSessions == 0)
    let entry = try #require(try await after.store.entry("sessions/\(id)", at: nil))
    #expect(!String(decoding: entry.value, as: UTF8.self).contains("RecoveryFailed"))
    let later = try Bench(after: after)
    #expect(try await later.coordinator.recover().sessions == 1)
    await later.shutdown()
    try later.done()
  }
}

@Suite("Engines with processes of their own after a restart", .takesTurns, .timeLimit(.minutes(1)))
struct StartsAfterRestartTests {
  private func sessions(_ count: Int, in bench: Bench) async throws -> [Session] {
    var sessions: [Session] = []
    for _ in 0..<count { sessions.append(try await bench.connect(alice)) }
    return sessions
  }

  @Test("are started several at a time while clients are already served, and given up when the process ends")
  func served() async throws {
    let before = try Bench()
    let ids = try await sessions(6, in: before).map(\.id)
    let after = try Bench(after: before, factory: FakeFactory(starts: 0, isEmbedded: false))
    #expect(try await after.coordinator.recover() == .init())
    #expect(after.coordinator.sessionCount == 6)
    let session = try after.coordinator.session(ids[0], for: alice)
    #expect(throws: Never.self) { _ = try session.makeSpool(announcedBytes: 1) }
    while after.factory.heldStarts < 4 { await Task.yield() }
    for _ in 0..<100 { await Task.yield() }
    #expect(after.factory.heldStarts == 4)
    try await after.coordinator.close(ids[0], for: alice)
    await after.shutdown(keepingSessions: true)
    #expect(after.factory.heldStarts <= 5, "the others are not begun any more")
    #expect(try await after.store.entries(prefix: "sessions/", at: nil).entries.count == 5)
    #expect(!after.factory.isBegun, "nothing is begun ahead when the process ends")
    try after.done()
  }

  @Test("run the steps that wait for them; engines are started ahead of sessions last")
  func started() async throws {
    let before = try Bench()
    let ids = try await sessions(6, in: before).map(\.id)
    let after = try Bench(after: before, factory: FakeFactory(isEmbedded: false))
    _ = try await after.coordinator.recover()
    for id in ids {
      let session = try after.coordinator.session(id, for: alice)
      #expect(try await session.run([operation("go on", key: "g")]).failure == nil)
    }
    while !after.factory.isBegun { await Task.yield() }
    #expect(after.factory.engines.count == 6)
    await after.shutdown()
    try after.done()
  }
}

@Suite("Late events", .takesTurns, .timeLimit(.minutes(1)))
struct LateEventTests {
  @Test("Engines that do not start in time while their session is opened are given up with an error")
  func opening() async throws {
    let bench = try Bench(plan: plan(), factory: FakeFactory(starts: 0))
    let opening = Task { try await bench.connect(alice, lease: .seconds(5)) }
    while bench.factory.heldStarts == 0 { await Task.yield() }
    await bench.coordinator.closeExpired(at: .now + .seconds(60))
    #expect(bench.coordinator.desk.sessions.first?.isOpen == true, "its lease does not run yet")
    await bench.coordinator.closeExpired(at: .now + controlTimeouts.start)
    let error = await #expect(throws: EngineError.self) { _ = try await opening.value }
    #expect(error?.message.contains("did not start within 900 s") == true)
    #expect(bench.coordinator.desk.look { $0.holding.isEmpty && $0.waiting.isEmpty })
    #expect(bench.coordinator.desk.sessions.isEmpty)
    #expect(try await bench.store.entries(prefix: "", at: nil).entries.isEmpty)
    await bench.shutdown()
    try bench.done()
  }

  @Test("The waiting time of a session is no longer recorded once its engines are ready")
  func waitingNote() async throws {
    let bench = try Bench(plan: plan())
    let session = try await bench.connect(alice)
    let ready = session.storedDocument
    var waiting = ready
    waiting.noteWaiting(.queued, "position 1")
    let key = ObjectKind.session.key(session.id)
    session.wrote(
      waiting,
      revision: try await bench.coordinator.journal.commit(
        "wait", by: "test", on: session.object, [Journal.put(waiting)]))
    let revision = try await bench.coordinator.journal.commit(
      "be ready", by: "test", on: session.object, [Journal.put(ready)])
    await bench.coordinator.note("record how long a session may wait", of: session) { document in
      #expect(document.waiting == .queued)
      // The engines become ready between the read of the document and its change.
      session.wrote(ready, revision: revision)
      document.noteWaiting(.queued, "position 1")
      return true
    }
    let entry = try #require(try await bench.store.entry(key, at: nil))
    #expect(entry.modified == revision && !String(decoding: entry.value, as: UTF8.self).contains("position 1"))
    await bench.shutdown()
    try bench.done()
  }

  @Test("Heartbeats, lost connections and calls do not wait for the scheduler")
  func heartbeats() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let detached = try await bench.connect(bob)
    // The lock is not recursive: taking it again here would trap.
    bench.coordinator.desk.look { _ in
      bench.coordinator.heartbeat(on: alice.connection, for: alice.principal)
      bench.coordinator.connectionClosed(bob.connection)
      bench.coordinator.heartbeat(on: ConnectionID(9), for: bob.principal)
      #expect(throws: Never.self) { _ = try bench.coordinator.session(session.id, for: alice) }
    }
    #expect(session.phase == .connected && detached.phase == .detached)
    await bench.shutdown()
    try bench.done()
  }

  @Test("A session whose engines die during a preemption releases its resources all the same")
  func preemptedDeath() async throws {
    var limits = Coordinator.Limits()
    limits.engineRestart = .onFailure
    let bench = try Bench(plan: plan(places: 1, TenantPolicy(name: "urgent", priority: 10)), limits: limits)
    let bob = try await bench.connect(caller("bob", of: "slow"))
    async let step = bob.run([operation("hold", key: "h")])
    await bench.factory.engines[0].waitUntilHolding()
    let alice = try await bench.connect(caller("alice", of: "urgent"))
    bench.factory.engines[0].die(EngineError(.engineFailure, "killed"))
    #expect(try await step.failure != nil)
    #expect(try await alice.run([operation("urgent work", key: "u")]).failure == nil)
    #expect(bench.coordinator.desk.allocation(of: bob.object) == nil)
    try await bench.coordinator.close(alice.id, for: caller("alice", of: "urgent"))
    #expect(try await bob.run([operation("go on", key: "g")]).failure == nil)
    await bench.shutdown()
    try bench.done()
  }
}
