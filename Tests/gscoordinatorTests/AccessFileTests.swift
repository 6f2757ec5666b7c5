import Coordinator
import Foundation
import Testing
import Transport
import Turns

@testable import gscoordinator

@Suite("The access file", .takesTurns)
struct AccessFileTests {
  private static let whole = """
    certificates:
      - {common_name: node, san: node.example, principal: node, tenant: a, role: user}
      - {fingerprint: "AA:BB:\(String(repeating: "00:", count: 29))CC", tenant: a, role: viewer}
    users:
      - {user: 1000, principal: alice, tenant: a, role: user}
      - {user: root, role: operator}
    networks:
      - {network: 10.0.0.0/8, tenant: b, role: user}
    listeners:
      - {name: team, address: "127.0.0.1:0", tenant: b, role: user}
      - {name: local, address: "unix:/tmp/x.sock", tenant: b, role: user}
      - {name: main, tenant: c, role: viewer}
    anonymous: {tenant: guests, role: viewer}
    """

  @Test("All sections are read")
  func whole() throws {
    let file = try AccessFile(yaml: Self.whole)
    #expect(file.certificates.map(\.grant.role) == [.user, .viewer])
    #expect(file.certificates[1].fingerprint?.hasPrefix("aabb") == true)
    #expect(file.users[1000]?.principal == "alice" && file.users[0]?.role == .operator)
    #expect(file.networks[try NetworkPrefix("10.0.0.0/8")]?.tenant == "b")
    #expect(file.listeners.keys.sorted() == ["local", "main", "team"])
    #expect(
      file.addresses == [
        .init(name: "team", address: .tcp(host: "127.0.0.1", port: 0)),
        .init(name: "local", address: .unix(path: "/tmp/x.sock")),
      ])
    #expect(file.anonymous == .granted(.init(tenant: "guests", role: .viewer)))
  }

  @Test(
    "What is not understood is refused, with the place and what was perhaps meant",
    arguments: [
      ("user:\n  - {user: 1, role: user}", "'users'"), ("users: {user: 1}", "list"), ("users: [1]", "users[0]"),
      ("users:\n  - {user: 1, rol: user}", "'role'"), ("users:\n  - {user: 1}", "role"),
      ("users:\n  - {user: 1, role: king}", "viewer, user, operator"),
      ("users:\n  - {user: nobody-here, role: user}", "nobody-here"),
      ("users:\n  - {user: 1, role: user}\n  - {user: 1, role: viewer}", "two entries"),
      ("networks:\n  - {network: 10.0.0.0/8, role: user}\n  - {network: 10.0.0.0/8, role: user}", "two entries"),
      ("networks:\n  - {network: 10.0.0.1/8, role: user}", "10.0.0.1/8"),
      ("certificates:\n  - {role: user}", "names no certificate"),
      ("certificates:\n  - {fingerprint: zz, role: user}", "64"),
      ("listeners:\n  - {name: x, role: user}", "address"),
      ("listeners:\n  - {name: x, address: nowhere, role: user}", "nowhere"),
      ("listeners:\n  - {name: main, address: \"127.0.0.1:1\", role: user}", "main"),
      ("anonymous: {role: operator}", "operators"), ("anonymous: maybe", "anonymous"), ("[", "YAML"),
      ("- x", "keys and values"),
      ("users:\n  - {user: 1, role: user, role: operator}", "YAML"),
    ])
  func strict(_ yaml: String, _ part: String) {
    let error = #expect(throws: AccessPolicyError.self) { try AccessFile(yaml: yaml) }
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
  }

  @Test("The example can be read")
  func example() throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "config/access.example.yaml").path()
    let file = try AccessFile(path: path)
    #expect(!file.users.isEmpty && !file.networks.isEmpty && !file.certificates.isEmpty && !file.addresses.isEmpty)
  }

  private func setup(_ values: [(Setting, String)] = []) throws -> AccessSetup {
    let directory = NSTemporaryDirectory() + "/setup-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let logs = try LogStore(directory: directory, instance: "test")
    defer { logs.close() }
    var settings = Settings()
    for (setting, text) in values { settings.set(setting, to: text, from: .flag) }
    return try AccessSetup(settings, logs: logs)
  }

  @Test("Without access control only this machine is served; without TLS others only when somebody says so")
  func exposure() throws {
    let none = try setup()
    let secure = try setup([(.tlsCertificateFile, "c.pem")])
    #expect(none.control == nil && secure.control == nil)
    let plain = try setup([(.accessAnonymous, "refuse")])
    for host in ["127.0.0.1", "127.1.2.3", "localhost", "::1"] {
      for setup in [none, secure, plain] { try setup.requireMayListen(on: host, "flag") }
    }
    let allowed = try setup([(.accessAnonymous, "refuse"), (.accessAllowPlaintext, "true")])
    let both = try setup([(.accessAnonymous, "refuse"), (.tlsCertificateFile, "c.pem")])
    for host in ["0.0.0.0", "::", "10.0.0.1", "coordinator.example", "127.evil.example"] {
      for setup in [none, secure, plain] {
        #expect(throws: ConfigurationError.self) { try setup.requireMayListen(on: host, "flag") }
      }
      for setup in [allowed, both] { try setup.requireMayListen(on: host, "flag") }
    }
  }

  @Test("A certificate that is asked for makes a user, where nobody says who it is")
  func certificates() throws {
    let control = try #require(try setup([(.tlsClientAuthorityFile, "ca.pem")]).control)
    let certificate = Evidence.Certificate(commonName: "etl", alternativeNames: [], fingerprint: "00")
    let caller = try control.authenticate(Evidence(certificate: certificate, host: "10.0.0.1"))
    #expect(caller.identity == Identity(principal: Principal("certificate etl"), tenant: "default", role: .user))
    #expect(throws: AccessRefusal.self) { try control.authenticate(Evidence(host: "127.0.0.1")) }
  }

  @Test(
    "Anonymous callers are refused unless it is said otherwise",
    arguments: [
      ("refuse", nil), ("tenant", "anonymous"),
    ] as [(String, String?)])
  func anonymous(_ word: String, _ tenant: String?) throws {
    #expect(try setup([(.accessAnonymous, word)]).control?.policy.anonymous?.tenant == tenant)
    #expect(throws: ConfigurationError.self) { try setup([(.accessAnonymous, "perhaps")]) }
  }

  @Test("A token file that cannot be used keeps the coordinator from starting")
  func tokenFile() {
    #expect(throws: ConfigurationError.self) { try setup([(.accessTokenFile, "/nowhere/tokens")]) }
  }
}
