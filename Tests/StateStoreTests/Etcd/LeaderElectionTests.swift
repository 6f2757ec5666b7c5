import Synchronization
import Testing
import Turns

@testable import StateStore

/// A store that can be made unreachable: calls then wait until it is back or their task is cancelled.
final class CuttableStore: StateStore {
  private let store: any StateStore
  private let isCut = Guarded(false)

  init(_ store: any StateStore) { self.store = store }

  func cut() { isCut.update { $0 = true } }
  func heal() { isCut.update { $0 = false } }

  private func pass() async throws -> any StateStore {
    while isCut.value { try await Task.sleep(for: .milliseconds(5)) }
    return store
  }

  func commit(_ transaction: StateTransaction) async throws -> Revision { try await pass().commit(transaction) }
  func entry(_ key: String, at revision: Revision?) async throws -> StateEntry? {
    try await pass().entry(key, at: revision)
  }
  func entries(prefix: String, at revision: Revision?) async throws -> StateSnapshot {
    try await pass().entries(prefix: prefix, at: revision)
  }
  func changes(prefix: String, after revision: Revision) -> AsyncThrowingStream<StateRecord, any Error> {
    store.changes(prefix: prefix, after: revision)
  }
  func history(after revision: Revision, limit: Int) async throws -> [StateRecord] {
    try await pass().history(after: revision, limit: limit)
  }
  func grantLease(timeToLive: Duration) async throws -> StateLease {
    try await pass().grantLease(timeToLive: timeToLive)
  }
  func renewLease(_ lease: StateLease) async throws { try await pass().renewLease(lease) }
  func revokeLease(_ lease: StateLease) async throws { try await pass().revokeLease(lease) }
  func compact(before revision: Revision) async throws { try await pass().compact(before: revision) }
  func close() async { await store.close() }
}

@Suite("Leader election", .takesTurns)
struct LeaderElectionTests {
  @Test("one leads, the others know its address, and when it resigns, another one leads at once")
  func resigning() async throws {
    let store = InMemoryStateStore()
    // Long enough that no leader is deposed on a busy machine: resigning waits for no lease.
    let first = try Contender("first", store, timeToLive: .seconds(60))
    try await first.wait("to lead") { $0.term != nil }
    let second = try Contender("second", store, timeToLive: .seconds(60))
    try await second.wait("to know who leads") { $0.knownLeader == "first.example:59001" }
    let term = try #require(first.term)
    await first.resign()
    #expect(!term.isCurrent)
    try await second.wait("to lead") { $0.term != nil }
    #expect(try #require(second.term).revision > term.revision)
    await second.resign()
    #expect(try await store.entry("leader") == nil)
    #expect(
      try await checkHistory(of: store, after: 0).map(\.address) == ["first.example:59001", "second.example:59001"])
  }

  @Test("a leader cut off from the store stops by its own clock before the next one begins")
  func cutOff() async throws {
    let store = InMemoryStateStore()
    let stores = ["first": CuttableStore(store), "second": CuttableStore(store)]
    let first = try Contender("first", stores["first"]!)
    let second = try Contender("second", stores["second"]!)
    let (old, new) = try await leaderAndStandby(first, second)
    let referee = Referee([first, second])
    stores[old.name]!.cut()
    try await old.wait("to stop leading") { $0.term == nil }
    try await new.wait("to lead") { $0.term != nil }
    stores[old.name]!.heal()
    try await old.wait("to follow, or to lead again") { $0.knownLeader != nil || $0.term != nil }
    let (looks, overlaps) = referee.verdict()
    #expect(looks > 100 && overlaps.isEmpty)
    await first.resign()
    await second.resign()
    #expect(try await checkHistory(of: store, after: 0).count >= 2)
  }

  @Test("a leader whose key an operator deletes no longer leads")
  func keyDeleted() async throws {
    let store = InMemoryStateStore()
    let first = try Contender("first", store)
    try await first.wait("to lead and write") { $0.seen.written > 0 }
    let deleted = try await store.put(.delete("leader"))
    try await first.wait("to lead again") { ($0.term?.revision ?? 0) > deleted }
    // Whichever part notices first, the next write of the old term is rejected.
    try await first.wait("to be refused") { $0.seen.deposed > 0 }
    await first.resign()
    #expect(try await checkHistory(of: store, after: 0).count >= 2)
  }

  @Test("a deposed leader changes nothing, even if it believes in its term")
  func fence() async throws {
    let store = InMemoryStateStore()
    let seat = LeaderSeat(key: "leader", validity: .seconds(3600))
    seat.handle { machine, _ in machine.campaign() }
    let revision = try await store.put(.put("leader", bytes("{}")))
    seat.handle { machine, now in machine.won(term: revision, askedAt: now, now: now) }
    let term = LeadershipTerm(revision: revision, key: "leader", seat: seat)
    let fenced = FencedStateStore(store, term)
    try await fenced.put(.put("a", bytes("1")))
    await expect(.conflict) { try await fenced.put(.put("a", bytes("2")), if: [.absent("a")]) }
    #expect(term.isCurrent)
    try await store.put(.put("leader", bytes("{}")))
    #expect(term.isCurrent, "nobody told it")
    await expect(.deposed) { try await fenced.put(.put("a", bytes("3"))) }
    #expect(!term.isCurrent, "the refusal told it")
    await expect(.deposed) { try await fenced.put(.put("a", bytes("4"))) }
    await expect(.deposed) { try await fenced.compact(before: 1) }
    #expect(try await store.text("a") == "1")
  }

  @Test("a lease that is not longer than its margin is rejected")
  func margin() {
    var configuration = LeaderElection.Configuration(address: "here")
    configuration.timeToLive = .seconds(1)
    #expect(throws: StateStoreError.self) { try LeaderElection(InMemoryStateStore(), configuration) }
  }
}
