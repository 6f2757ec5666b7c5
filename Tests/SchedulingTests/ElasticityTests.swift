import TestSupport
import Testing

@testable import Scheduling

@Suite("The scheduler: holders that grow and shrink")
struct ElasticityTests {
  private let gib: Int64 = 1 << 30

  private func story() throws -> SchedulerFixture {
    var story = try SchedulerFixture(hosts: 2)
    story.scheduler.setTenants(
      [
        TenantPolicy(
          name: "t", quota: TenantPolicy.Quota(cpuMillicores: 6_000, memoryBytes: 10 << 30, graphs: 3, diskBytes: 100))
      ], fallback: TenantPolicy(name: "default"))
    try story.submit("a", room(1, gib: 2))
    try story.submit("b", of: "other", room(1, gib: 3))
    _ = story.decide()
    return story
  }

  @Test("Memory counts as the larger of what was asked for and what is used")
  func memory() throws {
    var story = try story()
    try story.scheduler.setUsage("a", Usage(memoryBytes: gib))
    #expect(story.scheduler.usage(of: "h0")?.used == room(2, gib: 5))
    try story.scheduler.setUsage("a", Usage(memoryBytes: 4 * gib, diskBytes: 50, graphs: 2))
    #expect(story.scheduler.usage(of: "h0")?.used == room(2, gib: 7))
    #expect(story.scheduler.allocation(of: "a")?.placements[0].resources == room(1, gib: 4))
    let tenant = try #require(story.scheduler.report(at: story.now).tenants.first { $0.policy.name == "t" })
    #expect(tenant.held == room(1, gib: 4) && tenant.graphs == 2 && tenant.diskBytes == 50)
    try story.submit("c", of: "other", room(1, gib: 2))
    #expect(story.decide() == ["c: h1"], "h0 has less room than it seems")
    try story.scheduler.setUsage("a", Usage())
    #expect(story.scheduler.usage(of: "h0")?.used == room(2, gib: 5))
    try story.release("a")
    #expect(story.scheduler.usage(of: "h0")?.used == room(1, gib: 3) && story.scheduler.violations().isEmpty)
  }

  @Test("Growth beyond the quota or the host is rejected with numbers and changes nothing; shrinking always works")
  func refused() throws {
    var story = try story()
    let before = story.scheduler
    let host = schedulingError { try story.scheduler.setUsage("a", Usage(memoryBytes: 6 * gib)) }
    #expect(host?.code == .noRoom)
    #expect(host?.description.contains("4 GiB more") == true && host?.description.contains("3 GiB of 8 GiB") == true)
    let graphs = schedulingError { try story.scheduler.setUsage("a", Usage(memoryBytes: 3 * gib, graphs: 4)) }
    #expect(graphs?.code == .quota && graphs?.description.contains("quota of graphs") == true)
    #expect(schedulingError { try story.scheduler.setUsage("a", Usage(diskBytes: 101)) }?.code == .quota)
    #expect(schedulingError { try story.scheduler.setUsage("a", Usage(memoryBytes: -1)) }?.code == .invalid)
    #expect(schedulingError { try story.scheduler.setUsage("nobody", Usage()) }?.code == .nothingHeld)
    #expect(story.scheduler == before && story.scheduler.violations().isEmpty)
    try story.scheduler.setUsage("a", Usage(diskBytes: 100, graphs: 3))
    story.scheduler.setTenants(
      [TenantPolicy(name: "t", quota: TenantPolicy.Quota(graphs: 1, diskBytes: 1))],
      fallback: TenantPolicy(name: "default"))
    try story.scheduler.setUsage("a", Usage(diskBytes: 99, graphs: 2))
    #expect(schedulingError { try story.scheduler.setUsage("a", Usage(diskBytes: 99, graphs: 3)) }?.code == .quota)
  }

  @Test("A gang grows in place, and shrinks")
  func resize() throws {
    var story = try story()
    let member = ResourceRequest.Member(room(1, gib: 2))
    let grown = try story.scheduler.resize("a", members: [member, member, member], at: story.now)
    #expect(grown.placements.map(\.host) == ["h0", "h0", "h1"])
    #expect(story.scheduler.usage(of: "h0")?.used == room(3, gib: 7))
    let shrunk = try story.scheduler.resize("a", members: [ResourceRequest.Member(room(2, gib: 1))], at: story.now)
    #expect(shrunk.placements == [Allocation.Placement(host: "h0", resources: room(2, gib: 1))])
    #expect(story.scheduler.usage(of: "h1")?.used == .zero && story.scheduler.violations().isEmpty)
    try story.release("a")
    #expect(story.scheduler.usage(of: "h0")?.used == room(1, gib: 3))
  }

  @Test("A gang that cannot grow stays as it is")
  func cannotGrow() throws {
    var story = try story()
    let before = story.scheduler
    func resize(_ members: [ResourceRequest.Member]) -> SchedulingError.Code? {
      schedulingError { _ = try story.scheduler.resize("a", members: members, at: story.now) }?.code
    }
    #expect(resize([ResourceRequest.Member(room(4, gib: 1))]) == .noRoom, "members stay on their hosts")
    #expect(resize(Array(repeating: ResourceRequest.Member(room(1, gib: 3)), count: 4)) == .quota)
    #expect(resize([ResourceRequest.Member(room(1)), ResourceRequest.Member(room(5))]) == .noRoom)
    #expect(resize([ResourceRequest.Member(room(1), selector: ["gpu": "yes"])]) == .invalid)
    #expect(resize([]) == .invalid)
    #expect(story.scheduler == before && story.scheduler.violations().isEmpty)
  }

  @Test("A draining holder cannot change")
  func draining() throws {
    var story = try SchedulerFixture(hosts: 1)
    try story.submit("low", of: "a", room(4), isPreemptible: true)
    _ = story.decide()
    try story.submit("high", of: "b", room(4), priority: 1)
    _ = story.decide()
    let error = schedulingError {
      _ = try story.scheduler.resize("low", members: [ResourceRequest.Member(room(1))], at: story.now)
    }
    #expect(error?.code == .draining)
  }
}
