import AdminEndpoint
import Coordinator
import HTTPClient
import HTTPServing
import JSON
import LogStore
import Objects
import StateStore
import Synchronization
import Testing
import Turns
import Wire

@Suite("Health, events, audit and history over REST", .takesTurns, .timeLimit(.minutes(2)))
struct RecordTests {
  private func record(_ message: String, object: String? = nil) -> LogRecord {
    var record = LogRecord(timeMilliseconds: 5, level: .notice, message: message)
    record.object = object
    record.reason = "Because"
    return record
  }

  @Test("Health is one word while there are no problems, otherwise the reasons")
  func health() async throws {
    try await Fixture.run { fixture async throws in
      for path in ["/healthz", "/readyz"] {
        let answer = try await fixture.tcp.send(HTTPRequest("GET", fixture.url(path)))
        #expect(answer.status == 200 && answer.body == Array("ok\n".utf8))
      }
      fixture.plane.script.withLock { $0.obstacles = [HealthProblem(component: "leader", message: "standing by")] }
      #expect(try await fixture.ask("/healthz").status == 200)
      let ready = try await fixture.ask("/readyz")
      #expect(ready.status == 503)
      #expect(ready.json["code"]?.text == "UNAVAILABLE")
      #expect(ready.json["reasons"]?.elements?.map { $0["component"]?.text } == ["leader"])
      fixture.plane.script.withLock { $0.failures = [HealthProblem(component: "state store", message: "disk full")] }
      let health = try await fixture.ask("/healthz")
      #expect(health.status == 503)
      #expect(health.json["reasons"]?.elements?.map { $0["message"]?.text } == ["disk full"])
      #expect(try await fixture.ask("/readyz").json["reasons"]?.elements?.count == 2)
    }
  }

  @Test("The version contains those of the server and of the client")
  func version() async throws {
    try await Fixture.run { fixture async throws in
      let json = try await fixture.ask("/version").json
      #expect(json["version"]?.text == "1.2.3" && json["client"]?.text == "0.29.0")
    }
  }

  @Test("Events are selected by object, time, level and number")
  func events() async throws {
    try await Fixture.run { fixture async throws in
      fixture.plane.script.withLock { $0.records = [record("one", object: "session/a"), record("two")] }
      let (status, json) = try await fixture.ask("/control/v1/events?object=sessions/a/b&since=7&level=warning&limit=9")
      #expect(status == 200)
      let items = json["items"]?.elements ?? []
      #expect(items.map { $0["message"]?.text } == ["one", "two"])
      #expect(items[0]["object"]?.text == "session/a" && items[0]["reason"]?.text == "Because")
      #expect(items[1]["object"] == nil && items[1]["level"]?.text == "notice")
      let query = try #require(fixture.plane.script.withLock(\.queries).first)
      #expect(query.stream == .events && query.object == "session/a/b" && query.sinceMilliseconds == 7)
      #expect(query.level == .warning && query.limit == 9 && !query.follows)
    }
  }

  @Test("Followed events arrive as they happen")
  func follow() async throws {
    try await Fixture.run { fixture async throws in
      fixture.plane.script.withLock { $0.records = [record("old")] }
      var lines = try await fixture.lines("/control/v1/events?follow=true")
      #expect(try await lines.next()?["message"]?.text == "old")
      fixture.plane.happens(record("new"))
      #expect(try await lines.next()?["message"]?.text == "new")
    }
  }

  @Test("Audit trail and logs are further streams of the same kind")
  func streams() async throws {
    try await Fixture.run { fixture async throws in
      #expect(try await fixture.ask("/control/v1/audit").status == 200)
      #expect(try await fixture.ask("/control/v1/logs?session=s&step=4&grep=oom").status == 200)
      #expect(try await fixture.ask("/control/v1/logs?child=c").status == 200)
      let queries = fixture.plane.script.withLock(\.queries)
      #expect(queries.map(\.stream) == [.audit, .session("s"), .child("c")])
      #expect(queries[1].step == "4" && queries[1].text == "oom")
      let refused = try await fixture.ask("/control/v1/logs")
      #expect(refused.status == 501 && refused.json["code"]?.text == "UNIMPLEMENTED")
      #expect(try await fixture.ask("/control/v1/logs?session=a&child=b").status == 400)
    }
  }

