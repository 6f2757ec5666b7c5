import Cluster
import Testing

@Suite("State store in memory")
struct InMemoryStateStoreTests {
  @Test("keeps what the protocol promises", arguments: StateStoreConformance.checks)
  func conforms(_ check: StateStoreConformance.Check) async throws {
    try await check.run(StateStoreConformance { InMemoryStateStore() })
  }
}
