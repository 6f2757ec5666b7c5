import Testing
import Turns

@testable import StateStore

@Suite("Following a store", .takesTurns)
struct StateFollowingTests {
  @Test("first all entries, then each change")
  func listAndWatch() async throws {
    let store = InMemoryStateStore()
    try await store.put(.put("a/1", bytes("1")), .put("b", bytes("1")))
    var updates = store.updates(prefix: "a/").makeAsyncIterator()
    let listed = try await store.entries(prefix: "a/")
    #expect(try await updates.next() == .snapshot(listed))
    try await store.put(.put("b", bytes("2")))
    let second = try await store.put(.put("a/2", bytes("2")), .put("b", bytes("3")))
    guard case .change(let record) = try await updates.next() else {
      Issue.record("no change")
      return
    }
    #expect(record.revision == second && record.changes == [.put("a/2", bytes("2"))])
    await store.close()
    #expect(try await updates.next() == nil)
    #expect(try await updates.next() == nil)
  }

  @Test("a follower too slow for the history gets all entries again and continues from there")
  func compacted() async throws {
    let store = InMemoryStateStore()
    var updates = store.updates(prefix: "").makeAsyncIterator()
    #expect(try await updates.next() == .snapshot(StateSnapshot(revision: 0, entries: [])))
    for index in 0..<10 { try await store.put(.put("k\(index)", bytes("1"))) }
    try await store.compact(before: 10)
    let listed = try await store.entries(prefix: "")
    #expect(try await updates.next() == .snapshot(listed))
    try await store.put(.delete("k3"))
    guard case .change(let record) = try await updates.next() else {
      Issue.record("no change")
      return
    }
    #expect(record.changes == [.delete("k3")])
    await store.close()
  }

  @Test("a cancelled follower ends, and one of a closed store gets nothing")
  func ends() async throws {
    let store = InMemoryStateStore()
    let follower = Task {
      var count = 0
      for try await _ in store.updates(prefix: "") { count += 1 }
      return count
    }
    try await store.put(.put("a", []))
    follower.cancel()
    #expect(try await within(.seconds(60), "the end") { try await follower.value } <= 2)
    await store.close()
    for try await _ in store.updates(prefix: "") { Issue.record("an update of a closed store") }
  }
}
