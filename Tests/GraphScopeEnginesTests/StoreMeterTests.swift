import Synchronization
import Testing
import Workers

@testable import GraphScopeEngines

@Suite("The meter of an object store")
struct StoreMeterTests {
  private final class Account: StorageAccount {
    private let state: Mutex<(taken: Int, room: Int)>

    init(room: Int) { state = Mutex((0, room)) }

    var taken: Int { state.withLock { $0.taken } }

    func take(_ bytes: Int, as kind: StorageKind) throws(StorageRefusal) {
      let isGranted = state.withLock { state in
        guard state.taken + bytes <= state.room else { return false }
        state.taken += bytes
        return true
      }
      guard isGranted else { throw StorageRefusal("no room") }
    }

    func takeUnconditionally(_ bytes: Int, as kind: StorageKind) { state.withLock { $0.taken += bytes } }

    func giveBack(_ bytes: Int, as kind: StorageKind) { state.withLock { $0.taken -= bytes } }
  }

  @Test("The store's bytes are charged, rejected when there is no room, and returned when the store ends")
  func charges() async throws {
    let account = Account(room: 100)
    let holder = Held(60)
    let meter = StoreMeter(account) { holder.bytes }
    try await meter.settle()
    #expect(account.taken == 60)
    holder.bytes = 130
    await #expect(throws: StorageRefusal.self) { try await meter.settle() }
    #expect(account.taken == 60, "what is refused is not charged")
    await meter.settleUnasked()
    #expect(account.taken == 130, "what cannot be undone is")
    holder.bytes = 40
    try await meter.settle()
    #expect(account.taken == 40)
    holder.bytes = nil
    try await meter.settle()
    #expect(account.taken == 40, "a store that does not answer tells nothing")
    meter.end()
    #expect(account.taken == 0)
  }

  private final class Held: Sendable {
    private let state: Mutex<Int?>

    init(_ bytes: Int?) { state = Mutex(bytes) }

    var bytes: Int? {
      get { state.withLock { $0 } }
      set { state.withLock { $0 = newValue } }
    }
  }
}
