import AdminEndpoint
import Foundation
import HTTPClient
import HTTPServing
import JSON
import NIOCore
import Objects
import Synchronization
import TestSupport
import Testing
import Turns
import Wire

@Suite("Hostile requests", .takesTurns, .timeLimit(.minutes(2)))
struct HostileTests {
  @Test(
    "An invalid request gets an error that describes the problem",
    arguments: [
      ("/", 404, "NOT_FOUND"), ("/nothing/here", 404, "NOT_FOUND"), ("/api/v2/sessions", 404, "NOT_FOUND"),
      ("/control/v1/sesions", 404, "NOT_FOUND"), ("/control/v1/%zz", 404, "NOT_FOUND"),
      ("/control/v1/sessions/%zz", 400, "INVALID_ARGUMENT"), ("/control/v1/sessions/%f", 400, "INVALID_ARGUMENT"),
      ("/control/v1/sessions/%ff", 400, "INVALID_ARGUMENT"), ("/control/v1/sessions/a%0a", 400, "INVALID_ARGUMENT"),
      ("/control/v1/sessions/a%00b", 400, "INVALID_ARGUMENT"),
      ("/control/v1/sessions?limit=-1", 400, "INVALID_ARGUMENT"),
      ("/control/v1/sessions?limit=x", 400, "INVALID_ARGUMENT"),
      ("/control/v1/sessions?revision=99999999999999999999", 400, "INVALID_ARGUMENT"),
      ("/control/v1/sessions?revision=-1", 400, "INVALID_ARGUMENT"),
      ("/control/v1/sessions?revision=9223372036854775807", 400, "INVALID_ARGUMENT"),
      ("/control/v1/sessions?limt=1", 400, "INVALID_ARGUMENT"),
      ("/control/v1/sessions?limit=1&limit=2", 400, "INVALID_ARGUMENT"),
      ("/control/v1/sessions?owner=%f", 400, "INVALID_ARGUMENT"), ("/healthz?x=1", 400, "INVALID_ARGUMENT"),
      ("/control/v1/history?after=9223372036854775808", 400, "INVALID_ARGUMENT"),
      ("/control/v1/diff?from=0&prefix=%00", 400, "INVALID_ARGUMENT"),
    ] as [(String, Int, String)])
  func nonsense(path: String, status: Int, code: String) async throws {
    try await Fixture.run { fixture async throws in
      let answer = try await fixture.ask(path)
      #expect(answer.status == status)
      #expect(answer.json["code"]?.text == code)
      #expect(answer.json["message"]?.text?.isEmpty == false)
    }
  }

  @Test("Errors suggest the nearest kind and parameter")
  func nearest() async throws {
    try await Fixture.run { fixture async throws in
      #expect(try await fixture.ask("/control/v1/sesions").json["hint"]?.text?.contains("'sessions'") == true)
      #expect(try await fixture.ask("/control/v1/qqqqqqqq").json["hint"]?.text?.contains("graphservices") == true)
      #expect(try await fixture.ask("/control/v1/sessions?limt=1").json["hint"]?.text?.contains("'limit'") == true)
    }
  }

  @Test("Extreme but valid numbers are answered", arguments: [Int64.max, Int64.max - 1])
  func extremes(number: Int64) async throws {
    try await Fixture.run { fixture async throws in
      try await fixture.put(.session, "a")
      let history = try await fixture.ask("/control/v1/history?after=\(number)")
      #expect(history.status == 200 || history.status == 400)
      #expect(try await fixture.ask("/control/v1/events?since=\(number)").status == 200)
      // A watch from a future revision waits, or reports that it does not exist; it must not crash the server.
      let stream = try await fixture.tcp.stream(
        HTTPRequest("GET", fixture.url("/control/v1/sessions?watch=true&since=\(number)"), timeout: nil))
      #expect(stream.status == 200)
      #expect(try await fixture.ask("/healthz").status == 200)
    }
  }

