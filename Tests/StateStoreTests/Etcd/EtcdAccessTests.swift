import Foundation
import HTTPClient
import StateStore
import Testing
import Turns

@Suite("State store on etcd: access", .takesTurns, .timeLimit(.minutes(2)))
struct EtcdAccessTests {
  private static let root = ["--user", "root:root-secret"]

  private func enableAuthentication(_ member: EtcdMember) throws {
    try etcdctl(member, "user", "add", "root:root-secret")
    try etcdctl(member, "user", "add", "gs:gs-secret")
    try etcdctl(member, "role", "add", "gs")
    try etcdctl(member, "role", "grant-permission", "gs", "--prefix=true", "readwrite", "gscoordinator/v1/")
    try etcdctl(member, "user", "grant-role", "gs", "gs")
    try etcdctl(member, "user", "grant-role", "root", "root")
    try etcdctl(member, "auth", "enable")
  }

  @Test("with a user it works, and continues when etcd has forgotten the token")
  func token() async throws {
    try await withTemporaryFolder { folder in
      var member = try EtcdMember(folder: folder)
      defer { member.kill() }
      try await member.waitUntilReady()
      try enableAuthentication(member)
      var configuration = EtcdConfiguration(endpoints: [member.endpoint])
      configuration.credentials = EtcdCredentials(user: "gs", password: "gs-secret")
      configuration.watchRenewal = .seconds(2)
      let store = try await EtcdStateStore.open(configuration)
      let first = try await store.put(.put("a", bytes("1")))
      let lease = try await store.grantLease(timeToLive: .seconds(60))
      try await store.put(.put("l", bytes("1"), lease: lease))
      try await store.renewLease(lease)
      let seen = Task { try await StateStoreConformance { store }.collect(store, after: first, count: 3) }
      // Tokens are kept in memory: a restarted member knows none.
      member.kill()
      member = try member.restarted()
      try await store.put(.put("a", bytes("2")))
      try await store.revokeLease(lease)
      #expect(try await seen.value.map(\.author) == ["tester", "tester", "lease"])
      #expect(!"\(configuration)".contains("gs-secret") && !String(reflecting: configuration).contains("gs-secret"))
      await store.close()
    }
  }

  @Test("a wrong password, no password and a foreign prefix are rejected without revealing the password")
  func refused() async throws {
    try await withEtcd { member in
      var configuration = EtcdConfiguration(endpoints: [member.endpoint])
      configuration.credentials = EtcdCredentials(user: "gs", password: "gs-secret")
      await expectDenied(configuration)
      try enableAuthentication(member)
      let begin = ContinuousClock.now
      configuration.credentials?.password = "wrong-secret"
      await expectDenied(configuration)
      configuration.credentials = nil
      await expectDenied(configuration)
      configuration.credentials = EtcdCredentials(user: "gs", password: "gs-secret")
      configuration.prefix = "other"
      await expectDenied(configuration)
      #expect(ContinuousClock.now - begin < .seconds(14), "it was refused at once, not after the retry budget")
      configuration.prefix = "gscoordinator/v1"
      let store = try await EtcdStateStore.open(configuration)
      let start = try await store.put(.put("a", bytes("1")))
      try runToEnd(["etcdctl", "--endpoints", member.endpoint] + Self.root + ["user", "revoke-role", "gs", "gs"])
      await expect(.permissionDenied) { try await store.put(.put("a", bytes("2"))) }
      await expect(.permissionDenied) { for try await _ in store.changes(prefix: "", after: start) {} }
      await store.close()
    }
  }

  private func expectDenied(_ configuration: EtcdConfiguration) async {
    do {
      _ = try await EtcdStateStore.open(configuration)
      Issue.record("it was not refused")
    } catch let error as StateStoreError {
      #expect(error.code == .permissionDenied && !error.message.contains("secret"), "\(error)")
    } catch {
      Issue.record("\(error)")
    }
  }

  @Test("TLS with certificates on both sides works; without the client's, or without trust, it does not")
  func certificates() async throws {
    try await withTemporaryFolder { folder in
      let path = { (name: String) in folder.appending(path: name).path }
      try makeCertificates(folder)
      var options = EtcdMember.Options()
      options.scheme = "https"
      options.arguments = [
        "--cert-file", path("server.pem"), "--key-file", path("server.key"), "--trusted-ca-file", path("ca.pem"),
        "--client-cert-auth",
      ]
      let member = try EtcdMember(options, folder: folder)
      defer { member.kill() }
      var configuration = EtcdConfiguration(endpoints: [member.endpoint])
      configuration.tls.authorityFile = path("ca.pem")
      configuration.tls.certificateFile = path("client.pem")
      configuration.tls.keyFile = path("client.key")
      configuration.retryBudget = .seconds(30)
      let store = try await EtcdStateStore.open(configuration)
      let first = try await store.put(.put("a", bytes("1")))
      let records = try await StateStoreConformance { store }.collect(store, after: first - 1, count: 1)
      #expect(records.map(\.revision) == [first])
      await store.close()
      configuration.requestTimeout = .milliseconds(500)
      configuration.retryBudget = .milliseconds(500)
      var bad = configuration
      bad.tls.certificateFile = nil
      bad.tls.keyFile = nil
      await expect(.unavailable) { _ = try await EtcdStateStore.open(bad) }
      bad = configuration
      bad.tls.authorityFile = path("client.pem")
      await expect(.unavailable) { _ = try await EtcdStateStore.open(bad) }
    }
  }

  private func makeCertificates(_ folder: URL) throws {
    let path = { (name: String) in folder.appending(path: name).path }
    try runToEnd(
      ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path("ca.key"), "-out", path("ca.pem")]
        + ["-subj", "/CN=authority"])
    try Data("subjectAltName=IP:127.0.0.1".utf8).write(to: folder.appending(path: "names"))
    for name in ["server", "client"] {
      try runToEnd(
        ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", path(name + ".key")]
          + ["-out", path(name + ".csr"), "-subj", "/CN=\(name)"])
      try runToEnd(
        ["openssl", "x509", "-req", "-in", path(name + ".csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key")]
          + ["-CAcreateserial", "-extfile", path("names"), "-out", path(name + ".pem")])
    }
  }
}
