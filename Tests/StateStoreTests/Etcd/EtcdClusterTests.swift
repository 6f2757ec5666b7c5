import Foundation
import Testing
import Turns

@testable import StateStore

@Suite("State store on an etcd of three members", .takesTurnsFirst, .timeLimit(.minutes(3)), .serialized)
struct EtcdClusterTests {
  @Test("when the leading member is killed during commits, nothing is lost or applied twice")
  func memberKilled() async throws {
    try await withTemporaryFolder { folder in
      let trio = try EtcdTrio(folder)
      defer { trio.kill() }
      var configuration = EtcdConfiguration(endpoints: trio.endpoints)
      configuration.requestTimeout = .seconds(1)
      configuration.retryBudget = .seconds(60)
      let store = try await EtcdStateStore.open(configuration)
      let start = try await store.newest()
      let seen = Task { try await Self.watch(store, after: start) }
      let done = Guarded(0)
      let writers = (0..<4).map { writer in Task { try await Self.count(store, writer, done) } }
      try await within(.seconds(60), "some commits") {
        while done.value < 40 { try await Task.sleep(for: .milliseconds(5)) }
      }
      let leader = try await trio.leader(configuration) { try await EtcdStateStore.open($0) }
      trio.kill(leader)
      let before = done.value
      try await within(.seconds(60), "commits without that member") {
        while done.value < before + 40 { try await Task.sleep(for: .milliseconds(5)) }
      }
      try trio.restart(leader)
      var revisions: [Revision] = []
      for writer in writers { revisions += try await writer.value }
      let last = try await store.put(.put("end", []), id: "last")
      let history = try await store.history(after: start, limit: 10_000)
      #expect(history.map(\.revision) == revisions.sorted() + [last])
      #expect(Set(history.map(\.id)).count == history.count)
      #expect(try await seen.value == history.map(\.revision))
      await store.close()
    }
  }

  /// Counts to 60 in a key, each step depending on the one before: a repeated or lost step would be a conflict.
  private static func count(_ store: EtcdStateStore, _ writer: Int, _ done: Guarded<Int>) async throws -> [Revision] {
    var revisions: [Revision] = []
    for number in 0..<60 {
      let key = "count/\(writer)"
      let condition = revisions.last.map { StateCondition.unchanged(key, since: $0) } ?? .absent(key)
      revisions.append(try await store.put(.put(key, bytes("\(number)")), if: [condition]))
      done.update { $0 += 1 }
    }
    return revisions
  }

  private static func watch(_ store: EtcdStateStore, after start: Revision) async throws -> [Revision] {
    try await within(.seconds(120), "the last record") {
      var revisions: [Revision] = []
      for try await record in store.changes(prefix: "", after: start) {
        revisions.append(record.revision)
        if record.id == "last" { break }
      }
      return revisions
    }
  }

  @Test(
    "when the network is cut, with or without a member, there is never more than one leader, and another one takes over",
    .enabled(if: EtcdNetwork.isPossible, "cutting a network needs root: network namespaces (ip netns add)"))
  func partition() async throws {
    try await withTemporaryFolder { folder in
      let network = try EtcdNetwork(hosts: ["m1", "m2", "m3", "a", "b"])
      defer { network.remove() }
      let trio = try EtcdTrio(folder, network: network)
      defer { trio.kill() }
      var configuration = EtcdConfiguration(endpoints: trio.endpoints)
      configuration.requestTimeout = .milliseconds(400)
      configuration.retryBudget = .seconds(60)
      configuration.watchRenewal = .seconds(2)
      let stores = [
        "a": try await network.store(on: "a", configuration), "b": try await network.store(on: "b", configuration),
      ]
      let start = try await stores["a"]!.newest()
      let a = try Contender("a", stores["a"]!)
      let b = try Contender("b", stores["b"]!)
      let referee = Referee([a, b])

      // Only the leader is cut off.
      let (first, second) = try await leaderAndStandby(a, b)
      try await takeover(from: first, to: second, "the leader alone was cut off") { try network.separate(first.name) }
      try network.heal()
      try await first.wait("to be refused with what it was about to write") { $0.seen.deposed > 0 }
      try await first.wait("to follow") { $0.knownLeader != nil || $0.term != nil }

      // The leader and the leading member of etcd are cut off together.
      let (third, fourth) = try await leaderAndStandby(a, b)
      let refused = third.seen.deposed
      let member = try await trio.leader(configuration) { try await network.store(on: fourth.name, $0) }
      try await takeover(from: third, to: fourth, "the leader was cut off with the leading member") {
        try network.separate(third.name, "m\(member + 1)")
      }
      try network.heal()
      try await third.wait("to be refused with what it was about to write") { $0.seen.deposed > refused }
      try await third.wait("to follow") { $0.knownLeader != nil || $0.term != nil }

      let (looks, overlaps) = referee.verdict()
      #expect(looks > 100 && overlaps.isEmpty)
      await a.resign()
      await b.resign()
      let terms = try await checkHistory(of: stores["a"]!, after: start).map(\.term)
      #expect(terms.count > 2 && terms == terms.sorted() && Set(terms).isSuperset(of: a.seen.terms + b.seen.terms))
      for store in stores.values { await store.close() }
    }
  }

  /// Cuts the network: the old leader stops by its own clock, and the other one leads and writes.
  private func takeover(from old: Contender, to new: Contender, _ what: String, cut: () throws -> Void) async throws {
    let term = old.seen.terms.last ?? 0
    let written = new.seen.written
    let begin = ContinuousClock.now
    try cut()
    try await old.wait("to stop: \(what)") { $0.term == nil }
    let stopped = ContinuousClock.now - begin
    try await new.wait("to take over: \(what)") { $0.seen.written > written }
    let taken = ContinuousClock.now - begin
    print("\(what): it stopped after \(stopped), the other one wrote after \(taken)")
    // The lease lasts 3 seconds, and etcd adds its election timeout if its own leader changes. The rest is a margin for a busy
    // machine.
    #expect(taken < .seconds(20), "\(what)")
    #expect(new.seen.terms.last ?? 0 > term)
  }
}
