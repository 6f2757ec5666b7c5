import Testing

@testable import Scheduling

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite("The scheduler: reports and previews")
struct SchedulerReportTests {
  private func story() throws -> SchedulerFixture {
    var story = try SchedulerFixture(hosts: 1)
    story.scheduler.setTenants(
      [TenantPolicy(name: "a", weight: 3), TenantPolicy(name: "b", quota: TenantPolicy.Quota(cpuMillicores: 1_000))],
      fallback: TenantPolicy(name: "default"))
    try story.submit("a1", of: "a", room(1, gib: 2), sessions: 1, isPreemptible: true)
    try story.submit("a2", of: "a", room(2, gib: 2), isPreemptible: true)
    try story.submit("b1", of: "b", room(1))
    try story.submit("b2", of: "b", room(1))
    #expect(Set(story.granted()) == ["a1", "a2", "b1"])
    return story
  }

  @Test("Hosts, tenants and totals, also as JSON")
  func report() throws {
    let story = try story()
    let report = story.scheduler.report(at: story.now)
    #expect(report.capacity == room(4, gib: 8) && report.used == room(4, gib: 4))
    #expect(report.holders == 3 && report.waiting == 1 && report.draining == 0 && report.next == nil)
    #expect(report.hosts.map(\.holders) == [3])
    let (a, b) = (report.tenants[0], report.tenants[1])
    #expect(a.dominantShare == 0.75 && a.fairShare == 0.75 && a.borrowed == 0 && a.sessions == 1)
    #expect(b.dominantShare == 0.25 && b.waiting == 1 && b.holders == 1 && b.isConfigured)
    let decoded = try JSONDecoder().decode(SchedulerReport.self, from: JSONEncoder().encode(report))
    #expect(decoded == report)
    let waiting = try #require(story.waiting("b2"))
    #expect(try JSONDecoder().decode(WaitingReport.self, from: JSONEncoder().encode(waiting)) == waiting)
  }

  @Test("A preview reports changes, starts and drains, and changes nothing")
  func preview() throws {
    var story = try story()
    try story.submit("c1", of: "c", room(2))
    _ = story.decide()
    let before = story.scheduler
    let sentences = story.scheduler.preview(
      [
        TenantPolicy(name: "b", weight: 2, quota: TenantPolicy.Quota(cpuMillicores: 500)),
        TenantPolicy(name: "c", weight: 5),
      ],
      fallback: TenantPolicy(name: "default"), at: story.now)
    #expect(
      sentences == [
        "Tenant a is removed (weight 3, priority 0, waiting requests 16); its 2 holders and 0 requests use the fallback.",
        "Tenant b changes: weight 1 -> 2, processors 1 core -> 0.5 cores.",
        "Tenant c is added: weight 5, priority 0, waiting requests 16.",
        "Tenant b would be over its quota of processors: 1 core in use, 0.5 cores allowed; it keeps what it has, and gets no more.",
        "session/a2 would be preempted for session/c1: Tenant c holds 0% of the hosts, and its fair share is 62.5%; tenant a holds 75%, and its fair share is 12.5%.",
      ])
    #expect(story.scheduler == before && story.scheduler.violations().isEmpty)
    #expect(
      story.scheduler.preview(
        [TenantPolicy(name: "a", weight: 3), TenantPolicy(name: "b", quota: TenantPolicy.Quota(cpuMillicores: 1_000))],
        fallback: TenantPolicy(name: "default"), at: story.now) == [])
    try story.release("a1")
    _ = story.decide()
    story.scheduler.withdraw("c1")
    let raised = story.scheduler.preview(
      [TenantPolicy(name: "b", quota: TenantPolicy.Quota(cpuMillicores: 2_000)), TenantPolicy(name: "a", weight: 3)],
      fallback: TenantPolicy(name: "default"), at: story.now)
    #expect(raised == ["Tenant b changes: processors 1 core -> 2 cores.", "session/b2 would start on h0."])
  }

  @Test("Positions follow the turns of tenants")
  func positions() throws {
    var story = try SchedulerFixture(hosts: 1)
    story.tenants(["a": 1, "b": 1])
    try story.submit("all", of: "c", room(4))
    _ = story.decide()
    for owner in ["a1", "a2", "a3", "b1"] { try story.submit(owner, of: String(owner.prefix(1)), room(1)) }
    try story.submit("urgent", of: "a", room(1), priority: 1)
    let positions = ["a1", "a2", "a3", "b1", "urgent"].map { story.waiting($0)!.position }
    #expect(positions == [3, 4, 5, 2, 1])
  }

  @Test("Amounts for people")
  func amounts() {
    #expect(
      Resources.bytes(1_536) == "1.5 KiB" && Resources.bytes(3 << 30) == "3 GiB" && Resources.bytes(7) == "7 bytes")
    #expect(Resources.cores(1_000) == "1 core" && Resources.cores(2_050) == "2.05 cores")
    #expect(Resources.zero.sentence == "nothing")
    #expect(Resources(analyticalSlots: 1, learningSlots: 2).sentence == "1 analytical slot, 2 learning slots")
  }
}
