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
import Turns
import Wire

@testable import AdminEndpoint

/// An admin endpoint that identifies callers by their tokens.
private struct Guarded {
  let store = InMemoryStateStore()
  let plane: FakePlane
  let server: AdminServer
  private let running: Running<Void>
  let access: AccessControl
  let logs: LogStore
  let http: HTTPClient
  let port: Int
  /// Secrets by principal.
  let secrets: [String: String]
  private let directory = NSTemporaryDirectory() + "/guarded-\(UUID().uuidString)"

  static func run(_ body: (Guarded) async throws -> Void) async throws {
    let guarded = try await Guarded()
    do { try await body(guarded) } catch {
      await guarded.close()
      throw error
    }
    await guarded.close()
  }

  private init() async throws {
    logs = try LogStore(directory: directory, instance: "test")
    let people: [(String, String, Role)] = [
      ("alice", "a", .user), ("ann", "a", .user), ("vic", "a", .viewer), ("bob", "b", .user),
      ("root", "default", .operator),
    ]
    var (tokens, secrets): ([AccessToken], [String: String]) = ([], [:])
    for (name, tenant, role) in people {
      let identity = Identity(principal: Principal(name), tenant: tenant, role: role)
      let made = try AccessToken.make(identity, created: Date(), expires: nil)
      tokens.append(made.token)
      secrets[name] = made.secret
    }
    self.secrets = secrets
    access = try AccessControl(AccessPolicy(owner: 1), tokens: TokenSet(tokens), logs: logs)
    plane = FakePlane(store)
    server = AdminServer(
      plane, on: [.tcp(host: "127.0.0.1", port: 0)], access: access, logger: Logger(label: "admin"))
    guard case .tcp(_, let port) = try await server.listen()[0] else { throw RequestError(.internal, "no port") }
    running = Running(server.run, stop: server.stop)
    self.port = port
    http = try HTTPClient()
    for (name, owner, tenant) in [("s_alice", "alice", "a"), ("s_ann", "ann", "a"), ("s_bob", "bob", "b")] {
      try await put(.session, name, owner, tenant)
      try await put(.step, name + "/1", owner, tenant)
    }
    try await put(.session, "s_old", "host 127.0.0.1", nil)
    try await put(.child, "c", "coordinator", nil)
    try await put(.tenant, "a", "coordinator", nil)
    try await put(.tenant, "b", "coordinator", nil)
  }

  private func close() async {
    http.close()
    await running.end()
    await store.close()
    logs.close()
    try? FileManager.default.removeItem(atPath: directory)
  }

  func put(_ kind: ObjectKind, _ name: String, _ owner: String, _ tenant: String?) async throws {
    let object = ClusterObject(
      kind: kind, name: name, owner: owner, tenant: tenant, createdMilliseconds: 0, spec: ["size": 1],
      status: ["phase": "ready"])
    _ = try await store.commit(
      StateTransaction(
        author: owner, summary: "put \(name)", changes: [.put(kind.key(name), Array(try JSONEncoder().encode(object)))])
    )
  }

  func delete(_ key: String) async throws {
    _ = try await store.commit(StateTransaction(author: "x", summary: "delete", changes: [.delete(key)]))
  }

  private func request(_ path: String, _ method: String, _ who: String?) -> HTTPRequest {
    let headers = who.map { [HTTPField("authorization", "Bearer " + (secrets[$0] ?? $0))] } ?? []
    return HTTPRequest(method, "http://127.0.0.1:\(port)\(path)", headers: headers, timeout: nil)
  }

  func ask(_ path: String, _ method: String = "GET", as who: String?) async throws -> (status: Int, json: JSONValue) {
    let answer = try await http.send(request(path, method, who))
    return (answer.status, (try? JSONValue(parsing: String(decoding: answer.body, as: UTF8.self))) ?? .null)
  }

  func lines(_ path: String, as who: String) async throws -> LineReader {
    let stream = try await http.stream(request(path, "GET", who))
    try #require(stream.status == 200)
    return LineReader(iterator: stream.body.lines().makeAsyncIterator())
  }
}

