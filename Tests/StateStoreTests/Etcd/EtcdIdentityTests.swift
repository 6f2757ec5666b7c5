import Foundation
import Testing
import Turns

@testable import StateStore

@Suite("State store on etcd: identity", .takesTurns, .timeLimit(.minutes(2)))
struct EtcdIdentityTests {
  private func expectReplaced(
    _ configuration: EtcdConfiguration, _ folder: URL, sourceLocation: SourceLocation = #_sourceLocation
  ) async {
    do {
      await (try await EtcdStateStore.open(configuration, rememberedIn: folder.path)).close()
      Issue.record("it was opened", sourceLocation: sourceLocation)
    } catch let error as StateStoreError {
      #expect(error.code == .replaced, "\(error)", sourceLocation: sourceLocation)
      #expect(
        error.message.contains("gscoordinator state repair --workspace \(folder.path)"), "\(error)",
        sourceLocation: sourceLocation)
    } catch {
      Issue.record("\(error)", sourceLocation: sourceLocation)
    }
  }

  @Test("an etcd wiped under a leader and a standby is an error for both, and for new coordinators")
  func wiped() async throws {
    try await withTemporaryFolder { folder in
      var member = try EtcdMember(folder: folder)
      defer { member.kill() }
      try await member.waitUntilReady()
      let configuration = EtcdConfiguration(endpoints: [member.endpoint])
      let store = try await EtcdStateStore.open(configuration, rememberedIn: folder.path)
      let again = try await EtcdStateStore.open(configuration, rememberedIn: folder.path)
      try await store.put(.put("sessions/a", bytes("1")))
      let leader = try Contender("leader", store)
      try await leader.wait("leads") { $0.term != nil }
      let standby = try Contender("standby", again)
      try await standby.wait("stands by") { $0.knownLeader != nil }

      member.kill()
      try FileManager.default.removeItem(at: folder.appending(path: "default"))
      member = try member.restarted()
      try await member.waitUntilReady()
      for contender in [leader, standby] {
        try await contender.wait("has failed") {
          if case .failed(let error) = $0.election.role { error.code == .replaced } else { false }
        }
      }
      await expect(.replaced) { try await store.put(.put("sessions/b", bytes("1"))) }
      await expectReplaced(configuration, folder)
      // Another coordinator, with its own workspace, has started anew there meanwhile.
      let stranger = try await EtcdStateStore.open(configuration)
      await expectReplaced(configuration, folder)
      await expect(.replaced) { try await store.verify() }
      await stranger.close()

      #expect(try await EtcdStateStore.accept(configuration, rememberedIn: folder.path) == 0)
      let accepted = try await EtcdStateStore.open(configuration, rememberedIn: folder.path)
      try await accepted.takeOver()
      try await accepted.put(.put("sessions/c", bytes("1")))
      await accepted.close()
      await leader.resign()
      await standby.resign()
      await store.close()
      await again.close()
    }
  }

  @Test("a takeover detects an older snapshot")
  func older() async throws {
    try await withEtcd { member in
      try await withTemporaryFolder { folder in
        let configuration = EtcdConfiguration(endpoints: [member.endpoint])
        let store = try await EtcdStateStore.open(configuration, rememberedIn: folder.path)
        try await store.takeOver()
        let last = try await store.put(.put("a", bytes("1")))
        try await store.takeOver()
        guard case .seal(let seal) = try StateSealFile.read(EtcdStateStore.sealPath(in: folder.path)) else {
          Issue.record("no seal")
          return
        }
        #expect(seal.revision == last)
        _ = try StateSealFile(
          creating: EtcdStateStore.sealPath(in: folder.path),
          StateSeal(identity: seal.identity, revision: last + 1, durable: last + 1))
        await expect(.damaged) { try await store.takeOver() }
        await store.close()
      }
    }
  }

  @Test("an etcd of a version without identities gets one, the same for all coordinators")
  func earlierVersion() async throws {
    try await withEtcd { member in
      try await withTemporaryFolder { folder in
        let configuration = EtcdConfiguration(endpoints: [member.endpoint])
        await (try await EtcdStateStore.open(configuration)).close()
        try etcdctl(member, "del", "gscoordinator/v1/format-identity")
        let first = try await EtcdStateStore.open(configuration, rememberedIn: folder.path)
        let second = try await EtcdStateStore.open(configuration, rememberedIn: folder.path)
        try await second.put(.put("a", bytes("1")))
        #expect(try await first.text("a") == "1")
        await first.close()
        await second.close()
      }
    }
  }
}