  @Test("Unsupported methods are answered with the supported ones")
  func methods() async throws {
    try await Fixture.run { fixture async throws in
      for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
        let answer = try await fixture.tcp.send(HTTPRequest(method, fixture.url("/control/v1/history")))
        #expect(answer.status == 405, "\(method)")
        #expect(answer.head["Allow"] == "GET, HEAD", "\(method)")
      }
      let connection = try RawConnection(port: fixture.port)
      connection.send(
        "HEAD /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
          + "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
      let answers = try #require(await connection.readToEnd())
      #expect(answers.contains("\r\n\r\nHTTP/1.1 200 OK\r\n"), "an answer to HEAD has no body")
      let object = try await fixture.tcp.send(HTTPRequest("OPTIONS", fixture.url("/control/v1/sessions/a")))
      #expect(object.head["Allow"] == "DELETE, GET, HEAD, PATCH")
      #expect(try await fixture.ask("/healthz", method: "PROPFIND").status == 405)
      #expect(try await fixture.ask("/healthz", method: "BREW").status == 400)
    }
  }

  @Test("A body of any length is rejected, and the server continues")
  func bodies() async throws {
    try await Fixture.run { fixture async throws in
      for body in [1, 100, 1 << 20] {
        let request = HTTPRequest(
          "DELETE", fixture.url("/control/v1/sessions/a"), body: [UInt8](repeating: 0x20, count: body))
        let answer = try await fixture.tcp.send(request)
        #expect(answer.status == 413)
      }
      let connection = try RawConnection(port: fixture.port)
      connection.send("POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
      // The rest of the body never arrives: the server answers and closes the connection.
      #expect(await connection.readToEnd()?.hasPrefix("HTTP/1.1 413 ") == true)
      #expect(fixture.plane.script.withLock(\.closed) == [])
      #expect(try await fixture.ask("/healthz").status == 200)
    }
  }

  @Test("Paths, queries and headers that are too long are rejected, and the server continues")
  func lengths() async throws {
    try await Fixture.run { fixture async throws in
      let long = String(repeating: "a", count: 5000)
      #expect(try await fixture.ask("/control/v1/sessions/\(long)").status == 400)
      #expect(try await fixture.ask("/control/v1/sessions?owner=\(long)").status == 400)
      #expect(try await fixture.ask("/control/v1/sessions/" + String(repeating: "/a", count: 1000)).status == 400)
      let many = (0..<200).map { "p\($0)=1" }.joined(separator: "&")
      #expect(try await fixture.ask("/control/v1/sessions?\(many)").json["message"]?.text?.contains("16") == true)
      let huge = String(repeating: "b", count: 200_000)
      for text in [
        "GET /\(huge) HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: \(huge)\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + (0..<5000).map { "X\($0): y\r\n" }.joined() + "\r\n",
      ] {
        let connection = try RawConnection(port: fixture.port)
        connection.send(text)
        let answer = try #require(await connection.readToEnd(), "the connection stays open")
        #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(answer.prefix(40))")
      }
      #expect(try await fixture.ask("/healthz").status == 200)
    }
  }

  @Test(
    "Input that is not HTTP ends only its connection",
    arguments: [
      "\r\n\r\n\0\0\0", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
      "GET / HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n", "CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "GET http:// HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
      "GET // HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "GET ? HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ])
  func garbage(text: String) async throws {
    var limits = HTTPLimits()
    limits.idleTimeout = .milliseconds(500)
    try await Fixture.run(limits: limits) { fixture async throws in
      let connection = try RawConnection(port: fixture.port)
      connection.send(text)
      let answer = try #require(await connection.readToEnd(), "the connection stays open")
      #expect(!answer.hasPrefix("HTTP/1.1 2"))
      #expect(try await fixture.ask("/healthz").status == 200)
    }
  }

  @Test("A client that requests a protocol upgrade is answered in HTTP/1.1")
  func upgrade() async throws {
    var limits = HTTPLimits()
    limits.idleTimeout = .milliseconds(500)
    try await Fixture.run(limits: limits) { fixture async throws in
      let connection = try RawConnection(port: fixture.port)
      connection.send(
        "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
          + "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n")
      #expect(await connection.readToEnd()?.hasPrefix("HTTP/1.1 200 ") == true)
    }
  }

  @Test("The connection of a silent or slow client is closed")
  func silence() async throws {
    var limits = HTTPLimits()
    limits.idleTimeout = .milliseconds(300)
    try await Fixture.run(limits: limits) { fixture async throws in
      for text in ["", "GET /hea", "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"] {
        let connection = try RawConnection(port: fixture.port)
        connection.send(text)
        #expect(await connection.readToEnd() == "")
      }
    }
  }

  @Test("A web page cannot reach the endpoint under its own name")
  func rebinding() async throws {
    try await Fixture.run { fixture async throws in
      for (host, status) in [
        ("evil.example", 403), ("127.0.0.1.evil.example", 403), ("10.0.0.1", 403), ("127.evil", 403),
        ("localhost:1", 200), ("127.0.0.1", 200), ("127.9.9.9:80", 200), ("[::1]:80", 200),
      ] {
        let connection = try RawConnection(port: fixture.port)
        connection.send("GET /healthz HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
        #expect(await connection.readToEnd()?.hasPrefix("HTTP/1.1 \(status) ") == true, "\(host)")
      }
    }
  }

  @Test("Pipelined requests are answered in order")
  func pipelining() async throws {
    try await Fixture.run { fixture async throws in
      let connection = try RawConnection(port: fixture.port)
      let head = "HTTP/1.1\r\nHost: 127.0.0.1\r\n"
      connection.send(
        "GET /version \(head)\r\nGET /healthz \(head)\r\nGET /nothing \(head)Connection: close\r\n\r\n")
      let answer = try #require(await connection.readToEnd())
      let statuses = answer.components(separatedBy: "HTTP/1.1 ").dropFirst().map { $0.prefix(3) }
      #expect(statuses == ["200", "200", "404"])
    }
  }

  @Test("Many concurrent clients are all answered")
  func many() async throws {
    var limits = HTTPLimits()
    limits.connections = 4
    try await Fixture.run(limits: limits) { fixture async throws in
      try await fixture.put(.session, "a")
      try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<40 { group.addTask { try await fixture.ask("/control/v1/sessions").status } }
        for try await status in group { #expect(status == 200) }
      }
    }
  }

  @Test(
    "For any input, the server answers or disconnects, and continues", arguments: [UInt64(1), .random(in: 2...9999)])
  func randomBytes(seed: UInt64) async throws {
    var limits = HTTPLimits()
    limits.idleTimeout = .seconds(2)
    try await Fixture.run(limits: limits) { fixture async throws in
      try await fixture.put(.session, "a")
      var generator = SplitMix(seed: seed)
      for round in 0..<150 {
        let connection = try RawConnection(port: fixture.port)
        connection.send(Self.request(&generator))
        connection.finishSending()
        let answer = await connection.readToEnd()
        #expect(answer != nil, "seed \(seed), round \(round): the connection stays open")
      }
      #expect(try await fixture.ask("/healthz").status == 200)
      try await fixture.waitForStreams(0)
    }
  }

  /// Returns a valid request with some bytes changed, removed or repeated.
  private static func request(_ generator: inout SplitMix) -> [UInt8] {
    let targets = [
      "/healthz", "/version", "/control/v1/objects?revision=0", "/control/v1/sessions?limit=1&owner=uid%200",
      "/control/v1/sessions?watch=true&since=0", "/control/v1/sessions/a?revision=1",
      "/control/v1/events?follow=true&object=job/a",
      "/control/v1/history?after=0&limit=1", "/control/v1/diff?from=0&to=1&prefix=s",
      "/control/v1/logs?session=a&grep=b",
    ]
    let method = ["GET", "DELETE", "POST", "HEAD"].randomElement(using: &generator)!
    var bytes = Array(
      "\(method) \(targets.randomElement(using: &generator)!) HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n".utf8)
    for _ in 0..<Int.random(in: 1...6, using: &generator) {
      let index = Int.random(in: 0..<bytes.count, using: &generator)
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
      case 1: bytes.remove(at: index)
      case 2: bytes.insert(Array("%/?&=: \r\n".utf8).randomElement(using: &generator)!, at: index)
      default: bytes.insert(contentsOf: bytes[index..<min(bytes.count, index + 8)], at: index)
      }
      if bytes.isEmpty { break }
    }
    return bytes
  }
}
