import Access
import ClientOperations
import ControlPlane
import Engines
import GraphStore
import Scheduling
import StateStore
import TestSupport
import Testing
import Turns
import Vocabulary

@testable import Coordinator

/// A caller of a tenant.
func caller(_ name: String, of tenant: String, over connection: UInt64 = 7) -> Caller {
  Caller(
    Identity(principal: Principal(name), tenant: tenant, role: .user), connection: ConnectionID(connection))
}

/// A plan with one host with places for this many sessions, and tenants with a policy each.
func plan(places: Int64 = 100, memory: Int64 = 1 << 40, _ tenants: TenantPolicy...) -> ClusterPlan {
  ClusterPlan(
    hosts: [
      .init(
        name: ClusterPlan.ownHost,
        capacity: Resources(
          cpuMillicores: 8000, memoryBytes: memory, analyticalSlots: places, interactiveSlots: 1, learningSlots: 1))
    ], tenants: tenants)
}

private let one = TenantPolicy(name: "one", quota: .init(sessions: 1), maximumWaiting: 1)

extension Bench {
  /// Creates a coordinator with a plan and a factory of its own.
  init(plan: ClusterPlan, factory: FakeFactory) throws {
    try self.init(
      workspace: Workspace(temporaryBelow: temporaryRoot("workspaces")), store: InMemoryStateStore(), factory: factory,
      plan: plan, limits: .init())
  }
}

extension Session {
  /// Makes graphs with the keys `g0`, `g1` and so on; returns their numbers.
  func makeGraphs(_ count: Int) async throws -> [Int64] {
    let outcome = try await run(
      (0..<count).map {
        StepOperation(
          key: "g\($0)", parents: [], action: .analytical(.createGraph(GraphOptions(), GraphLayout())))
      })
    #expect(outcome.failure == nil)
    return outcome.results.compactMap { if case .graph(let graph) = $0.result { graph.objectID } else { nil } }
  }

  /// Suspends until the session's log contains these words.
  func waitUntilTold(_ words: String) async {
    for await line in log.lines() where line.text.contains(words) { return }
  }
}

@Suite("Waiting for resources", .takesTurns)
struct WaitingTests {
  @Test("A session over its tenant's quota is open at once, reports why it waits, and continues when there is room")
  func quota() async throws {
    let bench = try Bench(plan: plan(one))
    let alice = caller("alice", of: "one")
    let first = try await bench.connect(alice)
    let second = try await bench.connect(alice)
    #expect(bench.factory.engines.count == 1)
    await second.waitUntilTold("position 1")
    async let step = second.run([operation("late", key: "l")])
    try await bench.coordinator.close(first.id, for: alice)
    #expect(try await step.failure == nil)
    #expect(bench.factory.engines.count == 2)
    await bench.shutdown()
    try bench.done()
  }

  @Test("A request beyond the limit of waiting ones is rejected with the numbers; other tenants are not affected")
  func refused() async throws {
    let bench = try Bench(plan: plan(one))
    let alice = caller("alice", of: "one")
    _ = try await bench.connect(alice)
    _ = try await bench.connect(alice)
    let error = await #expect(throws: CoordinatorError.self) { try await bench.connect(alice) }
    #expect(error?.code == .limitReached)
    #expect(error?.message.contains("one") == true)
    let bob = try await bench.connect(caller("bob", of: "two"))
    #expect(try await bob.run([operation("work", key: "w")]).failure == nil)
    #expect(bench.coordinator.sessionCount == 3)
    await bench.shutdown()
    #expect(try await bench.store.entries(prefix: "", at: nil).entries.isEmpty)
    try bench.done()
  }

  @Test("Raising a quota lets a waiting session continue; a dry run reports so and changes nothing")
  func raised() async throws {
    let bench = try Bench(plan: plan(one))
    let alice = caller("alice", of: "one")
    _ = try await bench.connect(alice)
    let second = try await bench.connect(alice)
    var more = one
    more.quota.sessions = 2
    let foreseen = try await bench.coordinator.reload(plan(more), isDryRun: true, by: "root")
    #expect(foreseen.contains { $0.contains("one") })
    #expect(bench.factory.engines.count == 1)
    _ = try await bench.coordinator.reload(plan(more), isDryRun: false, by: "root")
    #expect(try await second.run([operation("work", key: "w")]).failure == nil)
    #expect(bench.factory.engines.count == 2)
    await bench.shutdown()
    try bench.done()
  }

