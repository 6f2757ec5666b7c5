import GRPC
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing
import Transport
import Turns

@testable import TransportSecurity

@Suite("TLS handshakes", .takesTurns, .enabled(if: Authority.hasOpenSSL, "needs openssl"), .timeLimit(.minutes(5)))
struct HandshakeTests {
  private let authority: Authority

  init() throws {
    authority = try Authority()
    try authority.issue("server")
  }

  @Test(
    "calls use TLS 1.3, or TLS 1.2 with a client that supports nothing newer", arguments: [TLSVersion.tlsv12, .tlsv13])
  func versions(_ version: TLSVersion) async throws {
    try await Endpoint.run(authority.server("server")) { endpoint in
      #expect(try await endpoint.echo(authority.client(), as: "localhost") == "hello")
      let agreed = Agreed()
      let tls = try agreed.client(trusting: authority, version, version, protocols: ["h2"])
      try await endpoint.connect(tls) { (client) async throws -> Void in
        #expect(try await client.echo("hello") == "hello")
        #expect(try await agreed.version == version)
      }
      #expect(endpoint.callers.all == [nil, nil])
    }
  }

  @Test("a client without the required version is rejected and logged")
  func minimumVersion() async throws {
    var configuration = authority.server("server")
    configuration.minimumVersion = .tls13
    try await Endpoint.run(configuration) { endpoint in
      let old = try Agreed().client(trusting: authority, .tlsv12, .tlsv12, protocols: ["h2"])
      await #expect(throws: GRPCStatus.self) { try await endpoint.connect(old) { try await $0.echo("") } }
      let line = try #require(await endpoint.log.line(with: "rejected"))
      #expect(line.contains("the peer supports no TLS version that is allowed here"))
      #expect(try await endpoint.echo(authority.client()) == "hello")
    }
  }

  @Test("TLS 1.2 has only suites with authenticated encryption and forward secrecy")
  func suites() async throws {
    try await Endpoint.run(authority.server("server")) { endpoint in
      let weak: [NIOTLSCipher] = [
        .TLS_RSA_WITH_AES_128_CBC_SHA, .TLS_RSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
        .TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
      ]
      let old = try Agreed().client(trusting: authority, .tlsv12, .tlsv12, protocols: ["h2"], suites: weak)
      await #expect(throws: GRPCStatus.self) { try await endpoint.connect(old) { try await $0.echo("") } }
      let good: [NIOTLSCipher] = [
        .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
      ]
      let modern = try Agreed().client(
        trusting: authority, .tlsv12, .tlsv12, protocols: ["h2"], suites: weak + good)
      #expect(try await endpoint.connect(modern) { try await $0.echo("hello") } == "hello")
    }
  }

  @Test("HTTP/2 must be negotiated", arguments: [[], ["http/1.1"]])
  func protocols(_ protocols: [String]) async throws {
    try await Endpoint.run(authority.server("server")) { endpoint in
      let other = try Agreed().client(trusting: authority, .tlsv12, .tlsv13, protocols: protocols)
      await #expect(throws: GRPCStatus.self) { try await endpoint.connect(other) { try await $0.echo("") } }
      let line = try #require(await endpoint.log.line(with: "rejected"))
      #expect(line.contains("the peer does not offer HTTP/2 (ALPN 'h2')"))
      #expect(line.contains("peer=127.0.0.1:"))
    }
  }

  @Test("a client reports why it does not trust the server, and the server logs it")
  func clientRefuses() async throws {
    let stranger = try Authority("stranger")
    try await Endpoint.run(authority.server("server")) { endpoint in
      let refusal = try await endpoint.refusal(stranger.client())
      #expect(refusal?.code == .unavailable)
      #expect(
        refusal?.message.contains("'server', issued by 'authority', is not signed by an authority in") == true,
        "\(refusal?.message ?? "")")
      let line = try #require(await endpoint.log.line(with: "rejected"))
      #expect(line.contains("the peer does not trust the authority of this side's certificate"))
    }
  }

  @Test("a server with another name is not trusted")
  func serverName() async throws {
    try authority.issue("named", names: "DNS:here.example")
    try await Endpoint.run(authority.server("named")) { endpoint in
      let refusal = try await endpoint.refusal(authority.client(), as: "elsewhere.example")
      #expect(refusal?.message.contains("the peer's certificate does not contain the name or address") == true)
      #expect(endpoint.callers.all.isEmpty)
    }
  }

  @Test("plain bytes are rejected with a message, and do not affect other connections")
  func plainBytes() async throws {
    try await Endpoint.run(authority.server("server")) { endpoint in
      for (bytes, reason) in [
        ("GET / HTTP/1.1\r\nHost: here\r\n\r\n", "the peer speaks plain HTTP, not TLS"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0", "the peer sent something other than TLS"),
        (String(repeating: "garbage", count: 1000), "the peer sent something other than TLS"),
      ] {
        try await endpoint.sendRaw(Array(bytes.utf8))
        let line = try #require(await endpoint.log.line(with: "rejected"))
        #expect(line.contains(reason), "\(bytes.prefix(20))")
      }
      #expect(try await endpoint.echo(authority.client()) == "hello")
    }
  }

  @Test("a peer that is silent, or stops in the middle, is cut off in time", arguments: [0, 1, 5, 100])
  func slowloris(_ count: Int) async throws {
    var configuration = authority.server("server")
    configuration.handshakeTimeout = .milliseconds(50)
    try await Endpoint.run(configuration) { endpoint in
      // The beginning of a ClientHello of 512 bytes.
      let hello: [UInt8] = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3] + [UInt8](repeating: 7, count: 200)
      try await endpoint.sendRaw(Array(hello.prefix(count)))
      let line = try #require(await endpoint.log.line(with: "rejected"))
      #expect(line.contains("did not complete the handshake within 50 ms"))
    }
  }

  @Test("large messages and many calls pass through TLS unchanged")
  func bulk() async throws {
    try await Endpoint.run(authority.server("server")) { endpoint in
      try await endpoint.connect(authority.client()) { client in
        let large = ByteBuffer(bytes: (0..<8_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
        #expect(try await client.echo(large) == large)
        let replies = try await withThrowingTaskGroup(of: String.self) { group in
          for number in 0..<200 { group.addTask { try await client.echo("\(number)") } }
          return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(replies.count == 200)
      }
    }
  }
}

/// TLS of a client made by another library, with the negotiated parameters.
final class Agreed: Sendable {
  private let channel = Mutex<(any Channel)?>(nil)

  /// The version of the last handshake.
  var version: TLSVersion? {
    get async throws { try await channel.withLock { $0 }?.nioSSL_tlsVersion().get() }
  }

  func client(
    trusting authority: Authority, _ oldest: TLSVersion, _ newest: TLSVersion, protocols: [String],
    suites: [NIOTLSCipher]? = nil
  ) throws -> @Sendable (any Channel) throws -> Void {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .file(authority.certificate)
    configuration.minimumTLSVersion = oldest
    configuration.maximumTLSVersion = newest
    configuration.applicationProtocols = protocols
    if let suites { configuration.cipherSuiteValues = suites }
    let context = try NIOSSLContext(configuration: configuration)
    return { [self] channel in
      self.channel.withLock { $0 = channel }
      try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
    }
  }
}
