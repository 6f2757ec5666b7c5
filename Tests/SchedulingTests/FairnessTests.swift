import TestSupport
import Testing
import Turns

@testable import Scheduling

@Suite("The scheduler: order of requests", .takesTurns)
struct FairnessTests {
  @Test("The tenant with the least is next, whatever the order of arrival")
  func leastFirst() throws {
    var story = try SchedulerFixture(hosts: 1)
    for owner in ["a1", "a2", "a3"] { try story.submit(owner, of: "a", room(1)) }
    try story.submit("b1", of: "b", room(1))
    #expect(story.granted() == ["a1", "b1", "a2", "a3"])
  }

  @Test("Weights: three times the weight gets three times as much")
  func weights() throws {
    var story = try SchedulerFixture(hosts: 1, capacity: room(16))
    story.tenants(["a": 3, "b": 1])
    for number in 0..<16 {
      try story.submit("a\(number)", of: "a", room(1))
      try story.submit("b\(number)", of: "b", room(1))
    }
    let granted = story.granted()
    #expect(granted.count == 16 && granted.count { $0.hasPrefix("a") } == 12)
  }

  @Test("Dominant shares: the example of the paper")
  func dominantShares() throws {
    // 9 cores and 18 GB; tasks of <1 core, 4 GB> and <3 cores, 1 GB>: three and two of them.
    var story = try SchedulerFixture(hosts: 1, capacity: room(9, gib: 18))
    for number in 0..<6 {
      try story.submit("a\(number)", of: "a", room(1, gib: 4))
      try story.submit("b\(number)", of: "b", room(3, gib: 1))
    }
    let granted = story.granted()
    #expect(granted.count { $0.hasPrefix("a") } == 3 && granted.count { $0.hasPrefix("b") } == 2)
    let report = story.scheduler.report(at: story.now)
    for tenant in report.tenants { #expect(abs(tenant.dominantShare - 2.0 / 3) < 1e-9) }
    #expect(report.tenants.map(\.fairShare) == [0.5, 0.5])
  }

  @Test("Higher priority goes first, in a tenant and between tenants")
  func priorities() throws {
    var story = try SchedulerFixture(hosts: 1)
    try story.submit("low", of: "a", room(2))
    try story.submit("high", of: "b", room(2), priority: 1)
    try story.submit("higher", of: "b", room(2), priority: 2)
    #expect(story.granted() == ["higher", "high"])
    story.scheduler.setTenants(
      [TenantPolicy(name: "c", priority: 3)], fallback: TenantPolicy(name: "default", maximumWaiting: 9))
    try story.submit("of c", of: "c", room(2))
    try story.release("high")
    #expect(story.granted() == ["of c"], "a tenant's priority counts for its requests")
  }

  @Test("A changed priority of a tenant applies to waiting requests")
  func changingPriority() throws {
    var story = try SchedulerFixture(hosts: 1)
    try story.submit("all", room(4))
    _ = story.granted()
    for owner in ["a1", "a2"] { try story.submit(owner, of: "a", room(4)) }
    try story.submit("b1", of: "b", room(4))
    story.scheduler.setTenants([TenantPolicy(name: "b", priority: 1)], fallback: TenantPolicy(name: "default"))
    #expect(story.scheduler.violations().isEmpty)
    try story.release("all")
    #expect(story.granted() == ["b1"])
    story.scheduler.setTenants([], fallback: TenantPolicy(name: "default"))
    try story.release("b1")
    #expect(story.granted() == ["a1"] && story.scheduler.violations().isEmpty)
  }

  @Test("Waiting makes up for priority, so that a stream of important requests starves nobody")
  func ageing() throws {
    var story = try SchedulerFixture(hosts: 1)
    try story.submit("running", of: "b", room(4), priority: 1)
    #expect(story.granted() == ["running"])
    try story.submit("patient", of: "a", room(4))
    var running = "running"
    for minute in 1...30 {
      story.now += .seconds(60)
      try story.submit("b\(minute)", of: "b", room(4), priority: 1)
      try story.release(running)
      running = try #require(story.granted().first)
      if running == "patient" {
        #expect(minute == 10)
        return
      }
    }
    Issue.record("it starved")
  }

  @Test("A large request of a tenant below its share starts as soon as one host is free, whatever others request")
  func noStarvation() throws {
    for seed in UInt64(0)..<20 {
      var random = SplitMix(seed: seed)
      var story = try SchedulerFixture(hosts: 4)
      var ends: [(owner: String, time: Int)] = []
      var asked: Int?
      var count = 0
      for second in 0..<400 {
        story.now += .seconds(1)
        for end in ends where end.time == second { try story.release(end.owner) }
        ends.removeAll { $0.time == second }
        for _ in 0..<2 {
          count += 1
          try? story.submit("small\(count)", of: "t\(count % 3)", room(Int64.random(in: 1...2, using: &random)))
        }
        if second == 100 {
          try story.submit("large", of: "modest", room(4), members: 2)
          asked = second
        }
        for owner in story.granted() {
          if owner == "large" {
            // No request runs for longer than 30 seconds, and nothing further is placed on its hosts.
            #expect(second - asked! <= 30, "seed \(seed)")
            asked = nil
          }
          ends.append((owner, second + Int.random(in: 5...30, using: &random)))
        }
      }
      #expect(asked == nil, "seed \(seed)")
    }
  }

  /// While room for the largest request is gathered, a tenant may lose as much as that request takes.
  @Test(
    "Shares of tenants that always want more stay within one request of the largest size of each other",
    arguments: 0..<12, [1, 3] as [Int64])
  func bound(seed: UInt64, largestSize: Int64) throws {
    var random = SplitMix(seed: seed)
    var story = try SchedulerFixture(hosts: 1, capacity: room(60))
    let weights = ["a": 1, "b": 2, "c": 3, "d": 1]
    story.scheduler.setTenants(
      weights.map { TenantPolicy(name: $0.key, weight: $0.value, maximumWaiting: 1_000) },
      fallback: TenantPolicy(name: "default"))
    let sizes = weights.mapValues { _ in Int64.random(in: 1...largestSize, using: &random) }
    let largest = Double(sizes.values.max()!) / 60
    var holding: [String] = []
    var count = 0
    for tenant in weights.keys.sorted() {
      for _ in 0..<70 {
        count += 1
        try story.submit("\(tenant)\(count)", of: tenant, room(sizes[tenant]!))
      }
    }
    for round in 0..<100 {
      holding += story.granted()
      let shares = story.scheduler.report(at: story.now).tenants.map { $0.dominantShare / Double($0.policy.weight) }
      #expect(shares.max()! - shares.min()! <= largest + 1e-9, "seed \(seed), round \(round)")
      let owner = holding.remove(at: Int.random(in: 0..<holding.count, using: &random))
      try story.release(owner)
      count += 1
      let tenant = String(owner.prefix(1))
      try story.submit("\(tenant)\(count)", of: tenant, room(sizes[tenant]!))
    }
  }
}