  @Test("A session that waits can be closed, and its steps end")
  func closed() async throws {
    let bench = try Bench(plan: plan(one))
    let alice = caller("alice", of: "one")
    _ = try await bench.connect(alice)
    let second = try await bench.connect(alice)
    let step = Task { try await second.run([operation("never", key: "n")]) }
    try await bench.coordinator.close(second.id, for: alice)
    let error = await #expect(throws: CoordinatorError.self) { _ = try await step.value }
    #expect(error?.code == .sessionClosing)
    _ = try await bench.connect(alice)
    await bench.shutdown()
    try bench.done()
  }

  @Test("Engines that do not start in time are given up: steps fail with an error, and others get the resources")
  func late() async throws {
    let bench = try Bench(plan: plan(one), factory: FakeFactory(starts: 1))
    let alice = caller("alice", of: "one")
    let first = try await bench.connect(alice, lease: nil)
    let second = try await bench.connect(alice, lease: nil)
    let step = Task { try await second.run([operation("never", key: "n")]) }
    try await bench.coordinator.close(first.id, for: alice)
    while bench.factory.heldStarts == 0 || second.tasks.engines == nil { await Task.yield() }
    second.perform(second.tell(.tick, at: .now + controlTimeouts.start))
    let error = await #expect(throws: EngineError.self) { _ = try await step.value }
    #expect(error?.message.contains("did not start within 900 s") == true)
    await second.tasks.engines?.value
    #expect(bench.coordinator.desk.allocation(of: second.object) == nil)
    await bench.shutdown()
    try bench.done()
  }

  @Test("After a restart, holders continue and waiting sessions wait")
  func recovered() async throws {
    let plan = plan(one)
    let before = try Bench(plan: plan)
    let alice = caller("alice", of: "one")
    let first = try await before.connect(alice)
    _ = try await first.run([StepOperation(key: "app", parents: [], action: .analytical(.bindApplication))])
    let second = try await before.connect(alice)
    let after = try Bench(after: before, plan: plan)
    #expect(try await after.coordinator.recover().sessions == 2)
    #expect(after.factory.engines.count == 1)
    let back = try after.coordinator.session(second.id, for: alice)
    #expect(back.tenant == "one")
    try await after.coordinator.close(first.id, for: alice)
    #expect(try await back.run([operation("work", key: "w")]).failure == nil)
    await after.shutdown()
    try after.done()
  }

  @Test("Instances wait for their resources, and the session's log reports it")
  func instances() async throws {
    let services = FakeServices()
    let bench = try Bench(plan: plan(), services: services)
    let alice = caller("alice", of: "one")
    let session = try await bench.connect(alice)
    let graphs = try await session.makeGraphs(2)
    let request = { (graph: Int64) in
      QueryInstanceRequest(objectID: graph, schemaPath: "", parameters: [:], withCypher: false)
    }
    _ = try await session.openQueries(request(graphs[0]))
    async let second = session.openQueries(request(graphs[1]))
    bench.coordinator.desk.tick()
    try await session.closeQueries(objectID: graphs[0])
    _ = try await second
    await bench.shutdown()
    try bench.done()
  }
}

@Suite("Giving way", .takesTurns)
struct GivingWayTests {
  @Test("A session gives way to one of higher priority; its step is cancelled and begins again when there is room")
  func priority() async throws {
    var limits = Coordinator.Limits()
    limits.drain = .zero
    let urgent = TenantPolicy(name: "urgent", priority: 10)
    let bench = try Bench(plan: plan(places: 1, urgent), limits: limits)
    let bob = try await bench.connect(caller("bob", of: "slow"))
    async let step = bob.run([
      StepOperation(key: "app", parents: [], action: .analytical(.bindApplication)), operation("hold", key: "h"),
    ])
    await bench.factory.engines[0].waitUntilHolding()
    let alice = caller("alice", of: "urgent")
    let session = try await bench.connect(alice)
    #expect(try await session.run([operation("urgent work", key: "u")]).failure == nil)
    #expect(bench.factory.engines[0].isSuspended)
    #expect(bench.factory.engines.count == 2)
    try await bench.coordinator.close(session.id, for: alice)
    await bob.waitUntilTold("Resources were granted")
    await bench.factory.engines[2].waitUntilHolding()
    #expect(bench.factory.engines[2].recovered == 1)
    bench.factory.engines[2].letGo()
    #expect(try await step.failure == nil)
    #expect(bench.coordinator.metrics.value(.preemptions) == 1)
    await bench.shutdown()
    #expect(try await bench.store.entries(prefix: "", at: nil).entries.isEmpty)
    try bench.done()
  }
}

@Suite("Room for graphs", .takesTurns)
struct RoomTests {
  private static let createGraph = StepOperation(
    key: "g", parents: [], action: .analytical(.createGraph(GraphOptions(), GraphLayout())))

