import Access
import ClientOperations
import ControlPlane
import Engines
import Glibc
import LogStore
import Logging
import Scheduling
import StateStore
import Synchronization
import TestSupport
import Testing
import Turns
import Vocabulary

@testable import Coordinator

/// A coordinator with fake engines in a directory of its own.
struct Bench {
  let factory: FakeFactory
  let workspace: Workspace
  let store: any StateStore
  let coordinator: Coordinator
  private let running: Running<Bool>

  init(
    plan: ClusterPlan? = nil, limits: Coordinator.Limits = .init(), failingWith error: EngineError? = nil,
    services: FakeServices? = nil
  ) throws {
    let workspace = try Workspace(temporaryBelow: temporaryRoot("workspaces"))
    try self.init(
      workspace: workspace, store: InMemoryStateStore(), factory: FakeFactory(failingWith: error, services: services),
      plan: plan, limits: limits)
  }

  /// Creates a coordinator of a later process, with the state and the files of an earlier one that ended.
  init(after earlier: Bench, factory: FakeFactory = FakeFactory(), plan: ClusterPlan? = nil) throws {
    try self.init(workspace: earlier.workspace, store: earlier.store, factory: factory, plan: plan, limits: .init())
  }

  init(
    workspace: Workspace, store: any StateStore, factory: FakeFactory, plan: ClusterPlan? = nil,
    limits: Coordinator.Limits
  ) throws {
    (self.workspace, self.store, self.factory) = (workspace, store, factory)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let coordinator = Coordinator(
      version: "0.29.0", workspace: workspace, store: store,
      logs: try LogStore(directory: workspace.path + "/logs", instance: randomStateID()), factory: factory,
      plan: plan, limits: limits, logger: logger)
    self.coordinator = coordinator
    running = Running { ended in await coordinator.run { await ended() ?? true } }
  }

  func connect(
    _ caller: Caller, version: String = "0.29.0", reconnect: Bool = false, lease: Duration? = .seconds(600)
  ) async throws -> Session {
    try await coordinator.connect(caller, .init(version: version, reconnect: reconnect, lease: lease))
  }

  /// Ends the coordinator, and closes its sessions or keeps them for a later process.
  func shutdown(keepingSessions: Bool = false) async { await running.end(keepingSessions) }

  func done() throws {
    // Further lines would be written to a directory that is being removed.
    coordinator.logs.close()
    try workspace.close()
    rmdir(String(workspace.path[..<workspace.path.lastIndex(of: "/")!]))
  }
}

let alice = Caller(principal: Principal("host 10.0.0.1"), connection: ConnectionID(1))
let bob = Caller(principal: Principal("host 10.0.0.2"), connection: ConnectionID(2))

/// Returns an operation that the fake engine knows by name.
func operation(_ name: String, key: String, parents: [String] = []) -> StepOperation {
  StepOperation(key: key, parents: parents, action: .analytical(.plain(.modifyVertices, [.node: name])))
}

@Suite("Connecting", .takesTurns)
struct ConnectingTests {
  @Test("Every client gets a session of its own")
  func separate() async throws {
    let bench = try Bench()
    let first = try await bench.connect(alice)
    let second = try await bench.connect(alice)
    #expect(first.id != second.id)
    #expect(bench.coordinator.sessionCount == 2)
    await bench.shutdown()
    try bench.done()
  }

  @Test(
    "Versions fit when major and minor are the same",
    arguments: [
      ("0.29.0", true), ("0.29.9", true), ("0.29", true), ("0.29.0rc1", true), ("0.28.0", false), ("1.29.0", false),
      ("", false), ("x", false),
    ])
  func versions(version: String, fits: Bool) async throws {
    let bench = try Bench()
    if fits {
      _ = try await bench.connect(alice, version: version)
    } else {
      let error = await #expect(throws: CoordinatorError.self) { try await bench.connect(alice, version: version) }
      #expect(error?.code == .versionMismatch)
      let message =
        "Version between client and server is inconsistent: \(version) vs 0.29.0. "
        + "Install the matching client: pip install graphscope-client==0.29.0"
      #expect(error?.message.hasPrefix(message) == true)
      #expect(error?.message.hasSuffix("--set clients.versions=0.28") == (version == "0.28.0"))
    }
    await bench.shutdown()
    try bench.done()
  }

