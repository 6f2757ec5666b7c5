import Glibc
import Testing
import Turns

@testable import HTTPClient

@Suite("The HTTP client on a Unix socket", .takesTurns, .timeLimit(.minutes(5)))
struct UnixSocketTests {
  private func client(_ path: String) throws -> HTTPClient {
    var configuration = HTTPClientConfiguration()
    configuration.unixSocket = path
    return try HTTPClient(configuration)
  }

  private let path = "/tmp/httpclient-\(UInt32.random(in: 0...UInt32.max)).sock"

  @Test("connects to the socket, whatever the host and port of the URL")
  func exchange() async throws {
    let server = try TestServer(unixSocket: path) { request, connection in
      connection.answer(body: Array((request.line + "\n" + request.headers.joined(separator: "\n")).utf8))
    }
    defer { unlink(path) }
    let answer = try await client(path).send(HTTPRequest("GET", "http://example.invalid:99/a?b=c"))
    let text = String(decoding: answer.body, as: UTF8.self)
    #expect(text.hasPrefix("GET /a?b=c HTTP/1.1\n"))
    #expect(text.contains("Host: example.invalid:99"))
    withExtendedLifetime(server) {}
  }

  @Test("reports a missing socket as a failed connection")
  func missing() async throws {
    let client = try client(path)
    let error = await #expect(throws: HTTPClientError.self) {
      try await client.send(HTTPRequest("GET", "http://localhost/"))
    }
    #expect(error?.code == .connect)
  }

  @Test("rejects a path that no socket can have")
  func tooLong() async throws {
    let client = try client("/tmp/" + String(repeating: "a", count: 200))
    await #expect(throws: HTTPClientError.self) { try await client.send(HTTPRequest("GET", "http://localhost/")) }
  }
}