  @Test("A load that cannot fit is rejected before it begins, with the numbers; the session continues")
  func estimate() async throws {
    let small = TenantPolicy(name: "small", quota: .init(memoryBytes: 1 << 20))
    let estimate = LoadEstimate(residentBytes: 2 << 20, peakBytes: 3 << 20, diskBytes: 2 << 20, basis: "7 rows")
    let bench = try Bench(plan: plan(small), factory: FakeFactory(estimate: estimate, taking: 2 << 20))
    let session = try await bench.connect(caller("alice", of: "small"))
    let outcome = try await session.run([Self.createGraph])
    #expect(outcome.failure?.error.code == .resourceExhausted)
    let text = outcome.failure?.error.description ?? ""
    #expect(text.contains("3.0 MiB") && text.contains("7 rows") && text.contains("small"))
    #expect(bench.coordinator.metrics.value(.refusedLoads) == 1)
    #expect(try await session.run([operation("work", key: "w")]).failure == nil)
    let rich = try await bench.connect(caller("bob", of: "rich"))
    #expect(try await rich.run([Self.createGraph]).failure == nil)
    let peak = bench.coordinator.metrics.summary(.estimatedPeak)
    #expect(peak.count == 1 && peak.sum == 1.5)
    await bench.shutdown()
    try bench.done()
  }

  @Test("Only the step that would exceed the quota of its tenant fails")
  func enforced() async throws {
    let small = TenantPolicy(name: "small", quota: .init(memoryBytes: 3 << 20))
    let bench = try Bench(plan: plan(small), factory: FakeFactory(taking: 2 << 20))
    let session = try await bench.connect(caller("alice", of: "small"))
    #expect(try await session.run([Self.createGraph]).failure == nil)
    let other = try await bench.connect(caller("bob", of: "small"))
    let outcome = try await other.run([Self.createGraph])
    #expect(outcome.failure?.error.code == .resourceExhausted)
    #expect(try await other.run([operation("work", key: "w")]).failure == nil)
    #expect(try await session.run([operation("work", key: "w")]).failure == nil)
    await bench.shutdown()
    try bench.done()
  }

  @Test("Data sent with a step counts as the tenant's disk space, as long as it is kept")
  func spools() async throws {
    let small = TenantPolicy(name: "small", quota: .init(diskBytes: 1000))
    let bench = try Bench(plan: plan(small))
    let session = try await bench.connect(caller("alice", of: "small"))
    let bytes = [UInt8](repeating: 1, count: 800)
    do {
      let spool = try session.makeSpool(announcedBytes: 2000)
      try bytes.withUnsafeBytes { try spool.append($0) }
      let error = #expect(throws: CoordinatorError.self) { try bytes.withUnsafeBytes { try spool.append($0) } }
      #expect(error?.code == .limitReached)
    }
    let next = try session.makeSpool(announcedBytes: 800)
    #expect(throws: Never.self) { try bytes.withUnsafeBytes { try next.append($0) } }
    await bench.shutdown()
    try bench.done()
  }

  @Test("The quota of graphs applies to all sessions of a tenant together")
  func graphs() async throws {
    let small = TenantPolicy(name: "small", quota: .init(graphs: 2))
    let bench = try Bench(plan: plan(small))
    let alice = caller("alice", of: "small")
    let (first, second) = (try await bench.connect(alice), try await bench.connect(alice))
    _ = try await first.makeGraphs(2)
    #expect(try await second.run([Self.createGraph]).failure?.error.code == .resourceExhausted)
    let copy = StepOperation(key: "c", parents: [], action: .analytical(.plain(.copyGraph)))
    let refused = try await second.run([copy]).failure?.error
    #expect(refused?.message.hasPrefix("COPY_GRAPH was not started") == true, "every operation that makes a graph")
    let unload = StepOperation(key: "u", parents: ["g0"], action: .analytical(.unload))
    #expect(try await first.run([unload]).failure == nil)
    #expect(try await second.run([Self.createGraph]).failure == nil)
    await bench.shutdown()
    try bench.done()
  }
}

@Suite("Growing and shrinking", .takesTurns)
struct ElasticTests {
  @Test("A session gets more workers when there is room, and releases them")
  func resize() async throws {
    let bench = try Bench(plan: plan(places: 3))
    let alice = caller("alice", of: "one")
    let session = try await bench.connect(alice)
    #expect(try await bench.coordinator.resize(session.id, workers: 3, by: "root").hosts.count == 3)
    let error = await #expect(throws: CoordinatorError.self) {
      try await bench.coordinator.resize(session.id, workers: 4, by: "root")
    }
    #expect(error?.code == .limitReached)
    #expect(try await bench.coordinator.resize(session.id, workers: 1, by: "root").hosts.count == 1)
    _ = try await bench.connect(alice)
    await bench.shutdown()
    try bench.done()
  }
}
