import Foundation
import HTTPClient
import Synchronization
import TestSupport
import Testing
import Turns

@testable import StateStore

@Suite("State store on etcd", .takesTurns, .timeLimit(.minutes(2)))
struct EtcdStateStoreTests {
  @Test("a commit whose response is lost is applied once, and its revision is returned")
  func lostAnswer() async throws {
    try await withEtcd { member in
      let proxy = try FaultyProxy(to: member.options.clientPort)
      let store = try await EtcdStateStore.open(EtcdConfiguration(endpoints: [proxy.endpoint]))
      let start = try await store.put(.put("counter", bytes("0")))
      var last = start
      for number in 1...5 {
        proxy.dropAnswers(number % 3)
        if number == 4 { proxy.dropRequests(2) }
        // Without a condition, only the id prevents the repetition from being applied.
        let conditions = number % 2 == 0 ? [] : [StateCondition.unchanged("counter", since: last)]
        last = try await store.put(.put("counter", bytes("\(number)")), if: conditions)
      }
      #expect(proxy.dropped >= 6)
      let history = try await store.history(after: start, limit: 100)
      #expect(history.map(\.changes) == (1...5).map { [.put("counter", bytes("\($0)"))] })
      #expect(history.last?.revision == last)
      await store.close()
    }
  }

  @Test("a lease whose response is lost is granted once, renewed and revoked")
  func lostLeaseAnswer() async throws {
    try await withEtcd { member in
      let proxy = try FaultyProxy(to: member.options.clientPort)
      let store = try await EtcdStateStore.open(EtcdConfiguration(endpoints: [proxy.endpoint]))
      proxy.dropAnswers(1)
      let lease = try await store.grantLease(timeToLive: .seconds(60))
      try await store.put(.put("l", bytes("1"), lease: lease))
      proxy.dropAnswers(1)
      try await store.renewLease(lease)
      proxy.dropAnswers(1)
      try await store.revokeLease(lease)
      #expect(try await store.entry("l") == nil)
      let last = try await store.newest()
      let record = try #require(try await store.history(after: last - 1, limit: 5).first)
      #expect(record.author == "lease" && record.changes == [.delete("l")])
      await store.close()
    }
  }

  @Test("when the lease that remembers ids is gone, another one replaces it")
  func lostIDLease() async throws {
    try await withEtcd { member in
      let store = try await EtcdStateStore.open(EtcdConfiguration(endpoints: [member.endpoint]))
      let first = try await store.put(.put("a", bytes("1")), id: "once")
      #expect(try await store.put(.put("a", bytes("2")), id: "once") == first)
      let lease = try #require(store.idLease.withLock { $0?.lease })
      try await store.revokeLease(lease)
      try await store.put(.put("a", bytes("3")), id: "next")
      #expect(store.idLease.withLock { $0?.lease } != lease)
      let gone = StateLease(id: 4711, timeToLive: .seconds(10))
      await expect(.leaseExpired) { try await store.put(.put("b", bytes("1"), lease: gone)) }
      #expect(try await store.text("a") == "3")
      await store.close()
    }
  }

  @Test("a watch whose connection breaks repeatedly misses nothing and repeats nothing")
  func brokenWatch() async throws {
    try await withEtcd { member in
      let proxy = try FaultyProxy(to: member.options.clientPort)
      let watcher = try await EtcdStateStore.open(EtcdConfiguration(endpoints: [proxy.endpoint]))
      let writer = try await EtcdStateStore.open(EtcdConfiguration(endpoints: [member.endpoint]))
      let start = try await writer.newest()
      let seen = Task {
        try await within(.seconds(60), "all records") {
          var revisions: [Revision] = []
          for try await record in watcher.changes(prefix: "", after: start) {
            revisions.append(record.revision)
            if record.id == "last" { break }
          }
          return revisions
        }
      }
      var written: [Revision] = []
      for number in 0..<150 {
        written.append(try await writer.put(.put("k\(number % 7)", bytes("\(number)"))))
        if number % 30 == 0 { proxy.cutAll() }
      }
      written.append(try await writer.put(.put("end", []), id: "last"))
      #expect(try await seen.value == written)
      await watcher.close()
      await writer.close()
    }
  }

