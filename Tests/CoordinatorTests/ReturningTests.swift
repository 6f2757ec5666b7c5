import Access
import ControlPlane
import Synchronization
import Testing
import Turns

@testable import Coordinator

/// The same principal over another connection.
private func caller(_ connection: UInt64) -> Caller {
  Caller(principal: alice.principal, connection: ConnectionID(connection))
}

extension Coordinator {
  fileprivate func heartbeat(_ caller: Caller) { heartbeat(on: caller.connection, for: caller.principal) }
}

extension Session {
  fileprivate var deadline: ContinuousClock.Instant? { control.withLock { $0.composition.deadline } }
}

@Suite("Reconnecting to a session", .takesTurns)
struct ReconnectTests {
  @Test("A client gets back the most recently used session that is not in use")
  func lastUsed() async throws {
    let bench = try Bench()
    let first = try await bench.connect(alice)
    let second = try await bench.connect(alice)
    _ = try bench.coordinator.session(first.id, for: alice)
    bench.coordinator.connectionClosed(alice.connection)
    #expect(try await bench.connect(caller(9), version: "0.1.0", reconnect: true) === first)
    #expect(try await bench.connect(caller(10), reconnect: true) === second)
    await bench.shutdown()
    try bench.done()
  }

  @Test("A session that another client uses is never handed over: a new one is opened, and its log gives the reason")
  func live() async throws {
    let bench = try Bench()
    let live = try await bench.connect(alice)
    let other = try await bench.connect(caller(9), reconnect: true)
    #expect(other !== live)
    #expect(bench.coordinator.state.withLock { $0.connections[live.id] } == alice.connection)
    try await bench.coordinator.close(other.id, for: caller(9))
    #expect(live.phase == .connected)
    var lines = other.log.lines().makeAsyncIterator()
    #expect(await lines.next()?.text.contains("other clients are using your sessions (1)") == true)
    await bench.shutdown()
    try bench.done()
  }

  @Test("A session in use is skipped in favour of an older unused one")
  func passedOver() async throws {
    let bench = try Bench()
    let killed = try await bench.connect(alice)
    let live = try await bench.connect(caller(5))
    bench.coordinator.connectionClosed(alice.connection)
    bench.coordinator.heartbeat(caller(9))
    #expect(try await bench.connect(caller(9), reconnect: true) === killed)
    #expect(bench.coordinator.state.withLock { $0.connections[live.id] } == ConnectionID(5))
    await bench.shutdown()
    try bench.done()
  }

  @Test("Over its own connection, a client gets its own session, and never another principal's")
  func own() async throws {
    let bench = try Bench()
    let mine = try await bench.connect(alice)
    let foreign = try await bench.connect(bob)
    bench.coordinator.connectionClosed(bob.connection)
    #expect(try await bench.connect(alice, reconnect: true) === mine)
    let stranger = Caller(principal: Principal("host 10.0.0.3"), connection: ConnectionID(3))
    let own = try await bench.connect(stranger, reconnect: true)
    #expect(own !== mine && own !== foreign)
    await bench.shutdown()
    try bench.done()
  }

  @Test("A session whose client may be back with heartbeats alone is not handed over")
  func held() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    bench.coordinator.connectionClosed(alice.connection)
    bench.coordinator.heartbeat(caller(8))
    #expect(try await bench.connect(caller(9), reconnect: true) !== session)
    bench.coordinator.connectionClosed(ConnectionID(8))
    #expect(try await bench.connect(caller(10), reconnect: true) === session)
    await bench.shutdown()
    try bench.done()
  }

  @Test("Two simultaneous requests do not get the same session")
  func atOnce() async throws {
    let bench = try Bench()
    let sessions = [try await bench.connect(alice), try await bench.connect(alice)]
    bench.coordinator.connectionClosed(alice.connection)
    async let a = bench.connect(caller(8), reconnect: true)
    async let b = bench.connect(caller(9), reconnect: true)
    #expect(try await Set([a.id, b.id]) == Set(sessions.map(\.id)))
    await bench.shutdown()
    try bench.done()
  }
}

