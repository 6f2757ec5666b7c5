import AdminEndpoint
import Foundation
import HTTPClient
import HTTPServing
import NIOCore
import Synchronization
import Testing
import Turns

@Suite("Protection of the admin endpoint from browsers and slow clients", .takesTurns, .timeLimit(.minutes(2)))
struct GuardTests {
  /// Returns the answer to input that is sent on a new connection.
  private func answer(_ fixture: Fixture, _ text: String) async throws -> String {
    let connection = try RawConnection(port: fixture.port)
    connection.send(text)
    return try #require(await connection.readToEnd(), "the connection stays open")
  }

  private func status(_ fixture: Fixture, _ line: String, _ fields: String...) async throws -> String {
    let text = ([line + " HTTP/1.1", "Connection: close"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
    return String(try await answer(fixture, text).dropFirst(9).prefix(3))
  }

  @Test(
    "A foreign host is accepted only with a valid token, not with any Authorization field",
    arguments: ["Bearer gsc_x", "Basic YTpi", "x", ""])
  func foreignHost(_ authorization: String) async throws {
    try await Fixture.run { fixture async throws in
      let fields = ["Host: evil.example", "Authorization: \(authorization)"]
      #expect(try await status(fixture, "GET /version", fields[0], fields[1]) == "403")
      #expect(try await status(fixture, "POST /control/v1/reload", fields[0], fields[1]) == "403")
      #expect(fixture.plane.script.withLock(\.reloads) == [])
    }
  }

  @Test("A request must have exactly one Host field")
  func hostFields() async throws {
    try await Fixture.run { fixture async throws in
      let own = "Host: 127.0.0.1"
      #expect(try await status(fixture, "GET /version", own, "Host: evil.example") == "400")
      #expect(try await status(fixture, "GET /version", "Host: evil.example", own) == "400")
      #expect(try await status(fixture, "GET /version", own, own) == "400")
      #expect(try await status(fixture, "GET /version") == "400")
      #expect(try await status(fixture, "GET /version", own, "X-Fault: from a client") == "200")
    }
  }

  @Test("The host of an absolute target is checked instead of the Host field")
  func absoluteTargets() async throws {
    try await Fixture.run { fixture async throws in
      let own = "Host: 127.0.0.1"
      #expect(try await status(fixture, "GET http://127.0.0.1:\(fixture.port)/version", own) == "200")
      #expect(try await status(fixture, "GET http://localhost/version", "Host: evil.example") == "200")
      #expect(try await status(fixture, "GET http://evil.example/version", own) == "403")
      #expect(try await status(fixture, "POST http://evil.example/control/v1/reload", own) == "403")
      #expect(try await status(fixture, "GET http://127.0.0.1@evil.example/version", own) == "400")
      #expect(try await status(fixture, "GET ftp://127.0.0.1/version", own) == "400")
      #expect(try await status(fixture, "GET http:///version", own) == "400")
      #expect(fixture.plane.script.withLock(\.reloads) == [])
    }
  }

  @Test("Pages of other origins cannot change anything, and can read only what any program on this machine can")
  func origins() async throws {
    try await Fixture.run { fixture async throws in
      let (own, path) = ("127.0.0.1:\(fixture.port)", "/control/v1/reload")
      for field in [
        "Origin: http://evil.example", "Origin: null", "Origin: https://127.0.0.1.evil.example",
        "Origin: http://127.0.0.1:1", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site",
      ] {
        for line in ["POST \(path)", "DELETE /control/v1/sessions/a", "PATCH /control/v1/sessions/s1?workers=2"] {
          #expect(try await status(fixture, line, "Host: \(own)", field) == "403", "\(line) \(field)")
        }
        #expect(try await status(fixture, "GET /version", "Host: \(own)", field) == "200", "\(field)")
      }
      #expect(fixture.plane.script.withLock(\.reloads) == [])
      #expect(try await status(fixture, "POST \(path)", "Host: \(own)", "Origin: http://\(own)") == "200")
      #expect(try await status(fixture, "POST \(path)", "Host: \(own)", "Sec-Fetch-Site: same-origin") == "200")
      #expect(try await status(fixture, "POST \(path)", "Host: \(own)", "Sec-Fetch-Site: none") == "200")
    }
  }

  @Test("HTTP/1.0 requests are answered as HTTP/1.0, and the connection is closed even with keep-alive")
  func oldVersion() async throws {
    try await Fixture.run { fixture async throws in
      for field in ["", "Connection: keep-alive\r\n"] {
        let text = "GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\(field)\r\n"
        let answer = try await answer(fixture, text)
        #expect(answer.hasPrefix("HTTP/1.0 200 ") && answer.hasSuffix("\r\n\r\nok\n"))
        #expect(answer.lowercased().contains("connection: close") && !answer.lowercased().contains("chunked"))
      }
    }
  }

  @Test("HEAD is answered as GET without the body", arguments: ["/healthz", "/control/v1/sessions", "/nothing"])
  func head(_ path: String) async throws {
    try await Fixture.run { fixture async throws in
      let fields = "HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
      let head = try await answer(fixture, "HEAD \(path) \(fields)")
      let get = try await answer(fixture, "GET \(path) \(fields)")
      let end = try #require(get.firstRange(of: "\r\n\r\n")).upperBound
      #expect(head == get[..<end] && get[end...].isEmpty == false)
    }
  }

  @Test("HEAD does not start a watch")
  func headOfStream() async throws {
    try await Fixture.run { fixture async throws in
      let text = "HEAD /control/v1/sessions?watch=true HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
      #expect(try await answer(fixture, text).hasPrefix("HTTP/1.1 200 "))
      try await fixture.waitForStreams(0)
    }
  }

  @Test("A head has a time limit from its first byte, on new and on reused connections")
  func slowHead() async throws {
    var limits = HTTPLimits()
    limits.headTimeout = .milliseconds(400)
    try await Fixture.run(limits: limits) { fixture async throws in
      #expect(try await answer(fixture, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ") == "")
      let whole = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
      for earlier in ["", whole] {
        let dripping = try RawConnection(port: fixture.port)
        dripping.send(earlier + "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ")
        let drip = Task {
          while dripping.send("a"), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(50)) }
        }
        let answer = try #require(await dripping.readToEnd(), "the connection stays open")
        #expect(answer.components(separatedBy: "HTTP/1.1 200 ").count == (earlier.isEmpty ? 1 : 2))
        drip.cancel()
      }
    }
  }

