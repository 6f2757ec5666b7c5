import Glibc
import Synchronization
import Testing
import Turns

@testable import HTTPClient

@Suite("The HTTP client", .takesTurns, .timeLimit(.minutes(5)))
struct HTTPClientTests {
  let client: HTTPClient

  init() throws { client = try HTTPClient() }

  @Test("sends method, path, fields and body, and reads status, fields and body")
  func exchange() async throws {
    let server = try TestServer { request, connection in
      let echo = ([request.line] + request.headers).joined(separator: "\n")
      connection.answer(
        "418 I'm a teapot", headers: "X-Kind:  pot \r\nX-Kind: second\r\n", body: Array(echo.utf8) + request.body)
    }
    var request = HTTPRequest("PUT", server.url("/v1/pods?watch=0"), body: Array("{}".utf8))
    request.headers = [HTTPField("Content-Type", "application/json"), HTTPField("X-Empty", "")]
    let response = try await client.send(request)
    #expect(response.status == 418)
    #expect(response.head["x-kind"] == "pot")
    #expect(response.head.headers.filter { $0.name == "X-Kind" }.map(\.value) == ["pot", "second"])
    #expect(response.head["missing"] == nil)
    let text = String(decoding: response.body, as: UTF8.self)
    #expect(text.hasPrefix("PUT /v1/pods?watch=0 HTTP/1.1\n"))
    #expect(text.contains("Content-Type: application/json\n"))
    #expect(text.contains("X-Empty:\n") || text.contains("X-Empty:\r") || text.contains("X-Empty: "))
    #expect(text.hasSuffix("{}"))
  }

