import Access
import AdminEndpoint
import Coordinator
import Foundation
import HTTPServing
import LogStore
import Logging
import Objects
import StateStore
import Support
import Synchronization
import TestSupport
import Testing

@testable import OperatorCLI

/// A simulated control plane with a store and some events.
final class StoredPlane: AdminBackend {
  let store: any StateStore
  let release = Release(server: "1", client: "2")
  let events = Mutex<[LogRecord]>([])
  /// Objects that are not stored.
  let live = Mutex<[StateEntry]>([])
  /// The progress of running steps, by name.
  let progress = Mutex<[String: StepReport]>([:])
  /// The names of closed sessions and cancelled steps.
  let ended = Mutex<[String]>([])
  private let followers = Mutex<[AsyncThrowingStream<LogRecord, any Error>.Continuation]>([])

  init(_ store: any StateStore) { self.store = store }

  func failures() async -> [HealthProblem] { [] }
  func obstacles() async -> [HealthProblem] { [] }
  func resizeSession(
    _ id: String, workers: Int, by principal: Principal
  ) async throws -> (hosts: [String], words: String) {
    (Array(repeating: "localhost", count: workers), "\(workers) workers on localhost")
  }

  func reload(isDryRun: Bool, by principal: Principal) async throws -> [String] {
    isDryRun ? ["tenant a is added"] : []
  }

  var metrics: String { "" }

  func closeSession(_ id: String, by principal: Principal) async throws {
    ended.withLock { $0.append("session \(id)") }
  }

  func cancelStep(_ name: String, by principal: Principal) async throws {
    guard progress(ofStep: name) != nil else {
      throw CoordinatorError(.stepNotRunning, "the step '\(name)' does not run")
    }
    ended.withLock { $0.append("step \(name)") }
  }

  func liveObjects(_ kind: ObjectKind, session: String?, tenant: String?) async throws -> [StateEntry] {
    live.withLock { $0.filter { $0.key.hasPrefix(kind.prefix) } }
  }

  func progress(ofStep name: String) -> StepReport? { progress.withLock { $0[name] } }

  func records(_ query: RecordQuery) async throws -> AsyncThrowingStream<LogRecord, any Error> {
    let (stream, source) = AsyncThrowingStream<LogRecord, any Error>.makeStream()
    let wanted = events.withLock { events in
      events.filter { query.object == nil || $0.object == query.object }
        .filter { $0.timeMilliseconds >= query.sinceMilliseconds ?? 0 }
    }
    for event in wanted { source.yield(event) }
    if query.follows { followers.withLock { $0.append(source) } } else { source.finish() }
    return stream
  }

  func happens(_ event: LogRecord) {
    followers.withLock { followers in
      for follower in followers { follower.yield(event) }
    }
  }
}

/// A started admin endpoint with a store, and the output of commands.
struct OperatorFixture {
  let store = InMemoryStateStore()
  let plane: StoredPlane
  private let server: AdminServer
  private let running: Running<Void>
  let workspace: String
  /// The TCP address, and the address of the Unix socket in the workspace.
  let addresses: [HTTPAddress]

  /// The time of the commands' clock.
  static let now: Int64 = 1_700_000_000_000

  static func run(_ body: (OperatorFixture) async throws -> Void) async throws {
    let fixture = try await OperatorFixture()
    do { try await body(fixture) } catch {
      await fixture.close()
      throw error
    }
    await fixture.close()
  }

  private init() async throws {
    workspace = NSTemporaryDirectory() + "/operator-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(atPath: workspace, withIntermediateDirectories: true)
    plane = StoredPlane(store)
    var limits = HTTPLimits()
    limits.shutdownGrace = .seconds(60)
    server = AdminServer(
      plane, on: [.tcp(host: "127.0.0.1", port: 0), .unix(path: workspace + "/admin.sock")], limits: limits,
      logger: Logger(label: "admin"))
    addresses = try await server.listen()
    running = Running(server.run, stop: server.stop)
  }

  /// Stops the server, and waits until it has ended.
  func stop() async { await running.end() }

  private func close() async {
    await stop()
    await store.close()
    try? FileManager.default.removeItem(atPath: workspace)
  }

  func client() throws -> OperatorClient { try OperatorClient(addresses[0]) }

  /// The output of a command.
  func output(
    _ run: (OperatorClient, OperatorConsole) async throws -> Void
  ) async throws -> [String] {
    let lines = LineCollector()
    try await run(client(), lines.console)
    return lines.all
  }

  @discardableResult
  func put(
    _ kind: ObjectKind, _ name: String, phase: String = "connected", owner: String = "uid 0", author: String = "uid 0"
  ) async throws -> Revision {
    var object = ClusterObject(
      kind: kind, name: name, owner: owner, createdMilliseconds: Self.now - 90_000, spec: ["engine": "embedded"],
      status: ["phase": phase])
    object.setCondition(
      .known(.ready), .init(phase == "connected"), reason: .other("Phase"), message: "it is \(phase)",
      nowMilliseconds: Self.now - 5_000)
    return try await store.commit(
      StateTransaction(
        author: author, summary: "put \(name)",
        changes: [.put(kind.key(name), Array(try JSONEncoder().encode(object)))]))
  }

  @discardableResult
  func delete(_ kind: ObjectKind, _ name: String) async throws -> Revision {
    try await store.commit(
      StateTransaction(author: "uid 0", summary: "delete", changes: [.delete(kind.key(name))]))
  }
}

/// Collects the lines that a command writes, so that a test can wait for them.
final class LineCollector: Sendable {
  private let lines = Mutex<[String]>([])
  private let stream: AsyncStream<String>
  private let source: AsyncStream<String>.Continuation

  init() { (stream, source) = AsyncStream<String>.makeStream() }

  var all: [String] { lines.withLock { $0 } }

  var console: OperatorConsole {
    OperatorConsole(
      write: { [self] text in
        lines.withLock { $0.append(text) }
        source.yield(text)
      }, now: { OperatorFixture.now })
  }

  /// Returns the next `count` lines.
  func next(_ count: Int) async -> [String] {
    var found: [String] = []
    for await line in stream {
      found.append(line)
      if found.count == count { break }
    }
    return found
  }
}
