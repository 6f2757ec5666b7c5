import TestSupport
import Testing
import Turns

@testable import StateStore

@Suite("The reserve of a bounded store", .takesTurns)
struct SQLiteRoomTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func commit(_ store: SQLiteStateStore, _ changes: StateChange..., mayUseReserve: Bool = false) async throws {
    _ = try await store.commit(
      StateTransaction(author: "tester", summary: "test", changes: changes, mayUseReserve: mayUseReserve))
  }

  @Test("a client that filled the store can free space, and then the store accepts all writes again")
  func reserve() async throws {
    var options = SQLiteStateStore.Options()
    options.maximumBytes = 1 << 20
    let store = try SQLiteStateStore(directory: directory.path, options: options)
    let key = String(repeating: "k", count: 400)
    var count = 0
    do {
      while true {
        try await commit(store, .put("\(key)/\(count)", []))
        count += 1
      }
    } catch let error as StateStoreError {
      #expect(error.code == .full, "\(error)")
    }
    #expect(count > 100)
    await expect(.full) { try await commit(store, .put("other", [UInt8](repeating: 0x61, count: 9_000))) }
    try await commit(store, .put("closing", bytes("1")), mayUseReserve: true)
    for index in 0..<count { try await commit(store, .delete("\(key)/\(index)"), mayUseReserve: true) }
    // Deleted data is history until compaction, which runs in the background.
    try await within(.seconds(60), "room for others") {
      while (try? await commit(store, .put("other", []))) == nil { await Task.yield() }
    }
    #expect(try await store.entries(prefix: "").entries.map(\.key) == ["closing", "other"])
    await store.close()
  }
}
