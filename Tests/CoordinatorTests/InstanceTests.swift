import ClientOperations
import ControlPlane
import Engines
import GraphStore
import StateStore
import Synchronization
import Testing
import Turns

@testable import Coordinator

/// Query and learning engines that open what is requested, or wait until they are cancelled.
final class FakeServices: QueryEngine, LearningEngine {
  private let opened = Mutex<[String]>([])
  private let failures = Mutex<[Int64: @Sendable (EngineError) -> Void]>([:])
  private let (holding, hold) = AsyncStream.makeStream(of: Void.self)
  let holds: Bool

  init(holds: Bool = false) { self.holds = holds }

  var names: [String] { opened.withLock { $0 } }

  func open(_ request: QueryInstanceRequest) async throws -> QueryEndpoints {
    if holds {
      hold.yield()
      try await Task.sleep(for: .seconds(3600))
    }
    if request.schemaPath == "fail" { throw EngineError(.engineFailure, "no Java") }
    opened.withLock { $0.append("queries \(request.objectID)") }
    return QueryEndpoints(gremlin: "localhost:1", cypher: "")
  }

  func open(_ request: LearningInstanceRequest) async throws -> LearningInstance {
    opened.withLock { $0.append("learning \(request.objectID)") }
    return LearningInstance(handle: "h", configuration: "c", endpoints: ["localhost:2"])
  }

  func whenFailed(objectID: Int64, _ body: @escaping @Sendable (EngineError) -> Void) {
    failures.withLock { $0[objectID] = body }
  }

  /// A process of the graph's services dies.
  func die(_ objectID: Int64) {
    failures.withLock { $0[objectID] }?(EngineError(.engineFailure, "the front end was killed by signal 9 (SIGKILL)"))
  }

  func close(objectID: Int64) async throws { opened.withLock { $0.append("close \(objectID)") } }
  func closeAll() async { opened.withLock { $0.append("close all") } }

  /// Suspends until a start is being held.
  func waitUntilHolding() async { for await _ in holding { return } }
}

@Suite("Queries and learning in addition to analytics", .takesTurns)
struct InstanceTests {
  private let load = StepOperation(
    key: "g", parents: [], action: .analytical(.createGraph(GraphOptions(), GraphLayout())))

  private func queries(_ graph: Int64, schema: String = "") -> QueryInstanceRequest {
    QueryInstanceRequest(objectID: graph, schemaPath: schema, parameters: [:], withCypher: false)
  }

  private func learning(_ graph: Int64) -> LearningInstanceRequest {
    LearningInstanceRequest(objectID: graph, handle: "", configuration: "", backend: .graphlearn)
  }

  /// A session with one graph, and its number.
  private func session(_ bench: Bench, lease: Duration? = .seconds(600)) async throws -> (Session, Int64) {
    let session = try await bench.connect(alice, lease: lease)
    guard case .graph(let graph) = try await session.run([load]).results.first?.result else {
      throw EngineError(.internalFailure, "the fake engine makes graphs")
    }
    return (session, graph.objectID)
  }

  private func instances(_ bench: Bench) async throws -> [String] {
    try await bench.store.entries(prefix: "instances/", at: nil).entries.map {
      String($0.key.split(separator: "/").last!) + " " + String(decoding: $0.value, as: UTF8.self).phase
    }
  }

  @Test("An instance whose process dies is reported with the cause until it is closed, and its graph is free again")
  func death() async throws {
    let services = FakeServices()
    let bench = try Bench(services: services)
    let (session, graph) = try await session(bench)
    _ = try await session.openQueries(queries(graph))
    services.die(graph)
    await session.waitUntilTold("SIGKILL")
    let entry = try await bench.store.entries(prefix: "instances/\(session.id)/interactive", at: nil).entries.first
    let text = String(decoding: try #require(entry).value, as: UTF8.self)
    #expect(text.phase == "failed" && text.contains("killed by signal 9"))
    #expect(services.names.last == "close \(graph)", "the other processes are ended")
    _ = try await session.openQueries(queries(graph))
    #expect(try await instances(bench) == ["analytical ready", "interactive-\(graph) ready"])
    services.die(graph)
    try await session.closeQueries(objectID: graph)
    await bench.shutdown()
    #expect(try await bench.store.entries(prefix: "", at: nil).entries.isEmpty)
    try bench.done()
  }

  @Test("All three kinds run concurrently: a step runs while a graph is queried and sampled")
  func sideBySide() async throws {
    let services = FakeServices()
    let bench = try Bench(services: services)
    let (session, graph) = try await session(bench)
    async let step = session.run([operation("hold", key: "h")])
    await bench.factory.engines[0].waitUntilHolding()
    #expect(try await session.openQueries(queries(graph)).gremlin == "localhost:1")
    #expect(try await session.openLearning(learning(graph)).endpoints == ["localhost:2"])
    #expect(
      try await instances(bench) == ["analytical ready", "interactive-\(graph) ready", "learning-\(graph) ready"])
    try await session.closeLearning(objectID: graph)
    bench.factory.engines[0].letGo()
    #expect(try await step.failure == nil)
    #expect(try await instances(bench) == ["analytical ready", "interactive-\(graph) ready"])
    await bench.shutdown()
    #expect(services.names.contains("close all"))
    #expect(try await bench.store.entries(prefix: "", at: nil).entries.isEmpty)
    try bench.done()
  }