@Suite("Roles at the admin endpoint", .takesTurns)
struct AccessTests {
  @Test(
    "Every path has its least role; unlisted paths require the operator role",
    arguments: [
      ("GET", "/healthz", nil), ("GET", "/readyz", nil), ("GET", "/version", Role.viewer),
      ("GET", "/control/v1/objects", .viewer), ("GET", "/control/v1/sessions", .viewer),
      ("GET", "/control/v1/sessions/x", .viewer),
      ("GET", "/control/v1/history", .viewer), ("GET", "/control/v1/diff?from=1", .viewer),
      ("GET", "/control/v1/events", .viewer),
      ("GET", "/control/v1/audit", .viewer), ("GET", "/control/v1/logs?session=x", .viewer),
      ("GET", "/control/v1/logs", .operator), ("GET", "/control/v1/logs?child=x", .operator),
      ("GET", "/control/v1/logs?session=x&child=y", .operator), ("DELETE", "/control/v1/sessions/x", .user),
      ("DELETE", "/control/v1/sessions", .operator), ("DELETE", "/control/v1/steps/x/1", .user),
      ("DELETE", "/control/v1/steps", .operator), ("DELETE", "/control/v1/instances/x", .operator),
      ("GET", "/control/v1/graphs", .viewer), ("GET", "/control/v1/results/x/y", .viewer),
      ("PATCH", "/control/v1/sessions/x", .operator), ("POST", "/control/v1/reload", .operator),
      ("GET", "/metrics", .operator),
      ("POST", "/control/v1/events", .operator), ("GET", "/", .operator), ("GET", "/control/v1/unheard", .operator),
      ("GET", "/api/v2/sessions", .operator), ("GET", "/healthz/x", .operator),
    ] as [(String, String, Role?)])
  func roles(_ method: String, _ path: String, _ role: Role?) async throws {
    try await Guarded.run { (guarded: Guarded) async throws in
      let ranks: [(String?, Role?)] = [(nil, nil), ("vic", .viewer), ("alice", .user), ("root", .operator)]
      for (who, has) in ranks {
        let status = try await guarded.ask(path, method, as: who).status
        let isRefused = status == 401 || status == 403
        let may = role == nil || has.map { $0 >= role! } ?? false
        // A user may close its own sessions, but no others.
        #expect(isRefused == !may, "\(method) \(path) as \(who ?? "nobody"): \(status)")
      }
    }
  }

  @Test("Objects of another tenant have the same error as nonexistent ones")
  func otherTenants() async throws {
    try await Guarded.run { (guarded: Guarded) async throws in
      for who in ["alice", "vic"] {
        #expect(try await guarded.ask("/control/v1/sessions", as: who).json.names == ["s_alice", "s_ann"])
        #expect(try await guarded.ask("/control/v1/steps", as: who).json.names == ["s_alice/1", "s_ann/1"])
        #expect(try await guarded.ask("/control/v1/children", as: who).json.names == [])
        #expect(try await guarded.ask("/control/v1/tenants", as: who).json.names == ["a"])
        for path in ["sessions/s_bob", "steps/s_bob/1", "sessions/s_old", "children/c", "tenants/b"] {
          let hidden = try await guarded.ask("/control/v1/" + path, as: who)
          let name = path.split(separator: "/", maxSplits: 1)[1]
          let nothing = try await guarded.ask("/control/v1/" + path + "x", as: who)
          #expect(hidden.status == 404 && nothing.status == 404)
          #expect(hidden.json.encoded == nothing.json.encoded.replacing("\(name)x'", with: "\(name)'"))
        }
      }
      #expect(try await guarded.ask("/control/v1/sessions", as: "root").json["items"]?.elements?.count == 4)
      let counts = try await guarded.ask("/control/v1/objects", as: "alice").json["kinds"]?.elements
      #expect(counts?.first?["count"]?.encoded == "2")
    }
  }

  @Test("History shows nothing of another tenant, including deleted objects")
  func past() async throws {
    try await Guarded.run { (guarded: Guarded) async throws in
      for name in ["s_bob", "s_ann"] {
        try await guarded.delete("steps/\(name)/1")
        try await guarded.delete("sessions/\(name)")
      }
      for path in ["history?limit=100", "diff?from=0", "diff?from=10"] {
        let seen = try await guarded.ask("/control/v1/" + path, as: "alice")
        #expect(seen.status == 200)
        let text = seen.json.encoded
        #expect(!text.contains("bob") && !text.contains("s_old") && !text.contains("children/"))
        #expect(text.contains("s_ann"))
      }
      #expect(try await guarded.ask("/control/v1/sessions?revision=8", as: "alice").json.names == ["s_alice", "s_ann"])
      #expect(try await guarded.ask("/control/v1/sessions/s_bob?revision=8", as: "alice").status == 404)
    }
  }

