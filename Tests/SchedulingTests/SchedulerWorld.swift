import Objects

@testable import Scheduling

/// Drives a scheduler through a history, keeps books of its own and compares them. Checks the documented invariants and keeps the
/// first violation.
struct SchedulerWorld {
  /// Planted faults, to test the checks themselves.
  enum Fault: CaseIterable {
    case none, overcommit, halfGang, forgetQuotas, turnOrderAround, decideNothing, trustShortRuns
  }

  struct Failure: Equatable, CustomStringConvertible {
    let invariant: String
    let detail: String
    let event: Int
    var description: String { "\(invariant): \(detail), after event \(event)" }
  }

  struct Hold {
    let request: ResourceRequest
    var allocation: Allocation
    var usage = Usage()
    let started: Int
    /// The number of the grant.
    let number: Int
    /// The expected end, according to all earlier runs.
    let expectedEnd: Int?
  }

  /// A reservation and what was granted before it.
  struct Kept {
    let number: UInt64
    let grants: Int
  }

  let fault: Fault
  var scheduler = Scheduler(maximumQueue: 60)
  let start = ContinuousClock.now
  var seconds = 0
  var event = 0
  var failure: Failure?
  /// The state known independently of the scheduler.
  var policies: [String: TenantPolicy] = [:]
  var requests: [ObjectReference: ResourceRequest] = [:]
  var arrivals: [ObjectReference: Int] = [:]
  var holds: [ObjectReference: Hold] = [:]
  var draining: [ObjectReference] = []
  var grants = 0
  var runs: [String: [Int]] = [:]
  var kept: Kept?
  var decisions: [SchedulingDecision] = []

  init(fault: Fault = .none) { self.fault = fault }

  var now: ContinuousClock.Instant { start + .seconds(seconds) }

  static func run(_ history: [SchedulerEvent], fault: Fault = .none) -> SchedulerWorld {
    var world = SchedulerWorld(fault: fault)
    for event in history where world.failure == nil { world.handle(event) }
    return world
  }

  mutating func expect(_ holds: Bool, _ invariant: String, _ detail: @autoclosure () -> any CustomStringConvertible) {
    if !holds, failure == nil { failure = Failure(invariant: invariant, detail: "\(detail())", event: event) }
  }

  // MARK: - Events

  mutating func handle(_ happening: SchedulerEvent) {
    event += 1
    let before = sums()
    perform(happening)
    expectNoGrowth(beyond: before)
    plantBefore()
    let expected = Order(self)
    let made = fault == .decideNothing ? [] : scheduler.schedule(at: now)
    unplantAfter()
    for decision in made { note(decision) }
    decisions += made
    check(made, expected)
    expectNoGrowth(beyond: before)
  }

  private mutating func perform(_ happening: SchedulerEvent) {
    switch happening {
    case .submit(let request):
      guard (try? scheduler.submit(request, at: now)) != nil else { return }
      requests[request.owner] = request
      arrivals[request.owner] = seconds
    case .withdraw(let owner):
      guard holds[owner] == nil else { return }
      scheduler.withdraw(owner)
      requests[owner] = nil
    case .release(let owner): release(owner)
    case .drained(let number, let isRequeued):
      guard number < draining.count else { return }
      let owner = draining[number]
      guard isRequeued else { return release(owner) }
      draining.remove(at: number)
      holds[owner] = nil
      expect((try? scheduler.requeue(owner, at: now)) != nil, "who was drained can be queued again", owner)
    case .usage(let owner, let usage):
      guard (try? scheduler.setUsage(owner, usage)) != nil else { return }
      holds[owner]!.usage = usage
      holds[owner]!.allocation = scheduler.allocation(of: owner)!
    case .resize(let owner, let members): resize(owner, members)
    case .setHost(let name, let capacity, let labels):
      try? scheduler.setHost(name, capacity: capacity, labels: labels)
    case .removeHost(let name):
      let holders = holds.filter { $0.value.allocation.placements.contains { $0.host == name } }.keys.sorted()
      let found = scheduler.removeHost(name)
      expect(found == holders, "who is on a lost host is named", "\(found), not \(holders)")
    case .policies(let policies):
      self.policies = Dictionary(uniqueKeysWithValues: policies.map { ($0.name, $0) })
      scheduler.setTenants(policies, fallback: TenantPolicy(name: "default"))
    case .pass(let seconds): self.seconds += seconds
    }
  }