  @Test("Invalid requests are rejected: no such graph, a second service, unloading a graph that is served")
  func refused() async throws {
    let services = FakeServices()
    let bench = try Bench(services: services)
    let (session, graph) = try await session(bench)
    let unknown = await #expect(throws: CoordinatorError.self) { _ = try await session.openQueries(queries(graph ^ 1)) }
    #expect(unknown?.code == .invalidArgument)
    _ = try await session.openQueries(queries(graph))
    await #expect(throws: CoordinatorError.self) { _ = try await session.openQueries(queries(graph)) }
    let unload = StepOperation(key: "u", parents: ["g"], action: .analytical(.unload))
    let outcome = try await session.run([unload])
    #expect(outcome.failure?.error.code == .illegalState)
    #expect(outcome.failure?.error.message.contains("interactive-\(graph)") == true)
    try await session.closeQueries(objectID: graph)
    #expect(try await session.run([unload]).failure == nil)
    await #expect(throws: CoordinatorError.self) { _ = try await session.openLearning(learning(graph)) }
    try await session.closeLearning(objectID: 77)
    await bench.shutdown()
    try bench.done()
  }

  @Test("A service that fails to start leaves nothing behind, and may be requested again")
  func failing() async throws {
    let bench = try Bench(services: FakeServices())
    let (session, graph) = try await session(bench)
    for _ in 0..<2 {
      await #expect(throws: EngineError.self) { _ = try await session.openQueries(queries(graph, schema: "fail")) }
    }
    #expect(try await instances(bench) == ["analytical ready"])
    _ = try await session.openQueries(queries(graph))
    await bench.shutdown()
    try bench.done()
  }

  @Test("A service that does not start in time is given up with an error")
  func late() async throws {
    let services = FakeServices(holds: true)
    let bench = try Bench(services: services)
    let (session, graph) = try await session(bench, lease: nil)
    let opening = Task { try await session.openQueries(queries(graph)) }
    await services.waitUntilHolding()
    session.perform(session.tell(.tick, at: .now + controlTimeouts.start))
    let error = await #expect(throws: EngineError.self) { _ = try await opening.value }
    #expect(error?.message.contains("did not start within 900 s") == true)
    #expect(try await instances(bench) == ["analytical ready"])
    await bench.shutdown()
    try bench.done()
  }

  @Test("Closing a session gives up pending starts")
  func closing() async throws {
    let services = FakeServices(holds: true)
    let bench = try Bench(services: services)
    let (session, graph) = try await session(bench)
    let opening = Task { try await session.openQueries(queries(graph)) }
    await services.waitUntilHolding()
    try await bench.coordinator.close(session.id, for: alice)
    await #expect(throws: (any Error).self) { _ = try await opening.value }
    #expect(session.phase == .closed)
    #expect(try await bench.store.entries(prefix: "", at: nil).entries.isEmpty)
    try bench.done()
  }

  @Test("After a restart, graphs may be served again, and earlier services are known to be gone")
  func restarted() async throws {
    let before = try Bench(services: FakeServices())
    let (session, graph) = try await session(before)
    _ = try await session.openQueries(queries(graph))
    let after = try Bench(after: before, factory: FakeFactory(services: FakeServices()))
    _ = try await after.coordinator.recover()
    #expect(try await instances(after) == ["analytical ready"])
    let back = try after.coordinator.session(session.id, for: alice)
    _ = try await back.openQueries(queries(graph))
    await after.shutdown()
    try after.done()
  }
}

extension String {
  /// The phase in the JSON of a document.
  var phase: String {
    guard let start = range(of: #""phase":""#)?.upperBound else { return "" }
    return String(self[start...].prefix { $0 != "\"" })
  }

  private func range(of text: String) -> Range<String.Index>? {
    indices.lazy.filter { self[$0...].hasPrefix(text) }.first.map { $0..<index($0, offsetBy: text.count) }
  }
}