  @Test("A watch reports only the caller's own tenant")
  func watch() async throws {
    try await Guarded.run { (guarded: Guarded) async throws in
      var lines = try await guarded.lines("/control/v1/sessions?watch=true", as: "vic")
      var seen: [String] = []
      for _ in 0..<3 { seen.append(try #require(try await lines.nextText())) }
      try await guarded.put(.session, "s_bob2", "bob", "b")
      try await guarded.delete("sessions/s_bob")
      try await guarded.delete("sessions/s_ann")
      seen.append(try #require(try await lines.nextText()))
      #expect(seen.joined(separator: " ").contains("bob") == false)
      #expect(seen.last?.hasPrefix("delete ") == true && seen.last?.hasSuffix("session/s_ann") == true)
    }
  }

  @Test("Queries for events and logs contain the tenant")
  func records() async throws {
    try await Guarded.run { (guarded: Guarded) async throws in
      for path in ["events", "audit", "logs?session=s_bob"] {
        #expect(try await guarded.ask("/control/v1/" + path, as: "alice").status == 200)
        #expect(try await guarded.ask("/control/v1/" + path, as: "root").status == 200)
      }
      #expect(guarded.plane.script.withLock { $0.queries.map(\.tenant) } == ["a", nil, "a", nil, "a", nil])
    }
  }

  @Test("A user can close its own sessions, an operator all; sessions of another tenant stay hidden")
  func close() async throws {
    try await Guarded.run { (guarded: Guarded) async throws in
      #expect(try await guarded.ask("/control/v1/sessions/s_bob", "DELETE", as: "alice").status == 404)
      #expect(try await guarded.ask("/control/v1/sessions/s_none", "DELETE", as: "alice").status == 404)
      #expect(try await guarded.ask("/control/v1/sessions/s_ann", "DELETE", as: "alice").status == 403)
      #expect(try await guarded.ask("/control/v1/sessions/s_alice", "DELETE", as: "vic").status == 403)
      #expect(try await guarded.ask("/control/v1/sessions/s_alice", "DELETE", as: "alice").status == 200)
      #expect(try await guarded.ask("/control/v1/sessions/s_bob", "DELETE", as: "root").status == 200)
      #expect(guarded.plane.script.withLock(\.closed) == ["s_alice by alice", "s_bob by root"])
    }
  }

  @Test("A stream with a revoked token ends with the reason, other streams continue")
  func revoked() async throws {
    try await Guarded.run { (guarded: Guarded) async throws in
      var revoked = try await guarded.lines("/control/v1/events?follow=true", as: "alice")
      var other = try await guarded.lines("/control/v1/events?follow=true", as: "bob")
      while guarded.plane.script.withLock({ $0.followers.count }) < 2 { await Task.yield() }
      guarded.server.endStreams(.wrongToken) { $0.identity.principal == Principal("alice") }
      #expect(try await revoked.next()?["code"]?.text == "UNAUTHENTICATED")
      #expect(try await revoked.next() == nil)
      guarded.plane.happens(LogRecord(timeMilliseconds: 1, level: .info, message: "goes on"))
      #expect(try await other.next()?["message"]?.text == "goes on")
    }
  }

  @Test("One caller cannot use all streams")
  func streams() async throws {
    try await Guarded.run { (guarded: Guarded) async throws in
      var open: [LineReader] = []
      for _ in 0..<HTTPLimits().streamsOfCaller {
        open.append(try await guarded.lines("/control/v1/events?follow=true", as: "alice"))
      }
      #expect(try await guarded.ask("/control/v1/events?follow=true", as: "alice").status == 429)
      open.append(try await guarded.lines("/control/v1/events?follow=true", as: "bob"))
      #expect(open.count == HTTPLimits().streamsOfCaller + 1)
    }
  }

  @Test("Only operators see why the coordinator does not work")
  func health() async throws {
    try await Guarded.run { (guarded: Guarded) async throws in
      guarded.plane.script.withLock { $0.failures = [HealthProblem(component: "store", message: "/secret/path")] }
      for who in [nil, "alice", "gsc_wrong"] as [String?] {
        let answer = try await guarded.ask("/healthz", as: who)
        #expect(answer.status == 503 && !answer.json.encoded.contains("secret"))
      }
      #expect(try await guarded.ask("/healthz", as: "root").json.encoded.contains("secret"))
    }
  }

  @Test("A foreign host name is rejected without a token, because a browser may have sent it")
  func rebinding() async throws {
    try await Guarded.run { (guarded: Guarded) async throws in
      let url = "http://127.0.0.1:\(guarded.port)/version"
      let host = HTTPField("host", "evil.example")
      #expect(try await guarded.http.send(HTTPRequest("GET", url, headers: [host])).status == 403)
      let token = HTTPField("authorization", "Bearer " + (guarded.secrets["vic"] ?? ""))
      #expect(try await guarded.http.send(HTTPRequest("GET", url, headers: [host, token])).status == 200)
      // An invalid token may have been added by a page.
      let wrong = HTTPField("authorization", "Bearer gsc_wrong")
      for path in ["/version", "/healthz"] {
        let url = "http://127.0.0.1:\(guarded.port)\(path)"
        let status = try await guarded.http.send(HTTPRequest("GET", url, headers: [host, wrong])).status
        #expect(status == 403)
      }
    }
  }
}
