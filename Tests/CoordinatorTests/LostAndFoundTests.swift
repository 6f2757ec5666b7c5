import ClientOperations
import Engines
import Glibc
import Objects
import StateStore
import TestSupport
import Testing
import Turns

@testable import Coordinator

@Suite("What the state store does not name", .takesTurns)
struct LostAndFoundTests {
  private let bind = StepOperation(key: "app", parents: [], action: .analytical(.bindApplication))

  /// A session with one object, and the coordinator that had it.
  private func scene() async throws -> (before: Bench, session: Session) {
    let before = try Bench()
    let session = try await before.connect(alice)
    _ = try await session.run([bind])
    await before.shutdown(keepingSessions: true)
    return (before, session)
  }

  @Test("is set aside, listed, and rebuilt from its own record into another store")
  func rebuilt() async throws {
    let (before, session) = try await scene()
    let store = InMemoryStateStore()
    let without = try Bench(workspace: before.workspace, store: store, factory: FakeFactory(), limits: .init())
    #expect(try await without.coordinator.recover() == .init(setAside: 1))
    let lostAndFound = LostAndFound(workspace: before.workspace.path)
    let entry = try #require(try lostAndFound.list().first)
    #expect(entry.kind == .session && entry.session == session.id && entry.reason.contains("does not name"))
    #expect(try before.workspace.sessionNames().isEmpty)
    await without.shutdown()
    let report = try await StateRebuilding(workspace: before.workspace, store: store, author: "test").run()
    #expect(report.sessions == [session.id] && report.objects == 1 && report.left.isEmpty)
    #expect(try await StateRebuilding(workspace: before.workspace, store: store, author: "test").run().isEmpty)
    let after = try Bench(workspace: before.workspace, store: store, factory: FakeFactory(), limits: .init())
    #expect(try await after.coordinator.recover().sessions == 1)
    let back = try after.coordinator.session(session.id, for: alice)
    let step = StepOperation(key: "x", parents: ["app"], action: .analytical(.bindApplication))
    #expect(try await back.run([step]).failure == nil)
    #expect(after.factory.engines[0].recovered == 1)
    await after.shutdown()
    try after.done()
  }

  @Test("is rebuilt whatever else is damaged, in as many transactions as necessary")
  func besideDamage() async throws {
    let (before, session) = try await scene()
    let torn = before.workspace.sessionDirectory("session_a\n")
    try makeDirectory(torn)
    #expect(symlink("objects.log", torn + "/objects.log") == 0)
    let record = SessionRecord(directory: before.workspace.sessionDirectory(session.id))
    for number in 1...8 {
      let key = "graph_\(number)" + String(repeating: "x", count: 250_000)
      _ = try record.append(step: 9, [number: ObjectDocument(.graph(key), of: "k\(number)")])
    }
    _ = try record.append(step: 9, [:])
    let report = try await StateRebuilding(
      workspace: before.workspace, store: InMemoryStateStore(), author: "test"
    ).run()
    #expect(report.sessions == [session.id] && report.objects == 9)
    #expect(report.left.count == 1 && report.left.first?.hasPrefix("sessions/session_a\n: cannot open") == true)
    try before.done()
  }

  @Test("comes back automatically when the store that names it is back")
  func broughtBack() async throws {
    let (before, session) = try await scene()
    let without = try Bench(
      workspace: before.workspace, store: InMemoryStateStore(), factory: FakeFactory(), limits: .init())
    #expect(try await without.coordinator.recover().setAside == 1)
    await without.shutdown()
    let after = try Bench(after: before)
    #expect(try await after.coordinator.recover().sessions == 1)
    #expect(try after.workspace.sessionNames() == [session.id])
    #expect(try LostAndFound(workspace: before.workspace.path).list().isEmpty)
    await after.shutdown()
    try after.done()
  }

