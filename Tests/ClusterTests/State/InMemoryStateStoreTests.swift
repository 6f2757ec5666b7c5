import Cluster
import Testing
import Turns

@Suite("State store in memory", .takesTurns)
struct InMemoryStateStoreTests {
  @Test("keeps what the protocol promises", arguments: StateStoreConformance.checks)
  func conforms(_ check: StateStoreConformance.Check) async throws {
    try await check.run(StateStoreConformance { InMemoryStateStore() })
  }
}