  @Test("uses every method with and without a body", arguments: ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
  func methods(method: String) async throws {
    let server = try TestServer { request, connection in
      connection.answer(body: Array((request.line + " \(request.body.count)").utf8))
    }
    for body in method == "HEAD" ? [[]] : [[], [1, 2, 3]] as [[UInt8]] {
      let response = try await client.send(HTTPRequest(method, server.url(), body: body))
      let expected = method == "HEAD" ? "" : "\(method) / HTTP/1.1 \(body.count)"
      #expect(String(decoding: response.body, as: UTF8.self) == expected)
    }
  }

  @Test("does not wait before it sends a large body, and adds no content type")
  func largeRequest() async throws {
    let server = try TestServer { request, connection in
      let hasExtras = request.headers.contains { $0.hasPrefix("Expect") || $0.hasPrefix("Content-Type") }
      connection.answer(body: Array("\(request.body.count) \(hasExtras)".utf8))
    }
    let body = [UInt8](repeating: 7, count: 3 << 20)
    let response = try await client.send(HTTPRequest("POST", server.url(), body: body))
    #expect(String(decoding: response.body, as: UTF8.self) == "\(3 << 20) false")
  }

  @Test("reads a body of many megabytes")
  func largeAnswer() async throws {
    let body = (0..<(12 << 20)).map { UInt8(truncatingIfNeeded: $0 / 7) }
    let server = try TestServer { _, connection in connection.answer(body: body) }
    let response = try await client.send(HTTPRequest("GET", server.url(), timeout: .seconds(300)))
    #expect(response.body == body)
  }

  @Test("skips informational responses")
  func informational() async throws {
    let server = try TestServer { _, connection in
      connection.write("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
      connection.answer("204 No Content")
    }
    let response = try await client.send(HTTPRequest("GET", server.url()))
    #expect(response.status == 204)
    #expect(response.head["Link"] == nil)
  }

  @Test("serves many requests at once on its one thread")
  func concurrency() async throws {
    let server = try TestServer { request, connection in connection.answer(body: Array(request.line.utf8)) }
    try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
      for number in 0..<100 {
        group.addTask { (number, try await client.send(HTTPRequest("GET", server.url("/\(number)"))).body) }
      }
      for try await (number, body) in group {
        #expect(String(decoding: body, as: UTF8.self) == "GET /\(number) HTTP/1.1")
      }
    }
  }

  @Test("returns lines of a stream as they arrive, wherever the pieces are split")
  func lines() async throws {
    let firstRead = Event()
    let server = try TestServer { _, connection in
      connection.beginChunked()
      connection.chunk("one\ntw")
      Task {
        await firstRead.wait(); for text in ["o\n", "\n", "fo", "u", "r"] { connection.chunk(text) };
        connection.chunk("")
      }
      connection.waitForEnd()
    }
    let stream = try await client.stream(HTTPRequest("GET", server.url(), timeout: nil))
    #expect(stream.status == 200)
    var lines: [String] = []
    for try await line in stream.body.lines() {
      lines.append(String(decoding: line, as: UTF8.self))
      firstRead.happen()
    }
    #expect(lines == ["one", "two", "", "four"])
  }

  @Test("pauses a server that sends faster than the task reads, and loses nothing")
  func backpressure() async throws {
    let stalled = Event()
    let sent = Mutex(0)
    let total = 64 << 20
    let server = try TestServer { _, connection in
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
      let block = [UInt8](repeating: 9, count: 1 << 16)
      while sent.withLock({ $0 }) < total {
        var poller = pollfd(fd: connection.socket, events: Int16(POLLOUT), revents: 0)
        if poll(&poller, 1, 300) == 0 { stalled.happen() }
        guard connection.write(block) else { return }
        sent.withLock { $0 += block.count }
      }
    }
    let stream = try await client.stream(HTTPRequest("GET", server.url(), timeout: nil))
    await stalled.wait()
    #expect(sent.withLock { $0 } < total / 2)
    var received = 0
    for try await piece in stream.body { received += piece.count }
    #expect(received == total)
  }

  @Test("ends the exchange when the task is cancelled, before and after the header")
  func cancellation() async throws {
    for answersFirst in [false, true] {
      let reached = Event()
      let hungUp = Event()
      let server = try TestServer { _, connection in
        if answersFirst {
          connection.beginChunked()
          connection.chunk("x")
        }
        reached.happen()
        connection.waitForEnd()
        hungUp.happen()
      }
      let task = Task { try await client.send(HTTPRequest("GET", server.url(), timeout: nil)) }
      await reached.wait()
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      await hungUp.wait()
    }
  }

  @Test("ends the exchange when the stream is released")
  func droppedStream() async throws {
    let hungUp = Event()
    let server = try TestServer { _, connection in
      connection.beginChunked()
      connection.waitForEnd()
      hungUp.happen()
    }
    _ = try await client.stream(HTTPRequest("GET", server.url(), timeout: nil))
    await hungUp.wait()
  }

  @Test("ends open exchanges when it is closed, and accepts no more")
  func closing() async throws {
    let reached = Event()
    let server = try TestServer { _, connection in
      reached.happen()
      connection.waitForEnd()
    }
    let task = Task { try await client.send(HTTPRequest("GET", server.url(), timeout: nil)) }
    await reached.wait()
    client.close()
    #expect(await failure { try await task.value }?.code == .closed)
    #expect(await failure { try await client.send(HTTPRequest("GET", server.url())) }?.code == .closed)
  }
}

@Suite("Errors of the HTTP client", .takesTurns, .timeLimit(.minutes(5)))
struct HTTPClientFailureTests {
  let client: HTTPClient

  init() throws { client = try HTTPClient() }

  @Test("an exchange that takes too long")
  func timeout() async throws {
    let server = try TestServer { _, connection in connection.waitForEnd() }
    let request = HTTPRequest("GET", server.url(), timeout: .milliseconds(50))
    #expect(await failure { try await client.send(request) }?.code == .timeout)
  }

