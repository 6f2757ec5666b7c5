import Access
import AdminEndpoint
import Coordinator
import Foundation
import HTTPClient
import HTTPServing
import JSON
import LogStore
import Logging
import Objects
import StateStore
import Synchronization
import TestSupport
import Testing
import Wire

/// A simulated coordinator that records requests and returns answers that the test sets.
final class FakePlane: AdminBackend {
  struct Script {
    var failures: [HealthProblem] = []
    /// Whether requests for failures are never answered.
    var hangs = false
    var obstacles: [HealthProblem] = []
    var records: [LogRecord] = []
    var queries: [RecordQuery] = []
    var closed: [String] = []
    var cancelled: [String] = []
    /// Objects that are not stored.
    var live: [StateEntry] = []
    var progress: [String: StepReport] = [:]
    var reloads: [Bool] = []
    var followers: [AsyncThrowingStream<LogRecord, any Error>.Continuation] = []
  }

  let store: any StateStore
  let release = Release(server: "1.2.3", client: "0.29.0")
  let script = Mutex(Script())

  init(_ store: any StateStore) { self.store = store }

  func failures() async -> [HealthProblem] {
    if script.withLock(\.hangs) { await Task.detached { try? await Task.sleep(for: .seconds(600)) }.value }
    return script.withLock(\.failures)
  }

  func obstacles() async -> [HealthProblem] { script.withLock(\.obstacles) }

  func records(_ query: RecordQuery) async throws -> AsyncThrowingStream<LogRecord, any Error> {
    if query.stream == .coordinator { throw RequestError(.unimplemented, "no logs here") }
    let (stream, source) = AsyncThrowingStream<LogRecord, any Error>.makeStream()
    script.withLock { script in
      script.queries.append(query)
      for record in script.records.suffix(query.limit) { source.yield(record) }
      if query.follows { script.followers.append(source) } else { source.finish() }
    }
    return stream
  }

  func resizeSession(
    _ id: String, workers: Int, by principal: Principal
  ) async throws -> (hosts: [String], words: String) {
    guard id == "s1" else { throw RequestError(.notFound, "there is no session '\(id)'") }
    return (Array(repeating: "localhost", count: workers), "\(workers) workers on localhost")
  }

  func cancelStep(_ name: String, by principal: Principal) async throws {
    guard script.withLock({ $0.progress[name] }) != nil else {
      throw CoordinatorError(.stepNotRunning, "the step '\(name)' does not run")
    }
    script.withLock { $0.cancelled.append("\(name) by \(principal)") }
  }

  func liveObjects(_ kind: ObjectKind, session: String?, tenant: String?) async throws -> [StateEntry] {
    script.withLock { script in script.live.filter { $0.key.hasPrefix(kind.prefix + (session.map { $0 + "/" } ?? "")) }
    }
  }

  func progress(ofStep name: String) -> StepReport? { script.withLock { $0.progress[name] } }

  func reload(isDryRun: Bool, by principal: Principal) async throws -> [String] {
    script.withLock { $0.reloads.append(isDryRun) }
    return ["tenant a is added"]
  }

  var metrics: String { "# TYPE x counter\nx 1\n" }

  /// A record that arrives while others follow.
  func happens(_ record: LogRecord) {
    script.withLock { script in
      for follower in script.followers { follower.yield(record) }
    }
  }

  func closeSession(_ id: String, by principal: Principal) async throws {
    guard try await store.entry(ObjectKind.session.key(id), at: nil) != nil else {
      throw CoordinatorError(.unknownSession, "there is no session '\(id)'")
    }
    script.withLock { $0.closed.append("\(id) by \(principal)") }
  }
}

/// A store, a coordinator, a server on TCP and a Unix socket, and a client of both.
struct Fixture {
  let store: InMemoryStateStore
  let plane: FakePlane
  let server: AdminServer
  private let running: Running<Void>
  let addresses: [HTTPAddress]
  let tcp: HTTPClient
  let unix: HTTPClient
  let directory: String

