import AdminEndpoint
import Coordinator
import Foundation
import HTTPClient
import HTTPServing
import JSON
import Objects
import StateStore
import Synchronization
import Testing
import Turns
import Wire

@Suite("Objects over REST", .takesTurns, .timeLimit(.minutes(2)))
struct ObjectTests {
  @Test("The kinds are listed with the number of their objects")
  func kinds() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.session, "a")
      let last = try await fixture.put(.session, "b")
      let (status, json) = try await fixture.ask("/control/v1/objects")
      #expect(status == 200)
      #expect(json["revision"] == .integer(last))
      let counts = (json["kinds"]?.elements ?? []).map { "\($0["plural"]?.text ?? "") \($0["count"]?.encoded ?? "")" }
      #expect(
        counts == [
          "sessions 2", "steps 0", "graphs 0", "results 0", "instances 0", "graphservices 0", "jobs 0", "children 0",
          "tenants 0", "hosts 0",
        ])
      #expect(try await fixture.ask("/control/v1/objects?revision=1").json["revision"] == .integer(1))
    }
  }

  @Test("A list contains whole documents, ordered by name, with the revision that last changed them")
  func list() async throws {
    try await Fixture.run { fixture async throws in
      let second = try await fixture.put(.session, "b")
      let first = try await fixture.put(.session, "a", phase: "detached")
      try await fixture.put(.step, "a/1")
      let (status, json) = try await fixture.ask("/control/v1/sessions")
      #expect(status == 200)
      #expect(json["kind"]?.text == "session")
      #expect(json.names == ["a", "b"])
      #expect(json["continue"] == nil)
      let items = json["items"]?.elements ?? []
      #expect(items[0]["status"]?["phase"]?.text == "detached")
      #expect(items[0]["spec"]?["size"] == .integer(1))
      #expect(items.map { $0["revision"] } == [.integer(first), .integer(second)])
      #expect(items[0]["createdMilliseconds"] == .integer(1_700_000_000_000))
    }
  }

  @Test("An object is found by its name, which may contain slashes and any encoded characters")
  func get() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.step, "session/12")
      try await fixture.put(.session, "ü b+%")
      #expect(try await fixture.ask("/control/v1/steps/session/12").json["name"]?.text == "session/12")
      #expect(try await fixture.ask("/control/v1/steps/session%2F12").json["name"]?.text == "session/12")
      #expect(try await fixture.ask("/control/v1/sessions/%C3%BC%20b+%25").json["name"]?.text == "ü b+%")
      let (status, json) = try await fixture.ask("/control/v1/sessions/none")
      #expect(status == 404)
      #expect(json["code"]?.text == "NOT_FOUND")
      #expect(json["message"]?.text?.contains("'none'") == true)
      #expect(json["hint"]?.text?.contains("/control/v1/sessions") == true)
    }
  }

  @Test("Past revisions are shown until they are compacted")
  func past() async throws {
    try await Fixture.run { fixture async throws in
      let first = try await fixture.put(.session, "a", phase: "connected")
      try await fixture.put(.session, "a", phase: "closed")
      let last = try await fixture.delete(.session, "a")
      let path = "/control/v1/sessions/a"
      #expect(try await fixture.ask(path).status == 404)
      #expect(try await fixture.ask("\(path)?revision=\(first)").json["status"]?["phase"]?.text == "connected")
      #expect(try await fixture.ask("/control/v1/sessions?revision=\(first + 1)").json.names == ["a"])
      #expect(try await fixture.ask("/control/v1/sessions?revision=\(last + 1)").status == 400)
      try await fixture.store.compact(before: last)
      let (status, json) = try await fixture.ask("\(path)?revision=\(first)")
      #expect(status == 410)
      #expect(json["code"]?.text == "COMPACTED")
    }
  }

  @Test("A list can be restricted to the objects of an owner")
  func owner() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.session, "a", owner: "uid 1")
      try await fixture.put(.session, "b", owner: "uid 2")
      #expect(try await fixture.ask("/control/v1/sessions?owner=uid%202").json.names == ["b"])
      #expect(try await fixture.ask("/control/v1/sessions?owner=uid+2").json.names == [])
    }
  }

  @Test("All pages show the list at the revision of the first one, regardless of changes in between")
  func pages() async throws {
    try await Fixture.run { fixture async throws in
      let names = (10..<17).map { "s\($0)" }
      for name in names { try await fixture.put(.session, name) }
      var page = try await fixture.ask("/control/v1/sessions?limit=3").json
      var seen = [page.names]
      while let token = page["continue"]?.text {
        try await fixture.put(.session, "s11x\(seen.count)")
        try await fixture.delete(.session, names[seen.count])
        page = try await fixture.ask("/control/v1/sessions?limit=3&continue=\(token)").json
        seen.append(page.names)
      }
      #expect(seen.map(\.count) == [3, 3, 1])
      #expect(seen.flatMap { $0 } == names)
    }
  }

  @Test("A page ends before it becomes too large, but contains at least one object")
  func largePages() async throws {
    var limits = HTTPLimits()
    limits.pageBytes = 200
    try await Fixture.run(limits: limits) { fixture async throws in
      for name in ["a", "b", "c"] { try await fixture.put(.session, name, owner: String(repeating: "o", count: 300)) }
      let page = try await fixture.ask("/control/v1/sessions").json
      #expect(page.names == ["a"])
      let token = try #require(page["continue"]?.text)
      #expect(try await fixture.ask("/control/v1/sessions?continue=\(token)").json.names == ["b"])
    }
  }

  @Test("A page token that is compacted, invalid or from another list is rejected")
  func tokens() async throws {
    try await Fixture.run { fixture async throws in
      for name in ["a", "b", "c"] { try await fixture.put(.session, name) }
      let page = try await fixture.ask("/control/v1/sessions?limit=1").json
      let token = try #require(page["continue"]?.text)
      for path in ["sessions?continue=!!", "sessions?continue=AAAA", "jobs?continue=\(token)"] {
        #expect(try await fixture.ask("/control/v1/\(path)").status == 400)
      }
      #expect(try await fixture.ask("/control/v1/sessions?revision=1&continue=\(token)").status == 400)
      let last = try await fixture.put(.session, "d")
      try await fixture.store.compact(before: last)
      #expect(try await fixture.ask("/control/v1/sessions?continue=\(token)").status == 410)
    }
  }

  @Test("A stored value that is not an object does not hide the others")
  func damaged() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.session, "good")
      let values: [(String, [UInt8])] = [("text", Array("{".utf8)), ("list", Array("[]".utf8)), ("bytes", [0xff])]
      for (name, value) in values {
        _ = try await fixture.store.commit(
          StateTransaction(author: "test", summary: "", changes: [.put("sessions/\(name)", value)]))
      }
      let (status, json) = try await fixture.ask("/control/v1/sessions")
      #expect(status == 200)
      #expect(json.names == ["bytes", "good", "list", "text"])
      let damaged = (json["items"]?.elements ?? []).filter { $0["damaged"] != nil }.compactMap { $0["name"]?.text }
      #expect(damaged == ["bytes", "list", "text"])
      #expect(try await fixture.ask("/control/v1/sessions/text").json["damaged"]?.text?.contains("byte 1") == true)
    }
  }

  @Test("Keys that are equal as Swift strings are different objects")
  func composition() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.session, "\u{e9}", phase: "one")
      try await fixture.put(.session, "e\u{301}", phase: "two")
      try await fixture.put(.session, "\u{301}", phase: "three")
      let json = try await fixture.ask("/control/v1/sessions").json
      #expect(json.names.count == 3)
      #expect(try await fixture.ask("/control/v1/sessions/e%CC%81").json["status"]?["phase"]?.text == "two")
      let difference = try await fixture.ask("/control/v1/diff?from=0").json
      #expect(difference["items"]?.elements?.count == 3)
      #expect(try await fixture.ask("/control/v1/sessions?limit=1").json["continue"] != nil)
    }
  }

  @Test("A session is closed on behalf of the caller")
  func close() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.session, "a")
      let (status, json) = try await fixture.ask("/control/v1/sessions/a", method: "DELETE")
      #expect(status == 200)
      #expect(json["name"]?.text == "a")
      _ = try await fixture.unix.send(HTTPRequest("DELETE", "http://localhost/control/v1/sessions/a"))
      let closed = fixture.plane.script.withLock(\.closed)
      #expect(closed == ["a by host 127.0.0.1", "a by uid \(getuid())"])
      let missing = try await fixture.ask("/control/v1/sessions/none", method: "DELETE")
      #expect(missing.status == 404)
      #expect(missing.json["message"]?.text == "there is no session 'none'")
      #expect(try await fixture.ask("/control/v1/jobs/a", method: "DELETE").status == 405)
      #expect(try await fixture.ask("/control/v1/sessions", method: "DELETE").status == 405)
    }
  }

  @Test("A running step is cancelled on behalf of the caller; ended and unknown steps have different errors")
  func cancel() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.step, "a/1", phase: "running")
      try await fixture.put(.step, "a/2", phase: "succeeded")
      fixture.plane.script.withLock { $0.progress["a/1"] = StepReport(operation: 2, operations: 3, kind: "RUN_APP") }
      #expect(try await fixture.ask("/control/v1/steps/a/1", method: "DELETE").status == 200)
      #expect(fixture.plane.script.withLock(\.cancelled) == ["a/1 by host 127.0.0.1"])
      let (status, json) = try await fixture.ask("/control/v1/steps/a/2", method: "DELETE")
      #expect(status == 409 && json["code"]?.text == "CONFLICT")
      for name in ["none", "a", "a/9", "..%2F..", "a%00"] {
        let status = try await fixture.ask("/control/v1/steps/\(name)", method: "DELETE").status
        #expect(status == (name == "a%00" ? 400 : 404), "\(name)")
      }
    }
  }

  @Test("A running step shows its progress now, but not at past revisions")
  func progress() async throws {
    try await Fixture.run { fixture async throws in
      let revision = try await fixture.put(.step, "a/1", phase: "running")
      fixture.plane.script.withLock {
        $0.progress["a/1"] = StepReport(operation: 2, operations: 3, kind: "CREATE_GRAPH", message: "Loading e")
      }
      let wanted = #"{"operation":2,"operations":3,"kind":"CREATE_GRAPH","message":"Loading e"}"#
      #expect(try await fixture.ask("/control/v1/steps/a/1").json["progress"]?.encoded == wanted)
      #expect(try await fixture.ask("/control/v1/steps").json["items"]?.elements?[0]["progress"]?.encoded == wanted)
      #expect(try await fixture.ask("/control/v1/steps/a/1?revision=\(revision)").json["progress"] == nil)
    }
  }

  @Test("Objects that are not stored are listed in pages, and have neither a history nor a watch")
  func live() async throws {
    try await Fixture.run { fixture async throws in
      let entries = ["a/g1", "a/g2", "b/g3"].map {
        StateEntry(
          key: ObjectKind.graph.key($0), value: Array(#"{"kind":"graph","name":"\#($0)","owner":"o"}"#.utf8),
          created: 0,
          modified: 0)
      }
      fixture.plane.script.withLock { $0.live = entries }
      #expect(try await fixture.ask("/control/v1/graphs").json.names == ["a/g1", "a/g2", "b/g3"])
      #expect(try await fixture.ask("/control/v1/graphs?owner=x").json.names == [])
      let page = try await fixture.ask("/control/v1/graphs?limit=2").json
      let token = try #require(page["continue"]?.text)
      #expect(try await fixture.ask("/control/v1/graphs?limit=2&continue=\(token)").json.names == ["b/g3"])
      #expect(try await fixture.ask("/control/v1/graphs/a/g2").json["name"]?.text == "a/g2")
      #expect(try await fixture.ask("/control/v1/graphs/a/g9").status == 404)
      #expect(try await fixture.ask("/control/v1/results").json.names == [])
      for query in ["revision=1", "watch=true", "since=1"] {
        let (status, json) = try await fixture.ask("/control/v1/graphs?\(query)")
        #expect(status == 400 && json["command_hint"]?.text?.contains("Leave out --") == true, "\(query)")
      }
      #expect(try await fixture.ask("/control/v1/graphs/a/g1", method: "DELETE").status == 405)
    }
  }
}