  @Test("Configured releases are served in addition to the server's own")
  func otherVersions() async throws {
    var limits = Coordinator.Limits()
    limits.clientVersions = [try #require(ReleaseVersion("0.28"))]
    let bench = try Bench(limits: limits)
    for version in ["0.28.0", "0.29.0"] { _ = try await bench.connect(alice, version: version) }
    await #expect(throws: CoordinatorError.self) { try await bench.connect(alice, version: "0.27.0") }
    await bench.shutdown()
    try bench.done()
  }

  @Test("Above the limit of sessions, a client is rejected, and accepted again when one is closed")
  func bound() async throws {
    let bench = try Bench(limits: .init(sessions: 1))
    let session = try await bench.connect(alice)
    let error = await #expect(throws: CoordinatorError.self) { try await bench.connect(bob) }
    #expect(error?.code == .limitReached)
    try await bench.coordinator.close(session.id, for: alice)
    _ = try await bench.connect(bob)
    await bench.shutdown()
    try bench.done()
  }

  @Test("A principal has its share of all sessions, and others still get one", arguments: [nil, 3])
  func principals(share: Int?) async throws {
    var limits = Coordinator.Limits(sessions: 10)
    limits.sessionsPerPrincipal = share
    let bench = try Bench(limits: limits)
    var sessions: [Session] = []
    for _ in 0..<(share ?? 9) { sessions.append(try await bench.connect(alice)) }
    let error = await #expect(throws: CoordinatorError.self) { try await bench.connect(alice) }
    #expect(error?.code == .limitReached && error?.message.contains("limits.sessions_per_principal") == true)
    _ = try await bench.connect(bob)
    try await bench.coordinator.close(sessions[0].id, for: alice)
    _ = try await bench.connect(alice)
    await #expect(throws: CoordinatorError.self) { try await bench.connect(alice) }
    await bench.shutdown()
    #expect(bench.coordinator.state.withLock { $0.count == 0 && $0.count(of: alice.principal) == 0 })
    try bench.done()
  }

  @Test("If none is free, sessions without objects whose client is gone make room, least recently used first")
  func room() async throws {
    let bench = try Bench(limits: .init(sessions: 3))
    let gone = Caller(principal: alice.principal, connection: ConnectionID(8))
    let (first, second) = (try await bench.connect(gone), try await bench.connect(gone))
    let rich = try await bench.connect(gone)
    _ = try await rich.makeGraphs(1)
    await #expect(throws: CoordinatorError.self) { try await bench.connect(bob) }
    bench.coordinator.connectionClosed(gone.connection)
    _ = try await bench.connect(bob)
    #expect(first.phase == .closed && second.phase == .detached)
    _ = try await bench.connect(bob)
    #expect(second.phase == .closed)
    await #expect(throws: CoordinatorError.self, "what has objects stays until its lease is over") {
      try await bench.connect(bob)
    }
    #expect(rich.phase == .detached && bench.coordinator.sessionCount == 3)
    await bench.shutdown()
    try bench.done()
  }

