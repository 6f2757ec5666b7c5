import Testing

@testable import Scheduling

@Suite("The scheduler: borrowing and preemption")
struct PreemptionTests {
  @Test("A tenant borrows idle resources, and loses them when they are due to others: the youngest, as few as needed")
  func borrowing() throws {
    var story = try SchedulerFixture(hosts: 1)
    story.tenants(["a": 1, "b": 1])
    for owner in ["a1", "a2", "a3", "a4"] {
      try story.submit(owner, of: "a", room(1), isPreemptible: true)
      #expect(story.granted() == [owner])
      story.now += .seconds(1)
    }
    #expect(story.scheduler.report(at: story.now).tenants[0].borrowed == 0, "alone it is entitled to everything")
    try story.submit("b1", of: "b", room(2))
    #expect(story.scheduler.report(at: story.now).tenants[0].borrowed == 0.5)
    #expect(story.decide() == ["a4 for b1", "a3 for b1"])
    #expect(story.decide() == [], "nobody is named twice")
    #expect(story.waiting("b1")?.reason == .draining)
    try story.submit("thief", of: "c", room(1))
    try story.release("a3")
    #expect(story.decide() == [], "what is given back is kept for b1")
    try story.scheduler.requeue("a4", at: story.now)
    #expect(story.decide() == ["b1: h0"])
    #expect(story.scheduler.waiting == ["a4", "thief"] && story.scheduler.violations().isEmpty)
  }

  @Test("No tenant is preempted below its share, and no tenant above its share preempts")
  func shares() throws {
    var story = try SchedulerFixture(hosts: 1)
    story.tenants(["a": 1, "b": 1])
    for owner in ["a1", "a2", "b1"] {
      try story.submit(owner, of: String(owner.prefix(1)), room(owner == "b1" ? 1 : 1), isPreemptible: true)
    }
    try story.submit("a3", of: "a", room(1), isPreemptible: true)
    #expect(story.granted().count == 4)
    try story.submit("b2", of: "b", room(2))
    #expect(story.decide() == [], "with it b would have three quarters")
    story.scheduler.withdraw("b2")
    try story.submit("b3", of: "b", room(1))
    #expect(story.decide().count == 1)
    try story.scheduler.requeue(story.scheduler.holders.first { $0.value.isDraining }!.key, at: story.now)
    #expect(story.decide() == ["b3: h0"])
    #expect(story.decide() == [], "both have a half, and a's waits")
  }

  @Test("A holder that is not preemptible is not preempted")
  func notPreemptible() throws {
    var story = try SchedulerFixture(hosts: 1)
    story.tenants(["a": 1, "b": 1])
    try story.submit("a1", of: "a", room(4))
    _ = story.decide()
    try story.submit("b1", of: "b", room(2), priority: 5)
    #expect(story.decide() == [])
    #expect(story.waiting("b1")?.reason == .room)
  }

  @Test("Higher priority preempts lower, of any tenant; the lowest first")
  func priorities() throws {
    var story = try SchedulerFixture(hosts: 2)
    try story.submit("low", of: "a", room(4), isPreemptible: true)
    try story.submit("middle", of: "b", room(4), priority: 1, isPreemptible: true)
    #expect(story.granted().count == 2)
    try story.submit("high", of: "c", room(3), priority: 2)
    #expect(story.decide() == ["low for high"])
    try story.scheduler.requeue("low", at: story.now)
    #expect(story.decide().first?.hasPrefix("high") == true)
    try story.submit("equal", of: "d", room(4), priority: 1)
    #expect(story.decide() == [], "equals are not displaced, and a has no claim")
  }

  @Test("A preempted request keeps its place, and waiting protects it")
  func places() throws {
    var story = try SchedulerFixture(hosts: 1)
    try story.submit("first", of: "a", room(4), isPreemptible: true)
    _ = story.decide()
    try story.submit("second", of: "a", room(4), isPreemptible: true)
    try story.submit("high", of: "b", room(4), priority: 1)
    #expect(story.decide() == ["first for high"])
    try story.scheduler.requeue("first", at: story.now)
    #expect(story.decide() == ["high: h0"])
    #expect(story.scheduler.waiting == ["first", "second"])
    story.now += Scheduler.ageing
    try story.release("high")
    #expect(story.decide() == ["first: h0"])
    try story.submit("high again", of: "b", room(4), priority: 1)
    #expect(story.decide() == [], "it has waited an ageing interval")
    try story.submit("highest", of: "b", room(4), priority: 2)
    #expect(story.decide() == ["first for highest"])
  }

  @Test("A gang preempts a gang")
  func gangs() throws {
    var story = try SchedulerFixture(hosts: 4)
    try story.submit("g1", of: "a", room(4), members: 2, isPreemptible: true)
    try story.submit("g2", of: "a", room(4), members: 2, isPreemptible: true)
    _ = story.decide()
    try story.submit("gang", of: "b", room(3), members: 2, priority: 1) { $0.membersApart = true }
    let named = story.decide()
    #expect(named == ["g2 for gang"], "one of them is enough, and it is the younger one")
    #expect(story.scheduler.violations().isEmpty)
    try story.release("g2")
    #expect(story.decide() == ["gang: h2 h3"])
  }

  @Test("When the beneficiary leaves, its claim is free for others")
  func withdrawn() throws {
    var story = try SchedulerFixture(hosts: 1)
    try story.submit("low", of: "a", room(4), isPreemptible: true)
    _ = story.decide()
    try story.submit("high", of: "b", room(4), priority: 1)
    try story.submit("other", of: "c", room(4))
    #expect(story.decide() == ["low for high"])
    story.scheduler.withdraw("high")
    #expect(story.decide() == [])
    try story.release("low")
    #expect(story.decide() == ["other: h0"] && story.scheduler.violations().isEmpty)
  }

  @Test("A lost host cancels reservations and claims on it")
  func lostHost() throws {
    var story = try SchedulerFixture(hosts: 1)
    try story.submit("low", of: "a", room(4), isPreemptible: true)
    _ = story.decide()
    try story.submit("high", of: "b", room(4), priority: 1)
    #expect(story.decide() == ["low for high"])
    #expect(story.scheduler.removeHost("h0") == ["low"])
    #expect(story.waiting("high")?.reason == .hosts)
    try story.scheduler.setHost("h1", capacity: room(4))
    #expect(story.decide() == ["high: h1"] && story.scheduler.violations().isEmpty)
  }
}
