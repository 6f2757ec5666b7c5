import AdminEndpoint
import HTTPClient
import HTTPServing
import JSON
import NIOCore
import Objects
import StateStore
import Testing
import Turns
import Wire

@Suite("Watches over REST", .takesTurns, .timeLimit(.minutes(2)))
struct WatchTests {
  @Test("A watch reports the existing objects, their end, and then every change")
  func watch() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.session, "a", phase: "connected")
      try await fixture.put(.job, "other")
      var lines = try await fixture.lines("/control/v1/sessions?watch=true")
      #expect(try await lines.nextText() == "snapshot 2 session/a connected")
      #expect(try await lines.nextText() == "snapshot 2")
      try await fixture.put(.job, "other", phase: "gone")
      try await fixture.put(.session, "b", author: "uid 7")
      let line = try #require(try await lines.next())
      #expect(line["type"]?.text == "put" && line["revision"] == .integer(4))
      #expect(line["author"]?.text == "uid 7" && line["object"]?["name"]?.text == "b")
      #expect(line["object"]?["revision"] == .integer(4))
      if case .integer(let time)? = line["timeMilliseconds"] { #expect(time > 0) } else { Issue.record("no time") }
      try await fixture.delete(.session, "a")
      #expect(try await lines.nextText() == "delete 5 session/a")
    }
  }

  @Test("A watch from a revision starts with the changes after it")
  func since() async throws {
    try await Fixture.run { fixture async throws in
      let first = try await fixture.put(.session, "a", phase: "one")
      try await fixture.put(.session, "a", phase: "two")
      var lines = try await fixture.lines("/control/v1/sessions?watch=true&since=\(first)")
      #expect(try await lines.nextText() == "put 2 session/a two")
      try await fixture.put(.session, "a", phase: "three")
      #expect(try await lines.nextText() == "put 3 session/a three")
    }
  }

  @Test("A watch of one object excludes those whose names have it as a prefix")
  func one() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.session, "a", phase: "one")
      try await fixture.put(.session, "ab")
      var lines = try await fixture.lines("/control/v1/sessions/a?watch=true")
      #expect(try await lines.nextText() == "snapshot 2 session/a one")
      #expect(try await lines.nextText() == "snapshot 2")
      try await fixture.put(.session, "ab")
      try await fixture.put(.session, "a", phase: "two")
      #expect(try await lines.nextText() == "put 4 session/a two")
    }
  }

  @Test("A watch can be restricted to the objects of an owner")
  func owner() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.session, "a", owner: "x")
      var lines = try await fixture.lines("/control/v1/sessions?watch=true&owner=y")
      #expect(try await lines.nextText() == "snapshot 1")
      try await fixture.put(.session, "b", owner: "x")
      try await fixture.put(.session, "c", owner: "y")
      #expect(try await lines.nextText() == "put 3 session/c ready")
    }
  }

  @Test("A watch from a compacted revision reports this and ends; a new one shows everything")
  func compaction() async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.session, "a")
      try await fixture.put(.session, "b")
      let last = try await fixture.put(.session, "c")
      try await fixture.store.compact(before: last)
      var lines = try await fixture.lines("/control/v1/sessions?watch=true&since=0")
      let line = try #require(try await lines.next())
      #expect(line["type"]?.text == "compacted")
      #expect(line["message"]?.text?.isEmpty == false)
      #expect(try await lines.next() == nil)
      var again = try await fixture.lines("/control/v1/sessions?watch=true")
      #expect(try await again.nextText() == "snapshot 3 session/a ready")
    }
  }

  @Test("A watch that compaction overtakes reports this and ends")
  func overtaken() async throws {
    try await Fixture.run(historyBound: 10) { fixture async throws in
      var reader = try await fixture.lines("/control/v1/sessions?watch=true")
      #expect(try await reader.nextText() == "snapshot 0")
      // Stop reading for now, so that the changes fill the connection and the watch falls behind.
      let text = String(repeating: "x", count: 1 << 20)
      for number in 0..<40 { try await fixture.put(.session, "s\(number % 3)", phase: text) }
      var types: [String] = []
      while let line = try await reader.next() { types.append(line["type"]?.text ?? "") }
      #expect(types.last == "compacted")
    }
  }

  @Test("A watch ends cleanly when the store is closed")
  func closedStore() async throws {
    try await Fixture.run { fixture async throws in
      var lines = try await fixture.lines("/control/v1/sessions?watch=true")
      #expect(try await lines.nextText() == "snapshot 0")
      await fixture.store.close()
      #expect(try await lines.next() == nil)
      try await fixture.waitForStreams(0)
    }
  }

  @Test("A watch ends cleanly when the server stops, and no new one starts")
  func stoppedServer() async throws {
    var limits = HTTPLimits()
    limits.shutdownGrace = .seconds(60)
    try await Fixture.run(limits: limits) { fixture async throws in
      var lines = try await fixture.lines("/control/v1/sessions?watch=true")
      #expect(try await lines.nextText() == "snapshot 0")
      async let stopped: Void = fixture.stop()
      #expect(try await lines.next() == nil)
      await stopped
      #expect(fixture.server.openStreams == 0)
      await #expect(throws: HTTPClientError.self) { try await fixture.ask("/healthz") }
    }
  }

  @Test("A watch ends when its client disconnects")
  func clientGoes() async throws {
    try await Fixture.run { fixture async throws in
      for path in [
        "/control/v1/sessions?watch=true", "/control/v1/sessions/a?watch=true", "/control/v1/events?follow=true",
      ] {
        var stream: HTTPStream? = try await fixture.tcp.stream(
          HTTPRequest("GET", fixture.url(path), timeout: nil))
        #expect(stream?.status == 200)
        try await fixture.waitForStreams(1)
        stream = nil
        try await fixture.waitForStreams(0)
      }
    }
  }

  @Test("Streams above the limit are rejected until one ends")
  func bound() async throws {
    var limits = HTTPLimits()
    limits.streams = 2
    try await Fixture.run(limits: limits) { fixture async throws in
      let path = "/control/v1/sessions?watch=true"
      var held: [HTTPStream] = []
      for _ in 0..<2 {
        held.append(try await fixture.tcp.stream(HTTPRequest("GET", fixture.url(path), timeout: nil)))
      }
      let (status, json) = try await fixture.ask(path)
      #expect(status == 429)
      #expect(json["code"]?.text == "TOO_MANY_REQUESTS")
      #expect(try await fixture.ask("/control/v1/events?follow=true").status == 429)
      #expect(try await fixture.ask("/control/v1/sessions").status == 200)
      held.removeLast()
      try await fixture.waitForStreams(1)
      var lines = try await fixture.lines(path)
      #expect(try await lines.nextText() == "snapshot 0")
      held = []
    }
  }

  @Test("The connection of a client that does not read its stream is closed")
  func slowClient() async throws {
    var limits = HTTPLimits()
    limits.idleTimeout = .milliseconds(300)
    try await Fixture.run(limits: limits) { fixture async throws in
      let connection = try RawConnection(port: fixture.port)
      connection.send("GET /control/v1/sessions?watch=true HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
      try await fixture.waitForStreams(1)
      let text = String(repeating: "x", count: 1 << 20)
      for number in 0..<30 { try await fixture.put(.session, "s\(number)", phase: text) }
      try await fixture.waitForStreams(0)
    }
  }

  @Test("Watches reject the parameters of lists, and lists those of watches")
  func parameters() async throws {
    try await Fixture.run { fixture async throws in
      for query in ["watch=true&revision=1", "watch=true&limit=1", "since=1", "watch=maybe", "watch=true&since=-1"] {
        #expect(try await fixture.ask("/control/v1/sessions?\(query)").status == 400, "\(query)")
      }
    }
  }
}
