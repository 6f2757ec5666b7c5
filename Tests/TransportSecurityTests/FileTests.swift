import Foundation
import GRPC
import NIOCore
import Testing
import Transport
import TransportSecurity
import Turns

@Suite("TLS files", .takesTurns, .enabled(if: Authority.hasOpenSSL, "needs openssl"), .timeLimit(.minutes(5)))
struct FileTests {
  private let authority: Authority

  init() throws {
    authority = try Authority()
    try authority.issue("server")
  }

  /// Returns a client that accepts only a server with this name.
  private func believer(_ name: String) throws -> ClientTLS {
    var configuration = ClientTLSConfiguration()
    configuration.authorityFile = authority.certificate
    configuration.serverName = name
    return try ClientTLS(configuration)
  }

  @Test("a stream continues while the certificate is replaced, and new connections use the new one")
  func reload() async throws {
    try authority.issue("first", names: "DNS:first.example")
    try authority.issue("second", names: "DNS:second.example")
    try await Endpoint.run(authority.server("first")) { endpoint in
      try await endpoint.connect(believer("first.example")) { client in
        let (requests, responses) = try await client.bidirectional("/t.S/Chat", encode: .bytes, decode: .bytes)
        var replies = responses.makeAsyncIterator()
        try await requests.write(ByteBuffer(string: "before"))
        #expect(try await replies.next() == ByteBuffer(string: "before"))

        try authority.replace("first", by: "second")
        try endpoint.tls.reload()

        #expect(try await endpoint.echo(believer("second.example")) == "hello")
        #expect(try await endpoint.refusal(believer("first.example")) != nil)
        try await requests.write(ByteBuffer(string: "after"))
        #expect(try await replies.next() == ByteBuffer(string: "after"))
        requests.finish()
        #expect(try await replies.next() == nil)
      }
    }
  }

  @Test("changed files are detected; a mismatched pair is rejected and the old one stays in use")
  func watch() async throws {
    try authority.issue("next", names: "DNS:next.example")
    var configuration = authority.server("server")
    configuration.checkInterval = .milliseconds(5)
    try await Endpoint.run(configuration) { endpoint in
      let watching = Task { await endpoint.tls.watch() }
      defer { watching.cancel() }
      try Data(contentsOf: authority.folder.appending(path: "next.pem"))
        .write(to: authority.folder.appending(path: "server.pem"), options: .atomic)
      let refusal = try #require(await endpoint.log.line(with: "still uses the old certificate"))
      #expect(refusal.contains("the key in '\(authority.path("server.key"))' does not match the certificate 'next'"))
      #expect(refusal.contains("certificate='server'"))
      #expect(try await endpoint.echo(believer("localhost")) == "hello")

      try authority.replace("server", by: "next")
      let change = try #require(await endpoint.log.line(with: "uses a new certificate"))
      #expect(change.contains("certificate='next'"))
      #expect(try await endpoint.echo(believer("next.example")) == "hello")

      try FileManager.default.removeItem(atPath: authority.path("server.key"))
      let missing = try #require(await endpoint.log.line(with: "still uses the old certificate"))
      #expect(missing.contains("cannot read '\(authority.path("server.key"))' (No such file or directory)"))
      #expect(try await endpoint.echo(believer("next.example")) == "hello")
    }
  }

  @Test("no connection fails while the files are replaced and reloaded")
  func reloadUnderLoad() async throws {
    try authority.issue("next")
    try authority.issue("client")
    try await Endpoint.run(authority.server("server", asking: authority)) { endpoint in
      let client = try authority.client("client")
      try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<4 {
          group.addTask {
            for _ in 0..<25 { try await endpoint.echo(client) }
            return 25
          }
        }
        group.addTask {
          for name in ["next", "server", "next", "server"] {
            if name == "next" { try authority.replace("server", by: "next") }
            for _ in 0..<10 { try endpoint.tls.reload() }
          }
          return 0
        }
        var count = 0
        for try await echoes in group { count += echoes }
        #expect(count == 100)
      }
    }
  }

  @Test("the authorities of clients are replaced as well")
  func authorities() async throws {
    let other = try Authority("other")
    for issuer in [authority, other] { try issuer.issue("client") }
    let clients = try Authority("clients")
    try FileManager.default.removeItem(atPath: clients.certificate)
    try FileManager.default.copyItem(atPath: authority.certificate, toPath: clients.certificate)
    try await Endpoint.run(authority.server("server", asking: clients)) { endpoint in
      try await endpoint.echo(authority.client("client"))
      #expect(try await endpoint.refusal(authority.client("client", of: other)) != nil)
      try Data(contentsOf: URL(filePath: other.certificate)).write(to: URL(filePath: clients.certificate))
      try endpoint.tls.reload()
      try await endpoint.echo(authority.client("client", of: other))
      #expect(try await endpoint.refusal(authority.client("client")) != nil)
    }
  }

  @Test("an unusable file is an error that names the file and the reason")
  func errors() throws {
    try authority.issue("late", days: -1)
    try authority.issue("other")
    try Data("not a certificate".utf8).write(to: authority.folder.appending(path: "text.pem"))
    try Data(count: 2 << 20).write(to: authority.folder.appending(path: "large.pem"))
    func message(_ change: (inout ServerTLSConfiguration) -> Void) -> String {
      var configuration = authority.server("server")
      change(&configuration)
      do {
        _ = try ServerTLS(configuration, logger: LogTrap().logger)
        return "it started"
      } catch { return error.description }
    }
    let path = authority.path
    #expect(
      message { $0.keyFile = path("other.key") }.hasPrefix(
        "the key in '\(path("other.key"))' does not match the certificate 'server' in '\(path("server.pem"))'. "))
    #expect(message { $0.certificateFile = path("none") }.hasPrefix("cannot read '\(path("none"))' (No such file"))
    #expect(message { $0.keyFile = authority.folder.path }.hasPrefix("cannot read '\(authority.folder.path)' (not a"))
    #expect(message { $0.keyFile = path("large.pem") }.hasPrefix("cannot read '\(path("large.pem"))' (larger than"))
    #expect(
      message { $0.certificateFile = path("text.pem") }.hasPrefix("'\(path("text.pem"))' contains no certificate"))
    #expect(message { $0.keyFile = path("server.pem") }.hasPrefix("'\(path("server.pem"))' contains no private key"))
    #expect(message { $0.clientAuthorityFile = path("text.pem") }.hasPrefix("'\(path("text.pem"))' contains no certif"))
    let late = message {
      $0.certificateFile = path("late.pem")
      $0.keyFile = path("late.key")
    }
    #expect(late.hasPrefix("the certificate 'late' in '\(path("late.pem"))' expired on 20"))
  }

  @Test("a certificate that expires soon is logged once")
  func expiry() async throws {
    try authority.issue("short", days: 2)
    let log = LogTrap()
    try ServerTLS(authority.server("short"), logger: log.logger).announce()
    let line = try #require(await log.line(with: "expires on"))
    #expect(line.hasPrefix("warning") && line.contains("certificate='short'"))
  }
}