@Suite("Heartbeats", .takesTurns)
struct HoldingTests {
  @Test("Losing the connection detaches; heartbeats of the same principal over a new one postpone the end of the lease")
  func holds() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    bench.coordinator.connectionClosed(alice.connection)
    let end = try #require(session.deadline)
    #expect(session.phase == .detached)
    bench.coordinator.heartbeat(on: bob.connection, for: bob.principal)
    #expect(session.deadline == end)
    bench.coordinator.heartbeat(caller(9))
    #expect(session.deadline! > end && session.phase == .detached)
    _ = try bench.coordinator.session(session.id, for: caller(9))
    #expect(session.phase == .connected)
    bench.coordinator.connectionClosed(ConnectionID(9))
    #expect(session.phase == .detached)
    await bench.shutdown()
    try bench.done()
  }

  @Test("A heartbeat before ConnectSession adopts nothing permanently", arguments: [false, true])
  func readiness(fails: Bool) async throws {
    let bench = try Bench()
    let killed = try await bench.connect(alice)
    bench.coordinator.connectionClosed(alice.connection)
    let end = killed.deadline
    bench.coordinator.heartbeat(caller(9))
    #expect(killed.deadline != end)
    _ = try? await bench.connect(caller(9), version: fails ? "0.1.0" : "0.29.0")
    #expect(killed.deadline == end)
    bench.coordinator.heartbeat(caller(9))
    #expect(killed.deadline == end, "the connection's client is known")
    await bench.shutdown()
    try bench.done()
  }

  @Test("A connection that only checks for a coordinator adopts nothing")
  func probe() async throws {
    let bench = try Bench()
    let session = try await bench.connect(alice)
    bench.coordinator.connectionClosed(alice.connection)
    let end = session.deadline
    bench.coordinator.heartbeat(caller(9))
    bench.coordinator.connectionClosed(ConnectionID(9))
    #expect(session.deadline == end)
    #expect(bench.coordinator.state.withLock { $0.holders.isEmpty && $0.clients.isEmpty })
    await bench.shutdown()
    try bench.done()
  }

  @Test("After a restart, heartbeats alone hold a session; a new client of the principal does not end that")
  func restarted() async throws {
    let earlier = try Bench()
    let id = try await earlier.connect(alice).id
    await earlier.shutdown(keepingSessions: true)
    let bench = try Bench(after: earlier)
    _ = try await bench.coordinator.recover()
    let session = try #require(bench.coordinator.state.withLock { $0.sessions[id] })
    let end = session.deadline
    bench.coordinator.heartbeat(caller(5))
    bench.coordinator.heartbeat(caller(6))
    _ = try await bench.connect(caller(6))
    #expect(session.deadline! > end!, "it is still held by the other connection")
    await bench.shutdown()
    try bench.done()
  }

  @Test("A call that names a session brings back the other sessions of its process, even after a restart")
  func companions() async throws {
    let earlier = try Bench()
    let (one, two) = (try await earlier.connect(alice).id, try await earlier.connect(alice).id)
    let other = try await earlier.connect(caller(5)).id
    await earlier.shutdown(keepingSessions: true)
    let bench = try Bench(after: earlier)
    _ = try await bench.coordinator.recover()
    let sessions = bench.coordinator.state.withLock { $0.sessions }
    let end = sessions[other]?.deadline
    bench.coordinator.heartbeat(caller(7))
    _ = try bench.coordinator.session(one, for: caller(7))
    #expect(sessions[two]?.phase == .connected)
    #expect(sessions[other]?.phase == .detached && sessions[other]?.deadline == end)
    await bench.shutdown()
    try bench.done()
  }

  @Test("A session whose client is gone before it is open is released")
  func abandoned() async throws {
    let bench = try Bench()
    let opening = Task {
      while !Task.isCancelled { await Task.yield() }
      return try await bench.connect(alice)
    }
    opening.cancel()
    await #expect(throws: CancellationError.self) { try await opening.value }
    #expect(bench.coordinator.sessionCount == 0)
    #expect(try directoryEntries(bench.workspace.path + "/sessions").isEmpty)
    await bench.shutdown()
    try bench.done()
  }
}
