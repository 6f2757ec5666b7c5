import Objects
import Testing

@testable import Scheduling

@Suite("The scheduler: hosts, gangs and placement")
struct SchedulerTests {
  @Test("Packing fills a host before it opens the next, spreading takes the emptiest")
  func packAndSpread() throws {
    var story = try SchedulerFixture(hosts: 3)
    for owner in ["a", "b", "c"] { try story.submit(owner, room(2)) }
    #expect(story.decide() == ["a: h0", "b: h0", "c: h1"])
    try story.submit("d", room(1)) { $0.placement = .spread }
    #expect(story.decide() == ["d: h2"])
    try story.submit("e", room(1), members: 4) { $0.placement = .spread }
    let hosts = try #require(story.scheduler.schedule(at: story.now).first.flatMap(Self.hosts))
    #expect(Set(hosts) == ["h1", "h2"], "h0 is full, the others take turns")
    #expect(story.scheduler.usage(of: "h1")?.used == room(4) && story.scheduler.violations().isEmpty)
  }

  @Test("A request goes to the host with most of its data, as long as that has room")
  func locality() throws {
    var story = try SchedulerFixture(hosts: 3)
    for owner in ["a", "b", "c"] {
      try story.submit(owner, room(3)) { $0.placement = .local(["h1": 10, "h2": 20, "gone": 99]) }
    }
    #expect(story.decide() == ["a: h2", "b: h1", "c: h0"])
  }

  @Test("A gang gets everything or nothing")
  func gangs() throws {
    var story = try SchedulerFixture(hosts: 2)
    try story.submit("a", room(1))
    try story.submit("gang", room(4), members: 2)
    #expect(story.decide() == ["a: h0"])
    #expect(story.scheduler.usage(of: "h1")?.used == .zero)
    try story.release("a")
    #expect(story.decide() == ["gang: h0 h1"])
    #expect(story.scheduler.allocation(of: "gang")?.placements.map(\.resources) == [room(4), room(4)])
  }

  @Test("Members are placed by labels, the most selective first")
  func selectors() throws {
    var story = try SchedulerFixture(hosts: 2)
    try story.scheduler.setHost("gpu", capacity: room(4, gib: 8), labels: ["gpu": "yes", "zone": "a"])
    try story.submit("a", room(4)) {
      $0.members.append(ResourceRequest.Member(room(4), selector: ["gpu": "yes"]))
      $0.members.append(ResourceRequest.Member(room(4)))
    }
    #expect(story.decide() == ["a: h0 gpu h1"])
    let error = schedulingError { try story.submit("b", room(1)) { $0.members[0].selector = ["zone": "b"] } }
    #expect(error?.code == .impossible && error?.description.contains("zone=b") == true)
    try story.release("a")
    try story.scheduler.setHost("h0", capacity: room(4, gib: 8), labels: ["zone": "b"])
    try story.submit("b", room(1)) { $0.members[0].selector = ["zone": "b"] }
    #expect(story.decide() == ["b: h0"])
  }

  @Test("Selectors without lists of their own find their hosts, too")
  func manySelectors() throws {
    var story = try SchedulerFixture(hosts: 0)
    for number in 0..<100 {
      try story.scheduler.setHost("h\(number)", capacity: room(1), labels: ["name": "\(number)"])
    }
    for number in 0..<100 { try story.submit("r\(number)", room(1)) { $0.members[0].selector = ["name": "\(number)"] } }
    #expect(Set(story.decide()) == Set((0..<100).map { "r\($0): h\($0)" }))
  }

  @Test("Members that must be apart are, and so are requests of a group")
  func apart() throws {
    var story = try SchedulerFixture(hosts: 3)
    try story.submit("a", room(1), members: 2) {
      $0.membersApart = true
      $0.apartFrom = "g"
    }
    try story.submit("b", room(1)) { $0.apartFrom = "g" }
    try story.submit("c", room(1)) { $0.apartFrom = "g" }
    #expect(story.decide() == ["a: h0 h1", "b: h2"])
    try story.submit("d", room(1))
    #expect(story.decide() == ["d: h0"], "others may be anywhere")
    let error = schedulingError { try story.submit("e", room(1), members: 4) { $0.membersApart = true } }
    #expect(error?.code == .impossible)
    try story.release("a")
    #expect(story.decide() == ["c: h0"])
  }

  @Test("Impossible requests are rejected at once, with numbers")
  func impossible() throws {
    var story = try SchedulerFixture(hosts: 2)
    let error = schedulingError { try story.submit("a", room(5)) }
    #expect(error?.code == .impossible)
    #expect(error?.description.contains("5 cores") == true && error?.description.contains("4 cores") == true)
    #expect(schedulingError { try story.submit("a", room(3), members: 3) }?.code == .impossible)
    #expect(schedulingError { try story.submit("a", .zero) }?.code == .invalid)
    #expect(schedulingError { try story.submit("a", Resources(cpuMillicores: -1)) }?.code == .invalid)
    #expect(schedulingError { try story.submit("a", Resources(memoryBytes: .max)) }?.code == .invalid)
    #expect(schedulingError { try story.submit("a", room(1)) { $0.members = [] } }?.code == .invalid)
    #expect(schedulingError { try story.submit("a", room(1), members: 4_097) }?.code == .invalid)
    #expect(schedulingError { try story.submit("a", room(1), priority: 1_001) }?.code == .invalid)
    #expect(schedulingError { try story.submit("a", room(1), sessions: -1) }?.code == .invalid)
    try story.submit("a", room(1))
    #expect(schedulingError { try story.submit("a", room(1)) }?.code == .ownerKnown)
    _ = story.decide()
    #expect(schedulingError { try story.submit("a", room(1)) }?.code == .ownerKnown)
    #expect(schedulingError { try story.release("nobody") }?.code == .nothingHeld)
    #expect(schedulingError { try story.scheduler.requeue("nobody", at: story.now) }?.code == .nothingHeld)
    #expect(story.scheduler.violations().isEmpty)
  }