  @Test("an idle watch keeps up with an etcd that others use and compact")
  func idleWatch() async throws {
    try await withEtcd { member in
      var configuration = EtcdConfiguration(endpoints: [member.endpoint])
      let writer = try await EtcdStateStore.open(configuration)
      configuration.prefix = "somebody/else"
      let other = try await EtcdStateStore.open(configuration)
      configuration.prefix = "gscoordinator/v1/"
      configuration.watchRenewal = .milliseconds(150)
      let watcher = try await EtcdStateStore.open(configuration)
      let first = try await writer.put(.put("a", bytes("1")))
      let feed = EtcdFeed(watcher, after: first - 1)
      #expect(try await feed.next()?.revision == first)
      let next = Task { try await feed.next() }
      for _ in 0..<3 {
        let revision = try await other.put(.put("noise", []))
        try await within(.seconds(60), "the watch to pass over what others did") {
          while await feed.position < revision { try await Task.sleep(for: .milliseconds(10)) }
        }
        try await other.compact(before: revision)
      }
      let second = try await writer.put(.put("a", bytes("2")))
      #expect(try await within(.seconds(60), "the second record") { try await next.value }?.revision == second)
      for store in [writer, other, watcher] { await store.close() }
    }
  }

  @Test("many large entries are read in pages from one snapshot")
  func largePages() async throws {
    try await withEtcd { member in
      var configuration = EtcdConfiguration(endpoints: [member.endpoint])
      // Megabytes take time on a busy machine.
      configuration.requestTimeout = .seconds(30)
      configuration.retryBudget = .seconds(60)
      let store = try await EtcdStateStore.open(configuration)
      let value = [UInt8](repeating: 0x61, count: 1_400_000)
      for number in 10..<26 { try await store.put(.put("large/\(number)", value)) }
      let start = try await store.newest()
      let snapshot = try await store.entries(prefix: "large/")
      #expect(snapshot.revision == start)
      #expect(snapshot.entries.map(\.key) == (10..<26).map { "large/\($0)" })
      #expect(snapshot.entries.allSatisfy { $0.value.count == value.count })
      // The watch receives the same in fragments.
      let history = try await store.history(after: 0, limit: 100)
      #expect(history.map(\.changes.count) == Array(repeating: 1, count: 16))
      await store.close()
    }
  }

  @Test("writes of other programs and a missing layout are detected")
  func foreign() async throws {
    try await withEtcd { member in
      let store = try await EtcdStateStore.open(EtcdConfiguration(endpoints: [member.endpoint]))
      let start = try await store.newest()
      try etcdctl(member, "put", "gscoordinator/v1/k/a", "1")
      try await store.put(.put("b", bytes("2")))
      let history = try await store.history(after: start, limit: 10)
      #expect(history.map(\.author) == ["unknown", "tester"])
      #expect(history.first?.changes == [.put("a", bytes("1"))])
      try etcdctl(member, "put", "gscoordinator/v1/format", "2")
      await expect(.tooNew) { try await store.put(.put("b", bytes("3"))) }
      await expect(.tooNew) { _ = try await EtcdStateStore.open(EtcdConfiguration(endpoints: [member.endpoint])) }
      try etcdctl(member, "put", "gscoordinator/v1/format", "none")
      await expect(.damaged) { try await store.put(.put("b", bytes("3"))) }
      #expect(try await store.text("b") == "2")
      await store.close()
    }
  }

  @Test("an etcd without space is reported with the commands that help")
  func full() async throws {
    var options = EtcdMember.Options()
    options.arguments = ["--quota-backend-bytes", "1000000"]
    try await withEtcd(options) { member in
      let store = try await EtcdStateStore.open(EtcdConfiguration(endpoints: [member.endpoint]))
      let value = [UInt8](repeating: 0x61, count: 100_000)
      do {
        for number in 0..<100 { try await store.put(.put("k\(number)", value)) }
        Issue.record("it was never full")
      } catch let error as StateStoreError {
        #expect(error.code == .full && error.message.contains("etcdctl defrag"), "\(error)")
      }
      #expect(try await store.entries(prefix: "").entries.isEmpty == false, "reading goes on")
      await store.close()
    }
  }

  @Test("a missing etcd, or another server, is reported within the retry budget")
  func unreachable() async throws {
    var configuration = EtcdConfiguration(endpoints: ["http://127.0.0.1:\(try freePort())"])
    configuration.requestTimeout = .milliseconds(200)
    configuration.retryBudget = .seconds(1)
    let begin = ContinuousClock.now
    await expect(.unavailable) { _ = try await EtcdStateStore.open(configuration) }
    #expect(ContinuousClock.now - begin < .seconds(30))
    for endpoints in [[], ["127.0.0.1:2379"], ["http://user:secret@host:1"], ["http://host/v3"], ["http://a b"]] {
      do {
        _ = try await EtcdStateStore.open(EtcdConfiguration(endpoints: endpoints))
        Issue.record("\(endpoints) was accepted")
      } catch let error as StateStoreError {
        #expect(error.code == .invalidArgument && !error.message.contains("secret"))
      }
    }
  }
}

/// Runs etcd's own client.
@discardableResult
func etcdctl(_ member: EtcdMember, _ arguments: String...) throws -> String {
  try runToEnd(["etcdctl", "--endpoints", member.endpoint] + arguments)
}
