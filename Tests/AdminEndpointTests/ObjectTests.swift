import AdminEndpoint
import Cluster
import Foundation
import HTTPClient
import Testing
import Turns
import Wire

@Suite("Objects over REST", .takesTurns, .timeLimit(.minutes(2)))
struct ObjectTests {
  @Test("The kinds are listed with how many there are of each")
  func kinds() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.session, "a")
      let last = try await fixture.put(.session, "b")
      let (status, json) = try await fixture.ask("/api/v1/objects")
      #expect(status == 200)
      #expect(json["revision"] == .integer(last))
      let counts = (json["kinds"]?.elements ?? []).map { "\($0["plural"]?.text ?? "") \($0["count"]?.encoded ?? "")" }
      #expect(
        counts == [
          "sessions 2", "steps 0", "instances 0", "graphservices 0", "jobs 0", "children 0", "tenants 0", "hosts 0",
        ])
      #expect(try await fixture.ask("/api/v1/objects?revision=1").json["revision"] == .integer(1))
    }
  }

  @Test("A list holds whole documents in the order of their names, with the revision that changed them last")
  func list() async throws {
    try await Fixture.run { fixture async throws in
      let second = try await fixture.put(.session, "b")
      let first = try await fixture.put(.session, "a", phase: "detached")
      try await fixture.put(.step, "a/1")
      let (status, json) = try await fixture.ask("/api/v1/sessions")
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

  @Test("One object is found by its name, which may hold slashes and anything that can be encoded")
  func get() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.step, "session/12")
      try await fixture.put(.session, "ü b+%")
      #expect(try await fixture.ask("/api/v1/steps/session/12").json["name"]?.text == "session/12")
      #expect(try await fixture.ask("/api/v1/steps/session%2F12").json["name"]?.text == "session/12")
      #expect(try await fixture.ask("/api/v1/sessions/%C3%BC%20b+%25").json["name"]?.text == "ü b+%")
      let (status, json) = try await fixture.ask("/api/v1/sessions/none")
      #expect(status == 404)
      #expect(json["code"]?.text == "NOT_FOUND")
      #expect(json["message"]?.text?.contains("'none'") == true)
      #expect(json["hint"]?.text?.contains("/api/v1/sessions") == true)
    }
  }

  @Test("The past is shown as it was, until it is forgotten")
  func past() async throws {
    try await Fixture.run { fixture async throws in
      let first = try await fixture.put(.session, "a", phase: "connected")
      try await fixture.put(.session, "a", phase: "closed")
      let last = try await fixture.delete(.session, "a")
      let path = "/api/v1/sessions/a"
      #expect(try await fixture.ask(path).status == 404)
      #expect(try await fixture.ask("\(path)?revision=\(first)").json["status"]?["phase"]?.text == "connected")
      #expect(try await fixture.ask("/api/v1/sessions?revision=\(first + 1)").json.names == ["a"])
      #expect(try await fixture.ask("/api/v1/sessions?revision=\(last + 1)").status == 400)
      try await fixture.store.compact(before: last)
      let (status, json) = try await fixture.ask("\(path)?revision=\(first)")
      #expect(status == 410)
      #expect(json["code"]?.text == "COMPACTED")
    }
  }

  @Test("Only an owner's objects are shown when asked for")
  func owner() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.session, "a", owner: "uid 1")
      try await fixture.put(.session, "b", owner: "uid 2")
      #expect(try await fixture.ask("/api/v1/sessions?owner=uid%202").json.names == ["b"])
      #expect(try await fixture.ask("/api/v1/sessions?owner=uid+2").json.names == [])
    }
  }

  @Test("Pages together are the list as it was at the first page, whatever happens between them")
  func pages() async throws {
    try await Fixture.run { fixture async throws in
      let names = (10..<17).map { "s\($0)" }
      for name in names { try await fixture.put(.session, name) }
      var page = try await fixture.ask("/api/v1/sessions?limit=3").json
      var seen = [page.names]
      while let token = page["continue"]?.text {
        try await fixture.put(.session, "s11x\(seen.count)")
        try await fixture.delete(.session, names[seen.count])
        page = try await fixture.ask("/api/v1/sessions?limit=3&continue=\(token)").json
        seen.append(page.names)
      }
      #expect(seen.map(\.count) == [3, 3, 1])
      #expect(seen.flatMap { $0 } == names)
    }
  }

  @Test("A page ends before it becomes too large, but holds one object at least")
  func largePages() async throws {
    var limits = AdminLimits()
    limits.pageBytes = 200
    try await Fixture.run(limits: limits) { fixture async throws in
      for name in ["a", "b", "c"] { try await fixture.put(.session, name, owner: String(repeating: "o", count: 300)) }
      let page = try await fixture.ask("/api/v1/sessions").json
      #expect(page.names == ["a"])
      let token = try #require(page["continue"]?.text)
      #expect(try await fixture.ask("/api/v1/sessions?continue=\(token)").json.names == ["b"])
    }
  }

  @Test("A page's token that was forgotten, invented or is another list's is refused")
  func tokens() async throws {
    try await Fixture.run { fixture async throws in
      for name in ["a", "b", "c"] { try await fixture.put(.session, name) }
      let page = try await fixture.ask("/api/v1/sessions?limit=1").json
      let token = try #require(page["continue"]?.text)
      for path in ["sessions?continue=!!", "sessions?continue=AAAA", "jobs?continue=\(token)"] {
        #expect(try await fixture.ask("/api/v1/\(path)").status == 400)
      }
      #expect(try await fixture.ask("/api/v1/sessions?revision=1&continue=\(token)").status == 400)
      let last = try await fixture.put(.session, "d")
      try await fixture.store.compact(before: last)
      #expect(try await fixture.ask("/api/v1/sessions?continue=\(token)").status == 410)
    }
  }

  @Test("What is stored and is no object does not hide the others")
  func damaged() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.session, "good")
      let values: [(String, [UInt8])] = [("text", Array("{".utf8)), ("list", Array("[]".utf8)), ("bytes", [0xff])]
      for (name, value) in values {
        _ = try await fixture.store.commit(
          StateTransaction(author: "test", summary: "", changes: [.put("sessions/\(name)", value)]))
      }
      let (status, json) = try await fixture.ask("/api/v1/sessions")
      #expect(status == 200)
      #expect(json.names == ["bytes", "good", "list", "text"])
      let damaged = (json["items"]?.elements ?? []).filter { $0["damaged"] != nil }.compactMap { $0["name"]?.text }
      #expect(damaged == ["bytes", "list", "text"])
      #expect(try await fixture.ask("/api/v1/sessions/text").json["damaged"]?.text?.contains("byte 1") == true)
    }
  }

  @Test("Keys that Swift takes for equal strings are different objects")
  func composition() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.session, "\u{e9}", phase: "one")
      try await fixture.put(.session, "e\u{301}", phase: "two")
      try await fixture.put(.session, "\u{301}", phase: "three")
      let json = try await fixture.ask("/api/v1/sessions").json
      #expect(json.names.count == 3)
      #expect(try await fixture.ask("/api/v1/sessions/e%CC%81").json["status"]?["phase"]?.text == "two")
      let difference = try await fixture.ask("/api/v1/diff?from=0").json
      #expect(difference["items"]?.elements?.count == 3)
      #expect(try await fixture.ask("/api/v1/sessions?limit=1").json["continue"] != nil)
    }
  }

  @Test("A session is closed in the name of who asks")
  func close() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.session, "a")
      let (status, json) = try await fixture.ask("/api/v1/sessions/a", method: "DELETE")
      #expect(status == 200)
      #expect(json["name"]?.text == "a")
      _ = try await fixture.unix.send(HTTPRequest("DELETE", "http://localhost/api/v1/sessions/a"))
      let closed = fixture.plane.script.withLock(\.closed)
      #expect(closed == ["a by host 127.0.0.1", "a by uid \(getuid())"])
      let missing = try await fixture.ask("/api/v1/sessions/none", method: "DELETE")
      #expect(missing.status == 404)
      #expect(missing.json["message"]?.text == "there is no session 'none'")
      #expect(try await fixture.ask("/api/v1/jobs/a", method: "DELETE").status == 405)
      #expect(try await fixture.ask("/api/v1/sessions", method: "DELETE").status == 405)
    }
  }
}
