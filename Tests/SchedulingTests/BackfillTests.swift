import TestSupport
import Testing
import Turns

@testable import Scheduling

@Suite("The scheduler: backfill and expected starts", .takesTurns)
struct BackfillTests {
  @Test("Without history, later requests get only what the first one does not need")
  func withoutHistory() throws {
    var story = try SchedulerFixture(hosts: 2)
    try story.submit("a", room(3))
    try story.submit("b", room(2))
    #expect(story.decide() == ["a: h0", "b: h1"])
    try story.submit("large", room(4))
    try story.submit("small", room(1))
    #expect(story.decide() == ["small: h0"], "h1 lacks less and is kept")
    try story.submit("next", room(1))
    #expect(story.decide() == [])
    #expect(story.waiting("next")?.reason == .turn)
    try story.release("b")
    #expect(story.decide() == ["large: h1"])
  }

  @Test("What the first request leaves free on its host may be used")
  func besideTheFirst() throws {
    var story = try SchedulerFixture(hosts: 1, capacity: room(4, gib: 8))
    try story.submit("a", room(1, gib: 6))
    _ = story.decide()
    try story.submit("large", room(2, gib: 4))
    try story.submit("more memory", room(1, gib: 1))
    try story.submit("cores only", room(1))
    #expect(story.decide() == ["cores only: h0"])
  }

  /// A fixture in which requests of tenant `quick` have run for 10 s and others for 100 s.
  private func experienced() throws -> SchedulerFixture {
    var story = try SchedulerFixture(hosts: 1)
    for (tenant, seconds) in [("quick", 10), ("slow", 100)] {
      for number in 0..<RunHistory.enough {
        try story.submit("\(tenant)\(number)", of: tenant, room(4))
        _ = story.decide()
        story.now += .seconds(seconds)
        try story.release("\(tenant)\(number)")
      }
    }
    return story
  }

  @Test("With history, later requests may start if they end before the first one can start")
  func withHistory() throws {
    var story = try experienced()
    try story.submit("a", of: "slow", room(3))
    #expect(story.decide() == ["a: h0"])
    story.now += .seconds(50)
    try story.submit("large", of: "t", room(4))
    try story.submit("slow one", of: "slow", room(1))
    try story.submit("quick one", of: "quick", room(1))
    #expect(story.decide() == ["quick one: h0"])
    story.now += .seconds(10)
    try story.release("quick one")
    story.now += .seconds(35)
    try story.submit("too late", of: "quick", room(1))
    #expect(story.decide() == [], "5 seconds are left")
    story.now += .seconds(5)
    try story.release("a")
    #expect(story.decide() == ["large: h0"])
  }

  @Test("An expected start follows from holders and earlier requests")
  func expectedStart() throws {
    var story = try experienced()
    try story.submit("a", of: "slow", room(4))
    _ = story.decide()
    try story.submit("first", of: "quick", room(4))
    try story.submit("second", of: "quick", room(4))
    _ = story.decide()
    story.now += .seconds(30)
    #expect(story.waiting("first")?.position == 1 && story.waiting("second")?.position == 2)
    #expect(story.waiting("first")?.expectedStart == .seconds(70) ... .seconds(70))
    #expect(story.waiting("second")?.expectedStart == .seconds(80) ... .seconds(80))
    #expect(story.waiting("second")?.waiting == 2 && story.waiting("a") == nil)
    story.now += .seconds(80)
    #expect(story.waiting("first")?.expectedStart == nil, "a runs for longer than any before")
  }

  @Test("There is no expected start without history")
  func unknown() throws {
    var story = try SchedulerFixture(hosts: 1)
    for owner in ["a", "b"] { try story.submit(owner, room(3)) }
    _ = story.decide()
    let report = try #require(story.waiting("b"))
    #expect(report.expectedStart == nil && report.reason == .room)
    #expect(report.sentence.contains("3 cores") && report.sentence.contains("1 core"))
  }

  @Test("A request that no current host could satisfy delays no other, and reports so")
  func impossibleNow() throws {
    var story = try SchedulerFixture(hosts: 1)
    try story.scheduler.setHost("large", capacity: room(8))
    try story.submit("a", room(8))
    _ = story.scheduler.removeHost("large")
    try story.submit("b", room(4))
    #expect(story.decide() == ["b: h0"])
    #expect(story.waiting("a")?.reason == .hosts)
  }

  @Test("With known run times, backfill never delays the first request", arguments: 0..<40)
  func firstIsNotDelayed(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    var story = try SchedulerFixture(hosts: 3, capacity: room(8))
    // Each tenant's runs take as long as its name says.
    let seconds = [5, 20, 60]
    for length in seconds {
      for number in 0..<RunHistory.enough {
        try story.submit("warm \(length) \(number)", of: "\(length)", room(1))
        _ = story.decide()
        story.now += .seconds(length)
        try story.release("warm \(length) \(number)")
      }
    }
    var running: [(owner: String, end: Int)] = []
    var length: [String: Int] = [:]
    func submit(_ owner: String, _ cores: Int64, _ members: Int, to story: inout SchedulerFixture) throws {
      let seconds = seconds.randomElement(using: &random)!
      length[owner] = seconds
      try story.submit(owner, of: "\(seconds)", room(cores), members: members)
    }
    for number in 0..<10 { try submit("r\(number)", .random(in: 1...4, using: &random), 1, to: &story) }
    for owner in story.granted() { running.append((owner, length[owner]!)) }
    for waiting in story.scheduler.waiting { story.scheduler.withdraw(waiting) }
    try submit("large", 6, 3, to: &story)
    running += story.granted().map { ($0, length[$0]!) }
    guard story.scheduler.allocation(of: "large") == nil else { return }
    var alone = story
    var (aloneRunning, withOthers, aloneStart) = (running, 0, 0)
    for second in 1...200 where aloneStart == 0 {
      alone.now += .seconds(1)
      for run in aloneRunning where run.end == second { try alone.release(run.owner) }
      aloneRunning.removeAll { $0.end == second }
      if alone.granted().contains("large") { aloneStart = second }
    }
    for second in 1...200 where withOthers == 0 {
      story.now += .seconds(1)
      for run in running where run.end == second { try story.release(run.owner) }
      running.removeAll { $0.end == second }
      // All of one tenant whose share does not exceed that of the first request's, so that none goes before it.
      let tenant = "\(length["large"]!)"
      length["x\(second)"] = length["large"]!
      try story.submit("x\(second)", of: tenant, room(Int64.random(in: 1...3, using: &random)))
      for owner in story.granted() {
        if owner == "large" { withOthers = second } else { running.append((owner, second + length[owner]!)) }
      }
    }
    #expect(aloneStart > 0 && withOthers <= aloneStart, "seed \(seed): \(withOthers), alone \(aloneStart)")
  }
}
