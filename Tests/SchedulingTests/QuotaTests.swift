import Testing

@testable import Scheduling

@Suite("The scheduler: quotas")
struct QuotaTests {
  private func story(_ quota: TenantPolicy.Quota) throws -> SchedulerFixture {
    var story = try SchedulerFixture(hosts: 2)
    set(quota, &story)
    return story
  }

  private func set(_ quota: TenantPolicy.Quota, _ story: inout SchedulerFixture) {
    story.scheduler.setTenants(
      [TenantPolicy(name: "t", quota: quota, maximumWaiting: 10)], fallback: TenantPolicy(name: "default"))
  }

  @Test("A request beyond the free part of the quota waits for a release or a higher quota")
  func waiting() throws {
    var story = try story(TenantPolicy.Quota(cpuMillicores: 3_000))
    for owner in ["a", "b", "c"] { try story.submit(owner, room(2)) }
    try story.submit("other", of: "other", room(1))
    #expect(story.granted() == ["a", "other"], "nobody else waits for it")
    let report = try #require(story.waiting("b"))
    #expect(report.reason == .quota && report.position == 1)
    #expect(report.sentence.contains("3 cores") && report.sentence.contains("2 cores"))
    try story.release("a")
    #expect(story.granted() == ["b"])
    set(TenantPolicy.Quota(cpuMillicores: 4_000), &story)
    #expect(story.granted() == ["c"])
  }

  @Test("A request beyond the whole quota is rejected at once, with the limit, the held and the requested amount")
  func refused() throws {
    var story = try story(TenantPolicy.Quota(sessions: 1, cpuMillicores: 3_000, memoryBytes: 1 << 30))
    let error = schedulingError { try story.submit("a", room(4, gib: 2), sessions: 2) }
    #expect(error?.code == .quota)
    #expect(
      error?.description
        == "session/a exceeds the quota of tenant t: 1 sessions allowed, 0 open, 2 requested; 3 cores allowed, 0 cores in use, 4 cores requested; 1 GiB of memory allowed, 0 bytes in use, 2 GiB requested. Request less, or ask an operator to raise the quota."
    )
    #expect(schedulingError { try story.submit("a", room(2), members: 2) }?.code == .quota)
  }

  @Test("A request may pass an earlier one that waits for a limit only if it does not count towards that limit")
  func passing() throws {
    var story = try story(TenantPolicy.Quota(sessions: 2))
    try story.submit("a", room(1), sessions: 1)
    try story.submit("two", room(1), sessions: 2)
    try story.submit("one", room(1), sessions: 1)
    try story.submit("none", room(1))
    #expect(story.granted() == ["a", "none"])
    try story.release("a")
    #expect(story.granted() == ["two"])
    try story.release("two")
    #expect(story.granted() == ["one"])
  }

  @Test("A request that waits for hosts keeps its part of the quota")
  func promised() throws {
    var story = try story(TenantPolicy.Quota(sessions: 2))
    try story.submit("other", of: "other", room(1)) { $0.members.append(ResourceRequest.Member(room(2))) }
    try story.submit("a", room(1), sessions: 1)
    #expect(story.granted().count == 2)
    try story.submit("large", room(4), members: 2, sessions: 1)
    try story.submit("small", room(1), sessions: 1)
    #expect(story.granted() == [])
    try story.release("other", "a")
    #expect(story.granted() == ["large"])
  }

  @Test("A lower quota takes nothing away, and nothing is granted until the tenant is below it")
  func lowered() throws {
    var story = try story(TenantPolicy.Quota())
    for owner in ["a", "b"] { try story.submit(owner, room(2), sessions: 1) }
    #expect(story.granted().count == 2)
    set(TenantPolicy.Quota(sessions: 1), &story)
    try story.submit("c", room(1), sessions: 1)
    try story.submit("d", room(1))
    #expect(story.granted() == ["d"], "it counts for no session")
    try story.release("a")
    #expect(story.granted() == [])
    try story.release("b")
    #expect(story.granted() == ["c"])
  }

  @Test("A tenant removed from the table gets the fallback policy")
  func fallback() throws {
    var story = try story(TenantPolicy.Quota(sessions: 1))
    for owner in ["a", "b"] { try story.submit(owner, room(1), sessions: 1) }
    #expect(story.granted() == ["a"])
    story.scheduler.setTenants([], fallback: TenantPolicy(name: "default", weight: 7))
    #expect(story.granted() == ["b"])
    let tenant = try #require(story.scheduler.report(at: story.now).tenants.first)
    #expect(tenant.policy.name == "t" && tenant.policy.weight == 7 && !tenant.isConfigured)
  }

  @Test("Invalid policies are replaced by the nearest valid ones")
  func clamped() throws {
    var story = try story(TenantPolicy.Quota(sessions: -5))
    story.scheduler.setTenants(
      [TenantPolicy(name: "t", weight: 0, quota: TenantPolicy.Quota(sessions: -5), priority: 1 << 40)],
      fallback: TenantPolicy(name: "default", weight: 1 << 40))
    let policy = story.scheduler.policy(of: "t")
    #expect(policy.weight == 1 && policy.quota.sessions == 0 && policy.priority == Scheduler.highestPriority)
    #expect(story.scheduler.policy(of: "other").weight == 1_000)
  }
}