  @Test(
    "Invalid queries for records are rejected",
    arguments: [
      "events?level=loud", "events?limit=0", "events?limit=1001", "events?since=-1", "events?object=a",
      "events?object=/", "events?follow=2", "audit?session=a",
    ])
  func refusals(path: String) async throws {
    try await Fixture.run { fixture async throws in
      let (status, json) = try await fixture.ask("/control/v1/\(path)")
      #expect(status == 400 && json["code"]?.text == "INVALID_ARGUMENT")
    }
  }

  @Test("History contains authors and changes, without values")
  func history() async throws {
    try await Fixture.run { fixture async throws in
      for number in 1...5 { try await fixture.put(.session, "s\(number)", author: "uid \(number)") }
      try await fixture.delete(.session, "s1")
      let json = try await fixture.ask("/control/v1/history?after=4&limit=10").json
      #expect(json["revision"] == .integer(6))
      let items = json["items"]?.elements ?? []
      #expect(items.map { $0["author"]?.text } == ["uid 5", "test"])
      #expect(items[0]["changes"]?.encoded == #"[{"type":"put","key":"sessions/s5"}]"#)
      #expect(items[1]["changes"]?.encoded == #"[{"type":"delete","key":"sessions/s1"}]"#)
      let last = try await fixture.ask("/control/v1/history?limit=2").json["items"]?.elements ?? []
      #expect(last.map { $0["revision"] } == [.integer(5), .integer(6)])
      #expect(try await fixture.ask("/control/v1/history").json["items"]?.elements?.count == 6)
      try await fixture.store.compact(before: 6)
      #expect(try await fixture.ask("/control/v1/history?after=1").status == 410)
    }
  }

  @Test("A difference contains added, removed and changed keys, with the authors")
  func diff() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.session, "same")
      try await fixture.put(.session, "changed", phase: "one")
      let from = try await fixture.put(.session, "removed")
      for number in 0..<7 { try await fixture.put(.session, "changed", phase: "p\(number)", author: "uid \(number)") }
      try await fixture.delete(.session, "removed")
      try await fixture.put(.session, "added")
      try await fixture.put(.job, "brief")
      let last = try await fixture.delete(.job, "brief")
      let json = try await fixture.ask("/control/v1/diff?from=\(from)").json
      #expect(json["from"] == .integer(from) && json["to"] == .integer(last) && json["isCut"] == .bool(false))
      let items = json["items"]?.elements ?? []
      let types = items.map { "\($0["type"]?.text ?? "") \($0["key"]?.text ?? "")" }
      #expect(types == ["added sessions/added", "changed sessions/changed", "removed sessions/removed"])
      #expect(
        items[1]["differences"]?.encoded == #"[{"path":"status.phase","old":"\"one\"","new":"\"p6\""}]"#)
      #expect(items.map { $0["revision"] } == [12, 10, 11].map { .integer($0) })
      let authors = (json["transactions"]?.elements ?? []).compactMap { $0["author"]?.text }
      #expect(authors == (0..<7).map { "uid \($0)" } + Array(repeating: "test", count: 4))
      let part = try await fixture.ask("/control/v1/diff?from=\(from)&to=\(from + 1)&prefix=sessions/").json
      #expect(part["items"]?.elements?.count == 1)
      #expect(part["transactions"]?.elements?.map { $0["author"]?.text } == ["uid 0"])
      #expect(try await fixture.ask("/control/v1/diff?from=\(from)&prefix=jobs/").json["items"]?.elements == [])
      #expect(try await fixture.ask("/control/v1/diff").status == 400)
      #expect(try await fixture.ask("/control/v1/diff?from=5&to=4").status == 400)
      #expect(try await fixture.ask("/control/v1/diff?from=\(last + 1)").status == 400)
    }
  }

  @Test("A difference that does not fit into an answer reports this")
  func largeDiff() async throws {
    var limits = HTTPLimits()
    limits.items = 3
    try await Fixture.run(limits: limits) { fixture async throws in
      for number in 1...5 { try await fixture.put(.session, "s\(number)") }
      let json = try await fixture.ask("/control/v1/diff?from=0").json
      #expect(json["items"]?.elements?.count == 3 && json["isCut"] == .bool(true))
    }
  }
}