  @Test("Connections without a request do not shut out others")
  func slowHeads() async throws {
    var limits = HTTPLimits()
    (limits.connections, limits.patience) = (8, .milliseconds(100))
    limits.headTimeout = .seconds(60)
    try await Fixture.run(limits: limits) { fixture async throws in
      let slow = try (0..<40).map { _ in try RawConnection(port: fixture.port) }
      for connection in slow { connection.send("GET /healthz HTTP/1.1\r\nX-A: ") }
      let begin = ContinuousClock.now
      #expect(try await fixture.ask("/healthz").status == 200)
      #expect(try await fixture.ask("/control/v1/sessions").status == 200)
      // Less than the time after which connections without a request are closed anyway.
      #expect(ContinuousClock.now - begin < .seconds(55))
      withExtendedLifetime(slow) {}
    }
  }

  @Test("Connections of a peer are limited; a further one replaces an idle one")
  func connectionsOfPeer() async throws {
    var limits = HTTPLimits()
    limits.connectionsOfPeer = 3
    try await Fixture.run(limits: limits) { fixture async throws in
      let idle = try (0..<3).map { _ in try RawConnection(port: fixture.port) }
      #expect(try await fixture.ask("/healthz").status == 200)
      // One of the three was closed; the others and the client's are still open.
      #expect(await idle[0].readToEnd() == "")
      let path = "/control/v1/sessions?watch=true"
      var held: [HTTPStream] = []
      for _ in 0..<3 {
        held.append(try await fixture.tcp.stream(HTTPRequest("GET", fixture.url(path), timeout: nil)))
      }
      try await fixture.waitForStreams(3)
      await #expect(throws: HTTPClientError.self) { try await fixture.ask("/healthz") }
      #expect(
        try await fixture.unix.send(HTTPRequest("GET", "http://localhost/healthz")).status == 200,
        "another peer is served")
      held.removeAll()
      try await fixture.waitForStreams(0)
      #expect(try await fixture.ask("/healthz").status == 200)
    }
  }

  @Test("Streams of a peer are limited")
  func streamsOfPeer() async throws {
    var limits = HTTPLimits()
    limits.streamsOfPeer = 2
    try await Fixture.run(limits: limits) { fixture async throws in
      let path = "/control/v1/sessions?watch=true"
      var held: [HTTPStream] = []
      for _ in 0..<2 {
        held.append(try await fixture.tcp.stream(HTTPRequest("GET", fixture.url(path), timeout: nil)))
      }
      #expect(try await fixture.ask(path).status == 429)
      let other = try await fixture.unix.stream(HTTPRequest("GET", "http://localhost\(path)", timeout: nil))
      #expect(other.status == 200, "another peer is served")
      held.removeAll()
    }
  }

  @Test("Health is answered even when the limit of requests is reached")
  func reserve() async throws {
    var limits = HTTPLimits()
    (limits.connections, limits.streamsOfPeer) = (32, 64)
    try await Fixture.run(limits: limits) { fixture async throws in
      let path = "/control/v1/sessions?watch=true"
      var held: [HTTPStream] = []
      for _ in 0..<30 {
        held.append(try await fixture.tcp.stream(HTTPRequest("GET", fixture.url(path), timeout: nil)))
      }
      try await fixture.waitForStreams(30)
      #expect(try await fixture.ask("/version").status == 429)
      for path in ["/healthz", "/readyz"] { #expect(try await fixture.ask(path).status == 200) }
      held.removeAll()
      try await fixture.waitForStreams(0)
      #expect(try await fixture.ask("/version").status == 200)
    }
  }
}
