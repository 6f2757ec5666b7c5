import Cluster
import Testing
import Turns

@Suite("State store on etcd: what every store promises", .takesTurnsFirst, .serialized)
struct EtcdConformanceTests {
  @Test("keeps what the protocol promises", arguments: StateStoreConformance.checks)
  func conforms(_ check: StateStoreConformance.Check) async throws {
    // An etcd for each, since compaction is everybody's.
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
