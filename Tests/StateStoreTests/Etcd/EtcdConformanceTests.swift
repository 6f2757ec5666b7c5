import StateStore
import Testing
import Turns

@Suite("State store on etcd: conformance", .takesTurnsFirst, .serialized)
struct EtcdConformanceTests {
  @Test("meets the requirements of the protocol", arguments: StateStoreConformance.checks)
  func conforms(_ check: StateStoreConformance.Check) async throws {
    // Each check has its own etcd, because compaction affects all users.
    try await withEtcd { member in
      var conformance = StateStoreConformance {
        try await EtcdStateStore.open(EtcdConfiguration(endpoints: [member.endpoint]))
      }
      conformance.shortLease = .seconds(1)
      conformance.limits = EtcdConfiguration(endpoints: []).limits
      try await check.run(conformance)
    }
  }
}