  @Test("an address without a server, with the address and a hint in the error")
  func refused() async throws {
    let (listener, port) = try TestServer.listen()
    close(listener)
    let error = await failure {
      try await client.send(HTTPRequest("GET", "http://user:pw@127.0.0.1:\(port)/a?token=secret"))
    }
    #expect(error?.code == .connect)
    #expect("\(try #require(error))".contains("GET http://127.0.0.1:\(port)/a:"))
    #expect(error?.evidence.contains("secret") == false)
    #expect(error?.evidence.contains("pw") == false)
    #expect(error?.hint.isEmpty == false)
  }

  @Test("a body larger than allowed, with or without a declared length")
  func tooLarge() async throws {
    let server = try TestServer { request, connection in
      if request.line.contains("announced") { return connection.answer(body: [UInt8](repeating: 0, count: 1001)) }
      connection.beginChunked()
      while connection.chunk("0123456789") {}
    }
    for path in ["/announced", "/endless"] {
      let request = HTTPRequest("GET", server.url(path), maximumBodyByteCount: 1000)
      #expect(await failure { try await client.send(request) }?.code == .tooLarge)
    }
    let exact = HTTPRequest("GET", server.url("/announced"), maximumBodyByteCount: 1001)
    #expect(try await client.send(exact).body.count == 1001)
  }

  @Test("a line longer than allowed")
  func longLine() async throws {
    let server = try TestServer { _, connection in
      connection.beginChunked()
      while connection.chunk("0123456789") {}
    }
    let stream = try await client.stream(HTTPRequest("GET", server.url()))
    let error = await failure { for try await _ in stream.body.lines(upTo: 100) {} }
    #expect(error?.code == .tooLarge)
  }

  @Test("an endless header")
  func endlessHeader() async throws {
    let server = try TestServer { _, connection in
      connection.write("HTTP/1.1 200 OK\r\n")
      while connection.write("X-More: 0123456789012345678901234567890123456789\r\n") {}
    }
    #expect(await failure { try await client.send(HTTPRequest("GET", server.url())) }?.code == .tooLarge)
  }

  @Test("a connection that breaks in the middle of a body, or does not use HTTP")
  func brokenAnswers() async throws {
    let server = try TestServer { request, connection in
      connection.write(
        request.line.contains("cut") ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc" : "hello\r\n\r\n")
    }
    for path in ["/cut", "/other"] {
      #expect(await failure { try await client.send(HTTPRequest("GET", server.url(path))) }?.code == .transfer)
    }
  }

  @Test("requests with control characters or other schemes")
  func invalidRequests() async throws {
    let requests = [
      HTTPRequest("GET", "http://127.0.0.1/", headers: [HTTPField("A", "b\r\nC: d")]),
      HTTPRequest("GET", "http://127.0.0.1/", headers: [HTTPField("A: b", "c")]),
      HTTPRequest("GET / HTTP/1.1\r\n", "http://127.0.0.1/"),
      HTTPRequest("GET", "http://127.0.0.1/\n"),
      HTTPRequest("GET", "file:///etc/passwd"),
      HTTPRequest("GET", "http://"),
      HTTPRequest("", "http://127.0.0.1/"),
    ]
    for request in requests {
      #expect(await failure { try await client.send(request) }?.code == .invalidRequest, "\(request)")
    }
  }

  @Test("more open requests than allowed")
  func busy() async throws {
    var configuration = HTTPClientConfiguration()
    configuration.maximumOpenRequests = 1
    let client = try HTTPClient(configuration)
    let server = try TestServer { _, connection in
      connection.beginChunked()
      connection.waitForEnd()
    }
    let stream = try await client.stream(HTTPRequest("GET", server.url(), timeout: nil))
    #expect(await failure { try await client.send(HTTPRequest("GET", server.url())) }?.code == .busy)
    withExtendedLifetime(stream) {}
  }
}

/// Returns the error that `body` throws; nil if it throws none, or one of another type.
func failure<T>(_ body: () async throws -> T) async -> HTTPClientError? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error as? HTTPClientError
  }
}
