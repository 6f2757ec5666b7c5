import AdminEndpoint
import Foundation
import HTTPClient
import HTTPServing
import Logging
import StateStore
import Synchronization
import TestSupport
import Testing
import Turns

@Suite("Addresses of the admin endpoint", .takesTurns, .timeLimit(.minutes(2)))
struct ServerTests {
  private func server(_ addresses: HTTPAddress...) -> AdminServer {
    AdminServer(FakePlane(InMemoryStateStore()), on: addresses, logger: Logger(label: "admin"))
  }

  private func withDirectory(_ body: (String) async throws -> Void) async throws {
    let directory = NSTemporaryDirectory() + "/admin-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await body(directory)
  }

  private func status(_ path: String) async throws -> Int {
    var configuration = HTTPClientConfiguration()
    configuration.unixSocket = path
    let client = try HTTPClient(configuration)
    defer { client.close() }
    return try await client.send(HTTPRequest("GET", "http://localhost/healthz")).status
  }

  @Test("Listens on a Unix socket that only its owner may use, and removes it afterwards")
  func unixSocket() async throws {
    try await withDirectory { directory async throws in
      let path = directory + "/admin.sock"
      let server = server(.unix(path: path))
      #expect(try await server.listen() == [.unix(path: path)])
      let running = Running(server.run, stop: server.stop)
      var status = stat()
      #expect(lstat(path, &status) == 0)
      #expect(status.st_mode & S_IFMT == S_IFSOCK)
      #expect(status.st_mode & 0o777 == 0o600)
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["admin.sock"])
      #expect(try await self.status(path) == 200)
      await running.end()
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
    }
  }

  @Test("A socket that a dead process left behind is replaced, one that is in use is not")
  func staleSocket() async throws {
    try await withDirectory { directory async throws in
      let path = directory + "/admin.sock"
      try bindAndAbandon(path)
      let first = server(.unix(path: path))
      _ = try await first.listen()
      let running = Running(first.run, stop: first.stop)
      let second = server(.unix(path: path))
      let error = await #expect(throws: RequestError.self) { try await second.listen() }
      #expect(error?.code == .conflict)
      #expect(error?.message.contains(path) == true)
      #expect(try await status(path) == 200)
      await running.end()
    }
  }

  /// Creates a socket file whose owner has ended.
  private func bindAndAbandon(_ path: String) throws {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(result == 0)
  }

  @Test("A file that is not a socket is not replaced, and a path that is too long is rejected")
  func otherFiles() async throws {
    try await withDirectory { directory async throws in
      let path = directory + "/file"
      try "text".write(toFile: path, atomically: true, encoding: .utf8)
      let error = await #expect(throws: RequestError.self) { try await server(.unix(path: path)).listen() }
      #expect(error?.code == .conflict)
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "text")
      let long = directory + "/" + String(repeating: "a", count: 120)
      let tooLong = await #expect(throws: RequestError.self) { try await server(.unix(path: long)).listen() }
      #expect(tooLong?.message.contains("103") == true)
      let nowhere = await #expect(throws: RequestError.self) {
        try await server(.unix(path: directory + "/none/admin.sock")).listen()
      }
      #expect(nowhere?.code == .unavailable)
    }
  }

  @Test("A socket that another process has put in its place is not removed")
  func replacedSocket() async throws {
    try await withDirectory { directory async throws in
      let path = directory + "/admin.sock"
      let first = server(.unix(path: path))
      _ = try await first.listen()
      let running = Running(first.run, stop: first.stop)
      unlink(path)
      let second = server(.unix(path: path))
      _ = try await second.listen()
      let replacement = Running(second.run, stop: second.stop)
      await running.end()
      #expect(try await status(path) == 200)
      await replacement.end()
    }
  }

  @Test("Listens on loopback addresses only, on all of them or none")
  func loopback() async throws {
    try await withDirectory { directory async throws in
      let path = directory + "/admin.sock"
      for host in ["0.0.0.0", "::", "192.168.1.1", "example.org", ""] {
        let error = await #expect(throws: RequestError.self) {
          try await server(.unix(path: path), .tcp(host: host, port: 0)).listen()
        }
        #expect(error?.code == .invalidArgument, "\(host)")
        #expect(!FileManager.default.fileExists(atPath: path))
      }
      for port in [-1, 65536] {
        await #expect(throws: RequestError.self) { try await server(.tcp(host: "127.0.0.1", port: port)).listen() }
      }
    }
  }

  @Test("A port that is in use is an error that names it")
  func takenPort() async throws {
    let first = server(.tcp(host: "127.0.0.1", port: 0))
    let addresses = try await first.listen()
    let running = Running(first.run, stop: first.stop)
    let second = server(addresses[0])
    let error = await #expect(throws: RequestError.self) { try await second.listen() }
    #expect(error?.code == .unavailable)
    #expect(error?.message.contains("\(addresses[0])") == true)
    await running.end()
  }

  @Test("Stopping does not wait for idle connections")
  func idleConnections() async throws {
    let server = server(.tcp(host: "127.0.0.1", port: 0))
    guard case .tcp(_, let port)? = try await server.listen().first else { return }
    let running = Running(server.run, stop: server.stop)
    let connection = try RawConnection(port: port)
    await running.end()
    #expect(await connection.readToEnd() == "")
  }

  @Test("Stopping does not wait for a handler that never ends")
  func hangingHandler() async throws {
    try await Fixture.run { fixture async throws in
      fixture.plane.script.withLock { $0.hangs = true }
      let connection = try RawConnection(port: fixture.port)
      connection.send("GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
      let begin = ContinuousClock.now
      await fixture.stop()
      #expect(ContinuousClock.now - begin < .seconds(60))
    }
  }
}