  /// Runs a test with a started server, and removes everything afterwards.
  static func run(
    limits: HTTPLimits = HTTPLimits(), historyBound: Int = 10_000, _ body: (Fixture) async throws -> Void
  ) async throws {
    let fixture = try await Fixture(limits, historyBound)
    do { try await body(fixture) } catch {
      await fixture.close()
      throw error
    }
    await fixture.close()
  }

  private init(_ limits: HTTPLimits, _ historyBound: Int) async throws {
    directory = NSTemporaryDirectory() + "/admin-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    store = InMemoryStateStore(historyBound: historyBound)
    plane = FakePlane(store)
    let path = directory + "/admin.sock"
    server = AdminServer(
      plane, on: [.tcp(host: "127.0.0.1", port: 0), .unix(path: path)], limits: limits, logger: Logger(label: "admin"))
    addresses = try await server.listen()
    running = Running(server.run, stop: server.stop)
    tcp = try HTTPClient()
    var configuration = HTTPClientConfiguration()
    configuration.unixSocket = path
    unix = try HTTPClient(configuration)
  }

  private func close() async {
    tcp.close()
    unix.close()
    await stop()
    await store.close()
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// Stops the server, and waits until it has ended.
  func stop() async { await running.end() }

  var port: Int {
    if case .tcp(_, let port) = addresses[0] { port } else { 0 }
  }

  func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

  /// The status and JSON of an answer.
  @discardableResult
  func ask(_ path: String, method: String = "GET") async throws -> (status: Int, json: JSONValue) {
    let answer = try await tcp.send(HTTPRequest(method, url(path)))
    return (answer.status, (try? JSONValue(parsing: String(decoding: answer.body, as: UTF8.self))) ?? .null)
  }

  /// The lines of a stream, as they arrive.
  func lines(_ path: String) async throws -> LineReader {
    let stream = try await tcp.stream(HTTPRequest("GET", url(path), timeout: nil))
    try #require(stream.status == 200)
    return LineReader(iterator: stream.body.lines().makeAsyncIterator())
  }

  /// Puts an object and returns the revision.
  @discardableResult
  func put(
    _ kind: ObjectKind, _ name: String, owner: String = "uid 0", phase: String = "ready", author: String = "test"
  ) async throws -> Revision {
    let object = ClusterObject(
      kind: kind, name: name, owner: owner, createdMilliseconds: 1_700_000_000_000, spec: ["size": 1],
      status: ["phase": phase])
    return try await store.commit(
      StateTransaction(
        author: author, summary: "put \(name)",
        changes: [.put(kind.key(name), Array(try JSONEncoder().encode(object)))]))
  }

  @discardableResult
  func delete(_ kind: ObjectKind, _ name: String) async throws -> Revision {
    try await store.commit(
      StateTransaction(author: "test", summary: "delete \(name)", changes: [.delete(kind.key(name))]))
  }

  /// Waits until this many streams are open, for at most 30 seconds.
  func waitForStreams(_ count: Int) async throws {
    let end = ContinuousClock.now + .seconds(30)
    while server.openStreams != count {
      try #require(ContinuousClock.now < end, "\(server.openStreams) streams are open instead of \(count)")
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}

/// Reads a stream line by line.
struct LineReader {
  var iterator: HTTPLines.AsyncIterator

  /// Returns the next line; nil at a clean end.
  mutating func next() async throws -> JSONValue? {
    try await iterator.next().map { try JSONValue(parsing: String(decoding: $0, as: UTF8.self)) }
  }

  /// Returns the next line as `type revision kind/name phase`.
  mutating func nextText() async throws -> String? {
    try await next().map { line in
      let object = line["object"]
      return [
        line["type"]?.text, line["revision"]?.encoded,
        object.flatMap { object in object["name"]?.text.map { "\(object["kind"]?.text ?? "")/\($0)" } },
        object?["status"]?["phase"]?.text,
      ].compactMap { $0 }.joined(separator: " ")
    }
  }
}

extension JSONValue {
  /// Returns the names of the items of a list.
  var names: [String] { (self["items"]?.elements ?? []).compactMap { $0["name"]?.text } }
}
