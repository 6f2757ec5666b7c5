import Foundation
import GRPC
import NIOSSL
import Testing
import Transport
import Turns

@testable import TransportSecurity

@Suite(
  "Lists of revoked certificates", .takesTurns, .enabled(if: Authority.hasOpenSSL, "needs openssl"),
  .timeLimit(.minutes(5)))
struct RevocationTests {
  private let authority: Authority

  init() throws {
    authority = try Authority()
    for name in ["server", "alice", "bob"] { try authority.issue(name) }
  }

  private func configuration(_ list: String, asking clients: Authority? = nil) -> ServerTLSConfiguration {
    var configuration = authority.server("server", asking: clients ?? authority)
    configuration.clientRevocationFile = list
    return configuration
  }

  @Test("a client with a revoked certificate is rejected, and the log says so; others are accepted")
  func revoked() async throws {
    let list = try authority.list(revoking: "bob")
    try await Endpoint.run(configuration(list)) { endpoint in
      try await endpoint.echo(authority.client("alice"))
      #expect(try await endpoint.refusal(authority.client("bob"))?.code == .unavailable)
      let line = try #require(await endpoint.log.line(with: "rejected"))
      #expect(line.contains("its certificate 'bob' was revoked"))
      #expect(endpoint.callers.all.map { $0?.commonName } == ["alice"])
    }
  }

  @Test("a new list is read, and one that cannot be used is reported while the old one stays in use")
  func reload() async throws {
    var configuration = configuration(try authority.list())
    configuration.checkInterval = .milliseconds(5)
    try await Endpoint.run(configuration) { endpoint in
      let watching = Task { await endpoint.tls.watch() }
      defer { watching.cancel() }
      try await endpoint.echo(authority.client("bob"))
      try authority.list(revoking: "bob")
      _ = await endpoint.log.line(with: "uses a new certificate")
      #expect(try await endpoint.refusal(authority.client("bob"))?.code == .unavailable)
      try Data("nothing".utf8).write(to: URL(filePath: authority.path("crl.pem")), options: .atomic)
      let line = try #require(await endpoint.log.line(with: "still uses the old certificate"))
      #expect(line.contains("'\(authority.path("crl.pem"))' holds no list of revoked certificates"))
      #expect(try await endpoint.refusal(authority.client("bob"))?.code == .unavailable)
      try await endpoint.echo(authority.client("alice"))
    }
  }

  @Test("an intermediate authority that is revoked accepts nobody, and the log says so; others are not affected")
  func revokedAuthority() async throws {
    let department = try Authority("department", under: authority)
    try department.issue("carol")
    _ = try department.join(department.path("carol.pem"), department.certificate, as: "carol.pem")
    var configuration = configuration(
      try authority.join(try authority.list(), try department.list(), as: "lists.pem"))
    configuration.clientAuthorityFile = try authority.join(
      authority.certificate, department.certificate, as: "both.pem")
    try await Endpoint.run(configuration) { endpoint in
      try await endpoint.echo(authority.client("carol", of: department))
    }
    _ = try authority.join(try authority.list(revoking: "department"), department.path("crl.pem"), as: "lists.pem")
    try await Endpoint.run(configuration) { endpoint in
      #expect(try await endpoint.refusal(authority.client("carol", of: department))?.code == .unavailable)
      let line = try #require(await endpoint.log.line(with: "rejected"))
      #expect(line.contains("the authority 'department' of its certificate was revoked"))
      try await endpoint.echo(authority.client("alice"))
    }
  }

  @Test("every authority of a chain must have a list")
  func authorityWithoutList() async throws {
    let department = try Authority("department", under: authority)
    try department.issue("carol")
    _ = try department.join(department.path("carol.pem"), department.certificate, as: "carol.pem")
    var configuration = configuration(try department.list())
    configuration.clientAuthorityFile = try authority.join(
      authority.certificate, department.certificate, as: "both.pem")
    try await Endpoint.run(configuration) { endpoint in
      #expect(try await endpoint.refusal(authority.client("carol", of: department)) != nil)
      let line = try #require(await endpoint.log.line(with: "rejected"))
      #expect(line.contains("the authority 'department' of its certificate is of 'authority', of which"))
    }
  }

  @Test("with lists, chains are verified as without them", arguments: [false, true])
  func invalidChains(_ hasList: Bool) async throws {
    let (stranger, twin) = (try Authority("stranger"), try Authority())
    try stranger.issue("mallory")
    try twin.issue("mallory")
    try authority.issue("serverOnly", extensions: "extendedKeyUsage=serverAuth")
    try authority.issue("clientOnly", extensions: "extendedKeyUsage=clientAuth")
    // A certificate that is no authority's cannot issue others.
    let fake = try Authority("fake", under: authority, isAuthority: false)
    try fake.issue("mallory")
    _ = try fake.join(fake.path("mallory.pem"), fake.certificate, as: "mallory.pem")
    var configuration = configuration(try authority.list())
    if !hasList { configuration.clientRevocationFile = nil }
    try await Endpoint.run(configuration) { endpoint in
      try await endpoint.echo(authority.client("clientOnly"))
      for client in [
        try authority.client("mallory", of: stranger), try authority.client("mallory", of: twin),
        try authority.client("mallory", of: fake), try authority.client("serverOnly"), try authority.client(),
      ] {
        #expect(try await endpoint.refusal(client)?.code == .unavailable)
      }
      #expect(endpoint.callers.all.map { $0?.commonName } == ["clientOnly"])
    }
  }

  @Test("an authority without a list accepts nobody")
  func withoutList() async throws {
    let other = try Authority("other")
    try other.issue("carol")
    let both = authority.path("both.pem")
    let certificates = try [authority, other].map { try String(contentsOfFile: $0.certificate, encoding: .utf8) }
    try Data(certificates.joined().utf8).write(to: URL(filePath: both))
    var configuration = configuration(try authority.list())
    configuration.clientAuthorityFile = both
    try await Endpoint.run(configuration) { endpoint in
      try await endpoint.echo(authority.client("alice"))
      #expect(try await endpoint.refusal(authority.client("carol", of: other)) != nil)
      let line = try #require(await endpoint.log.line(with: "rejected"))
      #expect(line.contains("its certificate 'carol' is of 'other', of which"))
    }
  }

  @Test("lists of strangers, outdated ones and other files are rejected by name")
  func unusable() throws {
    let stranger = try Authority("stranger")
    let twin = try Authority()
    for (list, reason) in [
      (try stranger.list(), "is not signed by an authority of client certificates"),
      (try twin.list(), "is not signed by an authority of client certificates"),
      (authority.certificate, "holds no list of revoked certificates"),
      (authority.path("missing.pem"), "cannot read"),
    ] {
      let error = #expect(throws: TLSError.self) { try ServerMaterial(configuration(list)) }
      #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
      #expect(error?.description.contains(list) == true)
    }
  }

  @Test("a list that should have been replaced accepts nobody")
  func outdated() throws {
    let list = try authority.list(seconds: 3600)
    let lists = try RevocationLists(file: list, authorities: Authorities(file: authority.certificate))
    let alice = try #require(NIOSSLCertificate.fromPEMFile(authority.path("alice.pem")).first)
    let now = time(nil)
    #expect(lists.objection(to: alice, at: now) == nil)
    #expect(lists.objection(to: alice, at: now + 7200)?.contains("'alice' may have been revoked: the list in") == true)
  }
}