  @Test("An engine that fails to start leaves no session and no files behind")
  func engineFails() async throws {
    let bench = try Bench(limits: .init(sessions: 1), failingWith: EngineError(.engineFailure, "no engine"))
    for _ in 0..<3 { await #expect(throws: EngineError.self) { try await bench.connect(alice) } }
    #expect(bench.coordinator.sessionCount == 0)
    #expect(try directoryEntries(bench.workspace.path + "/sessions").isEmpty)
    try bench.done()
  }
}

@Suite("Leases and endings", .takesTurns)
struct LeaseTests {
  @Test("A session without a sign of life is released with all its files")
  func expires() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice, lease: .zero)
    _ = try await bench.connect(bob)
    await bench.coordinator.closeExpired()
    #expect(bench.coordinator.sessionCount == 1)
    #expect(session.phase == .closed)
    #expect(bench.factory.engines[0].isClosed)
    #expect(try directoryEntries(bench.workspace.path + "/sessions").count == 1)
    await bench.shutdown()
    try bench.done()
  }

  @Test("A heartbeat on a new connection examines only unconnected sessions, and none is kept after its end")
  func unconnected() async throws {
    let bench = try Bench()
    let second = Caller(principal: alice.principal, connection: ConnectionID(5))
    let sessions = [try await bench.connect(alice), try await bench.connect(second), try await bench.connect(bob)]
    let names = { bench.coordinator.state.withLock { $0.unconnected.mapValues { Set($0.keys) } } }
    #expect(names().isEmpty)
    for connection in [alice.connection, second.connection] { bench.coordinator.connectionClosed(connection) }
    #expect(names() == [alice.principal: Set(sessions.prefix(2).map(\.id))])
    let back = Caller(principal: alice.principal, connection: ConnectionID(9))
    _ = try bench.coordinator.session(sessions[0].id, for: back)
    #expect(names() == [alice.principal: [sessions[1].id]])
    try await bench.coordinator.close(sessions[1].id, byOperator: "uid 0")
    #expect(names().isEmpty)
    await bench.shutdown()
    try bench.done()
  }

  @Test("Other principals' sessions do not exist for a caller, and their ids are not revealed")
  func isolation() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let error = #expect(throws: CoordinatorError.self) { try bench.coordinator.session(session.id, for: bob) }
    let unknown = #expect(throws: CoordinatorError.self) { try bench.coordinator.session("session_x", for: bob) }
    #expect(error?.code == .unknownSession)
    #expect(unknown?.message.contains(session.id) == false)
    await #expect(throws: CoordinatorError.self) { try await bench.coordinator.close(session.id, for: bob) }
    #expect(session.phase == .connected)
    await bench.shutdown()
    try bench.done()
  }

  @Test("Closing cancels the running step and ends the readers of the log")
  func closeWhileRunning() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let step = Task { try await session.run([operation("hold", key: "a")]) }
    let reader = Task { await session.log.lines().reduce(into: 0) { count, _ in count += 1 } }
    await bench.factory.engines[0].waitUntilHolding()
    try await bench.coordinator.close(session.id, for: alice)
    let error = await #expect(throws: CoordinatorError.self) { try await step.value }
    #expect(error?.code == .sessionClosing)
    _ = await reader.value
    #expect(bench.factory.engines[0].isClosed)
    await #expect(throws: CoordinatorError.self) { try await session.run([operation("x", key: "b")]) }
    try bench.done()
  }

  @Test("A shutdown lets a running step finish, and accepts no other")
  func drains() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    let step = Task { try await session.run([operation("hold", key: "a")]) }
    await bench.factory.engines[0].waitUntilHolding()
    let shutdown = Task { await bench.shutdown() }
    while (try? bench.coordinator.sessionForWork(session.id, for: alice)) != nil { await Task.yield() }
    bench.factory.engines[0].letGo()
    #expect(try await step.value.results.count == 1)
    await shutdown.value
    #expect(bench.coordinator.sessionCount == 0)
    try bench.done()
  }

  @Test("A step that outlasts the grace period of a shutdown is cancelled")
  func graceOver() async throws {
    let bench = try Bench(limits: .init(shutdownGrace: .zero))
    let session = try await bench.connect(alice)
    let step = Task { try await session.run([operation("hold", key: "a")]) }
    await bench.factory.engines[0].waitUntilHolding()
    await bench.shutdown()
    await #expect(throws: CoordinatorError.self) { try await step.value }
    try bench.done()
  }

  @Test("After a shutdown, no client is accepted")
  func shutdown() async throws {
    let bench = try Bench()
    _ = try await bench.connect(alice)
    await bench.shutdown()
    #expect(bench.coordinator.sessionCount == 0)
    let error = await #expect(throws: CoordinatorError.self) { try await bench.connect(alice) }
    #expect(error?.code == .shuttingDown)
    try bench.done()
  }
}
