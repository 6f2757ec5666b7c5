import Access
import Coordinator
import Foundation
import LogStore
import ServerConfiguration
import Testing
import Turns

@testable import gscoordinator

@Suite("Configured access control", .takesTurns)
struct AccessSetupTests {
  private func setup(_ values: [(Setting, String)] = []) throws -> AccessSetup {
    let directory = NSTemporaryDirectory() + "/setup-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let logs = try LogStore(directory: directory, instance: "test")
    defer { logs.close() }
    var settings = Settings()
    for (setting, text) in values { settings.set(setting, to: text, from: .flag) }
    return try AccessSetup(settings, logs: logs)
  }

  @Test("Without access control only this machine is served; without TLS others only if configured")
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

  @Test("A required certificate makes its holder a user if no rule specifies another identity")
  func certificates() throws {
    let control = try #require(try setup([(.tlsClientAuthorityFile, "ca.pem")]).control)
    let certificate = Evidence.Certificate(commonName: "etl", alternativeNames: [], fingerprint: "00")
    let caller = try control.authenticate(Evidence(certificate: certificate, host: "10.0.0.1"))
    #expect(caller.identity == Identity(principal: Principal("certificate etl"), tenant: "default", role: .user))
    #expect(throws: AccessRefusal.self) { try control.authenticate(Evidence(host: "127.0.0.1")) }
  }

  @Test(
    "Anonymous callers are rejected unless configured otherwise",
    arguments: [
      ("refuse", nil), ("tenant", "anonymous"),
    ] as [(String, String?)])
  func anonymous(_ word: String, _ tenant: String?) throws {
    #expect(try setup([(.accessAnonymous, word)]).control?.policy.anonymous?.tenant == tenant)
    #expect(throws: ConfigurationError.self) { try setup([(.accessAnonymous, "perhaps")]) }
  }

  @Test("An unusable token file prevents the coordinator from starting")
  func tokenFile() {
    #expect(throws: ConfigurationError.self) { try setup([(.accessTokenFile, "/nowhere/tokens")]) }
  }
}