  @Test("is kept up to a limited age and number")
  func bounded() async throws {
    let (before, _) = try await scene()
    let without = try Bench(
      workspace: before.workspace, store: InMemoryStateStore(), factory: FakeFactory(), limits: .init())
    _ = try await without.coordinator.recover()
    let lostAndFound = LostAndFound(workspace: before.workspace.path)
    #expect(try lostAndFound.prune(olderThan: .seconds(60), beyond: 1).isEmpty)
    #expect(try lostAndFound.prune(olderThan: .seconds(60), beyond: 0).count == 1)
    #expect(try lostAndFound.list().isEmpty)
    await without.shutdown()
    try without.done()
  }

  @Test("a session with a damaged entry continues with its directory's record; one without a record keeps its place")
  func damagedEntry() async throws {
    let (before, session) = try await scene()
    try makeDirectory(before.workspace.sessionDirectory("session_other") + "/analytics/graph")
    _ = try await before.store.commit(
      StateTransaction(
        author: "test", summary: "damage",
        changes: [
          .put("sessions/\(session.id)", [0]), .put("sessions/session_other", [0]),
          .put(objectKey(session.id, 0), [0]),
        ]))
    let after = try Bench(after: before)
    let summary = try await after.coordinator.recover()
    #expect(summary.sessions == 1 && summary.heldSessions == 1)
    #expect(after.factory.engines[0].recovered == 1)
    #expect(try after.workspace.hasSessionDirectory("session_other"))
    let entry = try #require(try await after.store.entry(objectKey(session.id, 0), at: nil))
    #expect(String(decoding: entry.value, as: UTF8.self).contains("app_1"))
    await after.shutdown()
    try after.done()
  }

  @Test("an object whose unload was interrupted is never reported as lost")
  func cutUnload() async throws {
    let (before, session) = try await scene()
    let step = StepDocument(
      kind: .step, name: stepName(session.id, 2), owner: "test", tenant: nil, createdMilliseconds: 0,
      spec: StepSpec(operations: [.init(key: "u", kind: "UNLOAD", parents: ["app"])]),
      status: StepStatus(phase: .running))
    _ = try await before.store.commit(
      StateTransaction(author: "test", summary: "a kill", changes: [Journal.put(step)]))
    for interrupted in [1, 0] {
      let after = try Bench(after: before, factory: FakeFactory(losing: ["app_1"]))
      let summary = try await after.coordinator.recover()
      #expect(summary.lostObjects == 0 && summary.interruptedSteps == interrupted)
      await after.shutdown(keepingSessions: true)
    }
    try before.done()
  }

  @Test("a record returns what was written to it, and skips damaged or truncated lines")
  func record() throws {
    let root = temporaryRoot("record")
    try makeDirectory(root)
    let record = SessionRecord(directory: root)
    #expect(try record.read() == nil)
    _ = try record.append(step: 1, [0: ObjectDocument(.graph("graph_a"), of: "a")])
    _ = try record.append(step: 1, [:])
    _ = try record.append(step: 2, [1: ObjectDocument(.graph("graph_b"), of: "b")])
    #expect(try record.read()?.objects.keys.sorted() == [0])
    #expect(try record.read()?.line(about: "graph_b")?.step == 2)
    _ = try record.append(step: 2, [:])
    let path = root + "/" + SessionRecord.objectsName
    let size = try #require(try record.read()).lines.count
    var info = stat()
    stat(path, &info)
    truncate(path, info.st_size - 1)
    #expect(try record.read()?.lines.count == size)
    truncate(path, info.st_size - 4)
    #expect(try record.read()?.damagedLines == 1)
    #expect(try record.read()?.objects.keys.sorted() == [0])
    let file = open(path, O_WRONLY)
    pwrite(file, "x", 1, 20)
    close(file)
    #expect(try record.read()?.damagedLines == 2)
    try record.rewrite([7: ObjectDocument(.graph("graph_c"), of: "c")])
    #expect(try record.read()?.objects.keys.sorted() == [7])
    try removeTree(root)
  }
}
