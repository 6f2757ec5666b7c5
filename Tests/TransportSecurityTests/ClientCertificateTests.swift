import GRPC
import Testing
import Transport
import TransportSecurity
import Turns

@Suite("Client certificates", .takesTurns, .enabled(if: Authority.hasOpenSSL, "needs openssl"), .timeLimit(.minutes(5)))
struct ClientCertificateTests {
  private let authority: Authority

  init() throws {
    authority = try Authority()
    try authority.issue("server")
    try authority.issue(
      "alice", names: "DNS:alice.example,DNS:a.example,URI:spiffe://here/alice,email:alice@a.example",
      commonName: "Älice")
  }

  @Test("a handler sees the names and the fingerprint of a verified certificate")
  func identity() async throws {
    try await Endpoint.run(authority.server("server", asking: authority)) { endpoint in
      try await endpoint.connect(authority.client("alice")) { client in
        for _ in 0..<2 { _ = try await client.echo("") }
      }
      let alice = PeerCertificate(
        commonName: "Älice", dnsNames: ["alice.example", "a.example"], uris: ["spiffe://here/alice"],
        emails: ["alice@a.example"], fingerprint: try authority.fingerprint("alice"))
      #expect(endpoint.callers.all == [alice, alice])
    }
  }

  @Test(
    "a client without a valid certificate is rejected, and the log names it and the reason",
    arguments: [
      ("none", "the peer presented no certificate, but one is required"),
      ("mallory", "the peer's certificate 'mallory', issued by 'stranger', is not signed by an authority in"),
      ("imitator", "the peer's certificate 'imitator' names an authority in"),
      ("late", "the peer's certificate 'late' expired on 20"),
    ])
  func refused(_ who: String, _ reason: String) async throws {
    let (stranger, twin) = (try Authority("stranger"), try Authority())
    try stranger.issue("mallory")
    try twin.issue("imitator")
    try authority.issue("late", days: -1)
    let issuers = ["mallory": stranger, "imitator": twin, "late": authority]
    try await Endpoint.run(authority.server("server", asking: authority)) { endpoint in
      let refusal: GRPCStatus?
      if who == "late" {
        refusal = try await endpoint.refusal(expired: authority)
      } else {
        refusal = try await endpoint.refusal(authority.client(who == "none" ? nil : who, of: issuers[who]))
      }
      #expect(refusal?.code == .unavailable)
      let line = try #require(await endpoint.log.line(with: "rejected"))
      #expect(line.contains(reason), "\(line)")
      #expect(line.contains("peer=127.0.0.1:"))
      #expect(endpoint.callers.all.isEmpty)
    }
  }

  @Test("if certificates are optional, none is required, but one that is presented must be valid")
  func optional() async throws {
    let stranger = try Authority("stranger")
    try stranger.issue("mallory")
    var configuration = authority.server("server", asking: authority)
    configuration.clientCertificates = .optional
    try await Endpoint.run(configuration) { endpoint in
      try await endpoint.echo(authority.client())
      try await endpoint.echo(authority.client("alice"))
      #expect(try await endpoint.refusal(authority.client("mallory", of: stranger))?.code == .unavailable)
      #expect(endpoint.callers.all.map { $0?.commonName } == [nil, "Älice"])
    }
  }

  @Test("a server without authorities neither requests nor accepts certificates")
  func notAsked() async throws {
    try await Endpoint.run(authority.server("server")) { endpoint in
      try await endpoint.echo(authority.client("alice"))
      #expect(endpoint.callers.all == [nil])
    }
  }
}
