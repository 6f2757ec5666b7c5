import Foundation
import LogStore
import Logging
import Synchronization
import Testing
import Turns

@testable import Access

@Suite("The token file", .takesTurns)
struct TokenFileTests {
  private let directory = NSTemporaryDirectory() + "/tokens-\(UUID().uuidString)"
  private let now = Date(timeIntervalSince1970: 1_800_000_000)

  private func with(_ body: (TokenFile) async throws -> Void) async throws {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await body(TokenFile(directory + "/tokens"))
  }

  private func make(_ principal: String = "alice", _ tenant: String = "a") throws -> (AccessToken, String) {
    try AccessToken.make(
      Identity(principal: Principal(principal), tenant: tenant, role: .user), created: now, expires: nil)
  }

  private func write(_ text: String, _ file: TokenFile, mode: Int = 0o600) throws {
    _ = FileManager.default.createFile(
      atPath: file.path, contents: Data(text.utf8), attributes: [.posixPermissions: mode])
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
  }

  @Test("An added token is stored without its secret, in a file that only its owner can access")
  func add() async throws {
    try await with { file in
      let (token, secret) = try make()
      try file.add(token)
      #expect(try file.read() == [token])
      let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      let text = try String(contentsOfFile: file.path, encoding: .utf8)
      #expect(!text.contains(secret.suffix(64)))
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory).sorted() == ["tokens", "tokens.lock"])
    }
  }

  @Test("Revoking changes one token, and keeps comments and other tokens")
  func revoke() async throws {
    try await with { file in
      try write("# made by hand\n\n", file)
      let (first, second) = (try make().0, try make("bob", "b").0)
      try file.add(first)
      try file.add(second)
      #expect(try file.revoke(first.id, at: now).revoked == now)
      #expect(try file.revoke(first.id, at: now + 5).revoked == now)
      #expect(try file.read().map(\.revoked) == [now, nil])
      #expect(try String(contentsOfFile: file.path, encoding: .utf8).hasPrefix("# made by hand\n\n{"))
      #expect(throws: AccessPolicyError.self) { try file.revoke("000000000000", at: now) }
    }
  }

  @Test("A principal cannot have tokens of two tenants")
  func oneTenant() async throws {
    try await with { file in
      try file.add(try make().0)
      #expect(throws: AccessPolicyError.self) { try file.add(try make("alice", "b").0) }
      #expect(try file.read().count == 1)
    }
  }

  @Test("A file that others can access is rejected with the reason", arguments: [0o644, 0o640, 0o660, 0o601, 0o700])
  func mode(_ mode: Int) async throws {
    try await with { file in
      try write("", file, mode: mode)
      let error = #expect(throws: AccessPolicyError.self) { try file.read() }
      #expect(error?.description.contains("chmod 0600") == true)
      #expect(error?.description.contains("0" + String(mode, radix: 8)) == true)
    }
  }

  @Test("A missing file, a directory and a pipe are rejected")
  func noFile() async throws {
    try await with { file in
      #expect(throws: AccessPolicyError.self) { try file.read() }
      #expect(throws: AccessPolicyError.self) { try TokenFile(directory).read() }
      mkfifo(directory + "/pipe", 0o600)
      #expect(throws: AccessPolicyError.self) { try TokenFile(directory + "/pipe").read() }
    }
  }

  @Test(
    "The error for an invalid line contains its number, but not its text",
    arguments: [
      "{", "[]", "x", #"{"id":"secret"}"#, #"{"id":1,"sha256":"secret"}"#,
      #"{"id":"000000000000","sha256":"secret","principal":"p","tenant":"t","role":"king","created":"2026-01-01T00:00:00Z"}"#,
      #"{"id":"000000000000","sha256":"secret","principal":"p","tenant":"t","role":"user","created":"yesterday"}"#,
      #"{"id":"000000000000","sha265":"secret","principal":"p","tenant":"t","role":"user","created":"2026-01-01T00:00:00Z"}"#,
    ])
  func damagedLine(_ line: String) async throws {
    try await with { file in
      try write("\n\(line)\n", file)
      let error = #expect(throws: AccessPolicyError.self) { try file.read() }
      #expect(error?.description.contains("line 2") == true)
      #expect(error?.description.contains("secret") == false)
    }
  }

  @Test("Conflicting tokens are rejected")
  func together() throws {
    let (token, _) = try make()
    #expect(throws: AccessPolicyError.self) { try TokenSet([token, token]) }
    var other = token
    other.id = "short"
    #expect(throws: AccessPolicyError.self) { try TokenSet([other]) }
    other = token
    other.sha256 = "00"
    #expect(throws: AccessPolicyError.self) { try TokenSet([other]) }
  }

  @Test("Two processes that add tokens concurrently lose none")
  func concurrent() async throws {
    try await with { file in
      try await withThrowingTaskGroup { group in
        for number in 0..<20 {
          group.addTask {
            let token = try make("p\(number)").0
            while true {
              do { return try file.add(token) } catch let error as AccessPolicyError {
                guard error.description.contains("another process") else { throw error }
              }
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(Set(try file.read().map(\.principal)).count == 20)
    }
  }

  @Test("A running coordinator detects a revoked token, and keeps its tokens if the file is damaged")
  func watch() async throws {
    try await with { file in
      let (token, secret) = try make()
      try file.add(token)
      let logs = try LogStore(directory: directory + "/logs", instance: "test")
      defer { logs.close() }
      let access = try AccessControl(AccessPolicy(owner: 1), tokens: TokenSet(file.read()), logs: logs, now: { now })
      let (ended, source) = AsyncStream<Set<String>>.makeStream()
      let stamp = file.stamp
      let (said, mouth) = AsyncStream<Logger.Level>.makeStream()
      let logger = Logger(label: "test") { _ in SpokenLevels(mouth: mouth) }
      let watch = Task {
        await TokenWatch(file, for: access, logger: logger).run(since: stamp) { source.yield($0) }
      }
      var levels = said.makeAsyncIterator()
      defer { watch.cancel() }
      #expect(try access.authenticate(Evidence(token: secret)).method == .token(token.id))
      _ = try file.revoke(token.id, at: now)
      var iterator = ended.makeAsyncIterator()
      #expect(await iterator.next() == [token.id])
      #expect(throws: AccessRefusal.wrongToken) { try access.authenticate(Evidence(token: secret)) }
      #expect(await levels.next() == .notice)
      let (second, other) = try make("bob", "b")
      try file.add(second)
      #expect(await levels.next() == .notice)
      #expect(try access.authenticate(Evidence(token: other)).identity.tenant == "b")
      try write("damaged\n", file)
      #expect(await levels.next() == .error)
      #expect(try access.authenticate(Evidence(token: other)).identity.tenant == "b")
    }
  }

  /// Forwards the levels of a logger's lines.
  private struct SpokenLevels: LogHandler {
    let mouth: AsyncStream<Logger.Level>.Continuation
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { mouth.yield(event.level) }
  }
}

@Suite("Access control")
struct AccessControlTests {
  private static let now = Date(timeIntervalSince1970: 1_800_000_000)

  private func with(_ body: (AccessControl, LogStore, String) async throws -> Void) async throws {
    let directory = NSTemporaryDirectory() + "/access-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let logs = try LogStore(directory: directory, instance: "test")
    let identity = Identity(principal: Principal("vic"), tenant: "a", role: .viewer)
    let (token, secret) = try AccessToken.make(identity, created: Self.now, expires: Self.now + 10)
    let access = try AccessControl(
      AccessPolicy(owner: 1), tokens: TokenSet([token]), logs: logs, now: { Self.now })
    try await body(access, logs, secret)
    logs.close()
  }

  @Test("Invalid tokens become too many attempts, valid ones are still accepted, and the trail has neither")
  func attempts() async throws {
    try await with { access, logs, secret in
      for _ in 0..<10 {
        #expect(throws: AccessRefusal.wrongToken) {
          try access.authenticate(Evidence(token: "gsc_guess", host: "10.0.0.1"))
        }
      }
      let refusal = #expect(throws: AccessRefusal.self) {
        try access.authenticate(Evidence(token: "gsc_guess", host: "10.0.0.1"))
      }
      #expect(refusal?.code == .tooManyAttempts && refusal?.retryAfterSeconds ?? 0 > 0)
      #expect(try access.authenticate(Evidence(token: secret, host: "10.0.0.1")).identity.role == .viewer)
      logs.flush()
      var count = 0
      for try await record in try logs.read(LogQuery(streams: [.audit])) {
        count += 1
        #expect(!record.message.contains("guess") && !record.message.contains(secret.suffix(64)))
      }
      #expect(count == 10)
    }
  }

  @Test("An insufficient role is denied and recorded with principal, tenant, method and source")
  func roles() async throws {
    try await with { access, logs, secret in
      let caller = try access.authenticate(Evidence(token: secret, host: "10.0.0.1"))
      try access.require(.viewer, of: caller, for: "look")
      let refusal = #expect(throws: AccessRefusal.self) { try access.require(.user, of: caller, for: "open") }
      #expect(refusal?.code == .permissionDenied)
      logs.flush()
      var records: [LogRecord] = []
      for try await record in try logs.read(LogQuery(streams: [.audit])) { records.append(record) }
      let record = try #require(records.first)
      #expect(record.author == "vic" && record.tenant == "a" && record.reason == "permissionDenied")
      for part in ["viewer of a", "by token ", "from host 10.0.0.1", "denied open"] {
        #expect(record.message.contains(part))
      }
    }
  }
}
