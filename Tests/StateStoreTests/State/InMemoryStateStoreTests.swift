import StateStore
import Testing
import Turns

@Suite("State store in memory", .takesTurns)
struct InMemoryStateStoreTests {
  @Test("meets the requirements of the protocol", arguments: StateStoreConformance.checks)
  func conforms(_ check: StateStoreConformance.Check) async throws {
    try await check.run(StateStoreConformance { InMemoryStateStore() })
  }
}