  @Test("Queues are limited")
  func queueBounds() throws {
    var story = try SchedulerFixture(hosts: 1, maximumQueue: 3)
    story.scheduler.setTenants([TenantPolicy(name: "t", maximumWaiting: 2)], fallback: TenantPolicy(name: "default"))
    try story.submit("a", room(1))
    try story.submit("b", room(1))
    let error = schedulingError { try story.submit("c", room(1)) }
    #expect(error?.code == .tenantQueueFull && error?.description.contains("2 requests") == true)
    try story.submit("c", of: "other", room(1))
    #expect(schedulingError { try story.submit("d", of: "third", room(1)) }?.code == .queueFull)
    story.scheduler.withdraw("a")
    story.scheduler.withdraw("nobody")
    try story.submit("d", room(1))
    #expect(Set(story.granted()) == ["b", "c", "d"])
  }

  @Test("A lost host keeps its allocations until they are released, and gets no new ones")
  func lostHosts() throws {
    var story = try SchedulerFixture(hosts: 2)
    for owner in ["b", "a"] { try story.submit(owner, room(2)) }
    _ = story.decide()
    #expect(story.scheduler.removeHost("h0") == ["a", "b"] && story.scheduler.removeHost("nobody") == [])
    try story.submit("c", room(1))
    #expect(story.decide() == ["c: h1"])
    try story.release("a")
    #expect(story.scheduler.usage(of: "h0")?.used == room(2))
    #expect(story.scheduler.report(at: story.now).hosts.map(\.isPresent) == [false, true])
    try story.release("b")
    #expect(story.scheduler.usage(of: "h0") == nil)
    #expect(story.scheduler.removeHost("h1") == ["c"])
    try story.scheduler.setHost("h1", capacity: room(2))
    try story.submit("d", room(1))
    #expect(story.decide() == ["d: h1"], "it is back, with what was held there")
    let error = schedulingError { try story.scheduler.setHost("h1", capacity: room(1)) }
    #expect(error?.code == .hostInUse && error?.description.contains("2 cores") == true)
    #expect(schedulingError { try story.scheduler.setHost("h2", capacity: room(-1)) }?.code == .invalid)
    #expect(story.scheduler.violations().isEmpty)
  }

  @Test("Allocations and requests of a journal are restored")
  func restoring() throws {
    var story = try SchedulerFixture(hosts: 2)
    story.tenants(["t": 2])
    try story.submit("a", room(2, gib: 1))
    try story.submit("gang", room(1), members: 3, sessions: 1)
    for owner in ["w1", "w2"] { try story.submit(owner, room(4)) }
    _ = story.decide()
    try story.scheduler.setUsage("a", Usage(memoryBytes: 3 << 30))
    var other = try SchedulerFixture(hosts: 0)
    other.tenants(["t": 2])
    for host in ["h1", "h0"] { try other.scheduler.setHost(host, capacity: room(4, gib: 8)) }
    for owner: ObjectReference in ["gang", "a"] {
      try other.scheduler.restore(
        story.scheduler.allocation(of: owner)!, of: story.scheduler.holders[owner]!.request, at: story.now)
    }
    #expect(other.scheduler != story.scheduler)
    for owner: ObjectReference in ["w1", "w2"] {
      try other.scheduler.restore(waiting: story.scheduler.waiters[owner]!.request, at: story.now)
    }
    #expect(other.scheduler == story.scheduler)
    #expect(other.scheduler.violations().isEmpty)
    try story.release("a")
    try other.release("a")
    #expect(story.decide() == other.decide())
    var wrong = try SchedulerFixture(hosts: 1)
    let request = story.scheduler.holders["gang"]!.request
    let allocation = story.scheduler.allocation(of: "gang")!
    #expect(schedulingError { try wrong.scheduler.restore(allocation, of: request, at: wrong.now) }?.code == .noRoom)
    let part = Allocation(owner: "gang", placements: Array(allocation.placements.dropLast()))
    #expect(schedulingError { try wrong.scheduler.restore(part, of: request, at: wrong.now) }?.code == .invalid)
    #expect(wrong.scheduler.holding == [] && wrong.scheduler.violations().isEmpty)
  }

  private static func hosts(_ decision: SchedulingDecision) -> [String]? {
    if case .grant(let allocation) = decision { allocation.placements.map(\.host) } else { nil }
  }
}
