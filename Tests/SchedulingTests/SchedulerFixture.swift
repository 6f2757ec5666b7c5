import Objects

@testable import Scheduling

/// A scheduler and a clock: hosts `h0`, `h1`... with 4 cores and 8 GiB by default.
struct SchedulerFixture {
  var scheduler: Scheduler
  var now = ContinuousClock.now

  init(hosts: Int, capacity: Resources = room(4, gib: 8), maximumQueue: Int = 1_000) throws {
    scheduler = Scheduler(maximumQueue: maximumQueue)
    for number in 0..<hosts { try scheduler.setHost("h\(number)", capacity: capacity) }
  }

  /// Sets tenants without limits, by weight.
  mutating func tenants(_ weights: KeyValuePairs<String, Int>) {
    scheduler.setTenants(
      weights.map { TenantPolicy(name: $0.key, weight: $0.value, maximumWaiting: 1_000) },
      fallback: TenantPolicy(name: "default", maximumWaiting: 1_000))
  }

  mutating func submit(
    _ owner: String, of tenant: String = "t", _ resources: Resources, members: Int = 1, priority: Int = 0,
    sessions: Int = 0, isPreemptible: Bool = false, _ change: (inout ResourceRequest) -> Void = { _ in }
  ) throws {
    var request = ResourceRequest(
      owner: .session(owner), tenant: tenant, priority: priority,
      members: Array(repeating: ResourceRequest.Member(resources), count: members), sessions: sessions,
      isPreemptible: isPreemptible)
    change(&request)
    try scheduler.submit(request, at: now)
  }

  /// Returns the hosts of granted requests, in the order of decisions; for holders to drain, the beneficiary.
  mutating func decide() -> [String] {
    scheduler.schedule(at: now).map { decision in
      switch decision {
      case .grant(let allocation):
        "\(allocation.owner.name): \(allocation.placements.map(\.host).joined(separator: " "))"
      case .preempt(let owner, let other, _): "\(owner.name) for \(other.name)"
      }
    }
  }

  /// Returns the owners that were granted resources.
  mutating func granted() -> [String] {
    scheduler.schedule(at: now).compactMap {
      if case .grant(let allocation) = $0 { allocation.owner.name } else { nil }
    }
  }

  mutating func release(_ owners: String...) throws {
    for owner in owners { try scheduler.release(.session(owner), at: now) }
  }

  func waiting(_ owner: String) -> WaitingReport? { scheduler.waiting(.session(owner), at: now) }
}

/// Owners in the tests are sessions.
extension ObjectReference: ExpressibleByStringLiteral {
  /// A session of that name.
  public init(stringLiteral name: String) { self = .session(name) }
}

/// Processor cores and memory.
func room(_ cores: Int64, gib: Int64 = 0) -> Resources {
  Resources(cpuMillicores: cores * 1_000, memoryBytes: gib << 30)
}

/// Returns the error thrown by a closure.
func schedulingError(_ body: () throws -> Void) -> SchedulingError? {
  do {
    try body()
    return nil
  } catch {
    return error as? SchedulingError
  }
}