  private mutating func release(_ owner: ObjectReference) {
    guard let hold = holds.removeValue(forKey: owner) else { return }
    requests[owner] = nil
    expect((try? scheduler.release(owner, at: now)) != nil, "who holds can release", owner)
    if !draining.contains(owner) { runs[Self.kind(hold.request), default: []].append(seconds - hold.started) }
    draining.removeAll { $0 == owner }
  }

  private mutating func resize(_ owner: ObjectReference, _ members: [ResourceRequest.Member]) {
    guard let old = holds[owner] else { return }
    guard let new = try? scheduler.resize(owner, members: members, at: now) else {
      expect(scheduler.allocation(of: owner) == old.allocation, "a refused change changes nothing", owner)
      return
    }
    for (before, after) in zip(old.allocation.placements, new.placements) {
      expect(before.host == after.host, "members that stay do not move", "\(owner) from \(before.host)")
    }
    var request = old.request
    request.members = members
    requests[owner] = request
    holds[owner] = Hold(
      request: request, allocation: new, usage: old.usage, started: old.started, number: old.number,
      expectedEnd: old.expectedEnd)
    checkGang(new, request, kept: min(old.request.members.count, members.count))
  }

  private mutating func note(_ decision: SchedulingDecision) {
    switch decision {
    case .grant(let allocation):
      let owner = allocation.owner
      guard let request = requests[owner], holds[owner] == nil else {
        return expect(false, "only those that wait are granted", owner)
      }
      grants += 1
      let known = (runs[Self.kind(request)] ?? []).suffix(RunHistory.kept)
      let most = known.count >= RunHistory.enough ? known.max() : nil
      holds[owner] = Hold(
        request: request, allocation: allocation, started: seconds, number: grants,
        expectedEnd: most.map { $0 + seconds })
      checkGang(allocation, request, kept: 0)
    case .preempt(let owner, let other, _):
      expect(holds[owner]?.request.isPreemptible ?? false, "only those who may be are drained", owner)
      expect(!draining.contains(owner), "nobody is drained twice", owner)
      expect(requests[other] != nil && holds[other] == nil, "others are drained for those that wait", other)
      draining.append(owner)
    }
  }

  static func kind(_ request: ResourceRequest) -> String {
    let has = request.members.reduce(into: [false, false, false]) { has, member in
      if member.resources.analyticalSlots > 0 { has[0] = true }
      if member.resources.interactiveSlots > 0 { has[1] = true }
      if member.resources.learningSlots > 0 { has[2] = true }
    }
    return "\(request.tenant) \(has)"
  }

  // MARK: - Faults

  private mutating func plantBefore() {
    switch fault {
    case .overcommit: if event > 5, let slot = scheduler.hosts.present.first { grow(slot, by: 1) }
    case .halfGang:
      if let gang = scheduler.holders.first(where: { $0.value.slots.count > 1 }) {
        scheduler.holders[gang.key]!.slots.removeLast()
        scheduler.holders[gang.key]!.booked.removeLast()
      }
    case .forgetQuotas: for name in scheduler.tenants.keys { scheduler.tenants[name]!.policy.quota = .init() }
    case .turnOrderAround:
      for name in scheduler.tenants.keys { scheduler.tenants[name]!.held = room(100) - scheduler.tenants[name]!.held }
    case .trustShortRuns:
      for waiter in scheduler.waiters.values {
        for _ in 0..<RunHistory.kept { scheduler.history.record(0, of: waiter.request) }
      }
    case .none, .decideNothing: break
    }
  }

  private mutating func unplantAfter() {
    switch fault {
    case .overcommit: if event > 5, let slot = scheduler.hosts.present.first { grow(slot, by: -1) }
    case .turnOrderAround:
      for name in scheduler.tenants.keys {
        let mine = scheduler.holders.values.filter { $0.request.tenant == name }
        scheduler.tenants[name]!.held = .sum(mine.flatMap(\.booked))
      }
    default: break
    }
  }

  /// Hides or restores capacity that does not exist.
  private mutating func grow(_ slot: Int, by sign: Int64) {
    scheduler.hosts.change(slot) { $0.used = $0.used - room(8, gib: 8).times(sign) }
  }
}
