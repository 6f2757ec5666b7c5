import Objects

/// Assigns resources of hosts to requests, as a pure value: tenants with quotas and weights, gangs, placement, priorities,
/// preemption and backfill. Time is an input; decisions are the output.
///
/// | event        | effect                                                                                     |
/// |--------------|--------------------------------------------------------------------------------------------|
/// | `setHost`    | adds a host, or changes its capacity and labels                                            |
/// | `removeHost` | stops placement on a host; allocations there stay until they are released                  |
/// | `setTenants` | changes quotas, weights and priorities, also for requests that wait and for holders        |
/// | `submit`     | queues a request; rejects it if it could never be granted                                  |
/// | `withdraw`   | removes a request from the queue                                                           |
/// | `release`    | releases an entire allocation                                                              |
/// | `requeue`    | releases an entire allocation and queues the request at its old position                   |
/// | `setUsage`   | books the usage of a holder, if quota and host allow it                                    |
/// | `resize`     | grows or shrinks the gang of a holder                                                      |
/// | `schedule`   | grants requests and names the holders to drain for others                                  |
/// | `restore`    | recovers an allocation or a waiting request from a journal                                 |
///
/// Only `schedule` grants. Call it last in a transaction, after all changes that belong together.
///
/// The order of requests is described in `docs/decisions/0008-scheduling.md`: priority classes, and within a class weighted
/// dominant-resource fairness (Ghodsi et al., NSDI 2011); EASY backfill (Lifka, JSSPP 1995) around the reservation of the first
/// request that does not fit.
///
/// Invariants, see `violations`: the allocations on every host sum up to its bookings and never exceed its capacity; no owner
/// both waits and holds; the sums of a tenant are those of its holders.
///
/// Two values are equal if a journal of one could be that of the other: hosts, policies, holders and the order of waiting
/// requests. Known run times and reservations are not compared.
public struct Scheduler: Sendable {
  /// The maximum number of members of a gang.
  public static let maximumMembers = 4_096
  /// The maximum number of hosts.
  public static let maximumHosts = HostIndex.maximumHosts
  /// The highest priority; the lowest is its negative.
  public static let highestPriority = 1_000
  /// The ageing interval: a request that has waited this long counts as one of the next higher priority.
  public static let ageing = Duration.seconds(600)

  struct Waiter: Sendable {
    var request: ResourceRequest
    /// Nanoseconds, see `clock`.
    let arrival: Int64
    var key: QueueKey
    let shape: Int
  }

  struct Holder: Sendable {
    var request: ResourceRequest
    /// The hosts of the members.
    var slots: [Int]
    /// The amounts booked for the members.
    var booked: [Resources]
    var usage = Usage()
    /// Nanoseconds, see `clock`.
    let arrival: Int64
    let sequence: UInt64
    let started: Int64
    /// The priority plus one for each ageing interval that it waited; it determines which requests may preempt it.
    let rank: Int
    /// Whether it was asked to release everything.
    var isDraining = false
    /// The owner of the request it is drained for.
    var claimant: ObjectReference?

    var mayBePreempted: Bool { request.isPreemptible && !isDraining }
  }

  var hosts = HostIndex()
  var policies: [String: TenantPolicy] = [:]
  var fallback: TenantPolicy
  /// The tenants that hold or wait, by name.
  var tenants: [String: Tenant] = [:]
  /// The sum of the weights of these tenants.
  var activeWeight = 0
  var holders: [ObjectReference: Holder] = [:]
  var waiters: [ObjectReference: Waiter] = [:]
  /// The number of waiting requests, by priority.
  var waitingByPriority: [Int: Int] = [:]
  /// The number of preemptible holders, by rank.
  var preemptibleByRank: [Int: Int] = [:]
  var shapes = ShapeTable()
  /// For each group that stays apart, the number of its members by slot.
  var groups: [String: [Int: Int]] = [:]
  /// The reservation of the first request that does not fit.
  var reservation: Reservation?
  /// The claims of requests for which holders are drained, oldest first.
  var claims: [Claim] = []
  var history = RunHistory()
  /// A counter, incremented by every change that may make a request fit.
  var freed: UInt64 = 1
  var nextSequence: UInt64 = 1
  let maximumQueue: Int
  private var origin: ContinuousClock.Instant?

  /// Creates a scheduler without hosts. Until `setTenants` is called, every tenant has weight 1 and no limits.
  /// - Parameter maximumQueue: The maximum number of waiting requests; further ones are rejected.
  public init(maximumQueue: Int = 100_000) {
    self.maximumQueue = maximumQueue
    fallback = TenantPolicy(name: "default", maximumWaiting: maximumQueue)
  }

  /// Returns a time in nanoseconds since the first time passed in; earlier times are negative.
  mutating func clock(_ now: ContinuousClock.Instant) -> Int64 {
    if origin == nil { origin = now }
    return time(now)
  }

  /// Returns the same without setting the origin; 0 if there is none yet.
  func time(_ now: ContinuousClock.Instant) -> Int64 { origin?.duration(to: now).wholeNanoseconds ?? 0 }

  // MARK: - Hosts

  /// Adds a host, brings it back, or changes its capacity or labels.
  /// - Throws: `SchedulingError` if the capacity is less than what is held there, or if there are too many hosts.
  public mutating func setHost(
    _ name: String, capacity: Resources, labels: [String: String] = [:]
  ) throws(SchedulingError) {
    guard capacity.isPlausible else {
      throw SchedulingError(
        .invalid,
        "The capacity of host \(name) is out of range: amounts must be between 0 and \(Resources.largestAmount).")
    }
    if let slot = hosts.slot(of: name) {
      let used = hosts[slot].used
      guard used.fits(in: capacity) else {
        throw SchedulingError(
          .hostInUse,
          "The new capacity of host \(name), \(capacity.sentence), is less than what is in use there, \(used.sentence); "
            + "stop what runs there first."
        )
      }
      // Reservations and claims on this host may no longer hold.
      if hosts[slot].capacity != capacity || hosts[slot].labels != labels { dropPlans(on: slot) }
    } else if hosts.count >= HostIndex.maximumHosts {
      throw SchedulingError(
        .invalid, "Host \(name) cannot be added: there are \(hosts.count) hosts, which is the limit.")
    }
    hosts.set(name, capacity: capacity, labels: labels)
    freed += 1
  }

  /// Removes a host that was lost or taken out of service.
  /// - Returns: The owners that still hold something there, in the order of names. The host is forgotten once they have released
  ///   it.
  public mutating func removeHost(_ name: String) -> [ObjectReference] {
    guard let slot = hosts.slot(of: name) else { return [] }
    dropPlans(on: slot)
    let holders = hosts[slot].holders.sorted()
    hosts.remove(slot)
    return holders
  }

  /// Drops reservations and claims that need a host that changed.
  private mutating func dropPlans(on slot: Int) {
    if let reservation, reservation.slots.contains(slot) { dropReservation() }
    for claim in claims where claim.slots.contains(slot) { drop(claim) }
  }

  // MARK: - Requests

  /// Whether a request of this owner is waiting.
  public func isWaiting(_ owner: ObjectReference) -> Bool { waiters[owner] != nil }

  /// Submits a request for all its members at once; it waits until `schedule` grants it.
  /// - Throws: `SchedulingError` if the owner already holds or waits, the request could never be granted, or too many requests
  ///   wait.
  public mutating func submit(
    _ request: ResourceRequest, at now: ContinuousClock.Instant
  ) throws(SchedulingError) {
    try validate(request)
    let shape = Shape(request)
    try checkPossible(request, shape)
    let policy = policy(of: request.tenant)
    try checkQuotaWhenEmpty(request, policy)
    let waiting = tenants[request.tenant]?.queue.count ?? 0
    guard waiting < policy.maximumWaiting || (waiting == 0 && startsAtOnce(request, at: now)) else {
      throw SchedulingError(
        .tenantQueueFull,
        "\(waiting) requests of tenant \(request.tenant) are waiting for resources, which is the limit; try again when "
          + "some have been granted, or withdraw one."
      )
    }
    guard waiters.count < maximumQueue else {
      throw SchedulingError(
        .queueFull, "\(waiters.count) requests are waiting for resources, which is the limit; try again later.")
    }
    let time = clock(now)
    nextSequence += 1
    enqueue(request, arrival: time, sequence: nextSequence)
  }

  /// Whether a request can start without waiting, and so does not count towards the limits of waiting requests.
  private func startsAtOnce(_ request: ResourceRequest, at now: ContinuousClock.Instant) -> Bool {
    if let tenant = tenants[request.tenant] {
      let total = request.members.reduce(Resources.zero) { $0 + $1.resources }
      guard tenant.policy.quota.exceeded(by: total, sessions: request.sessions, beyond: tenant).isEmpty else {
        return false
      }
    }
    var trial = self
    let time = trial.clock(now)
    trial.nextSequence += 1
    trial.enqueue(request, arrival: time, sequence: trial.nextSequence)
    return trial.schedule(at: now).contains { decision in
      if case .grant(let allocation) = decision { allocation.owner == request.owner } else { false }
    }
  }

  /// Withdraws a waiting request; does nothing if there is none. Holders that are being drained for it continue to drain.
  public mutating func withdraw(_ owner: ObjectReference) {
    guard waiters[owner] != nil else { return }
    forgetPlans(of: owner)
    dequeue(owner)
  }

  /// Releases everything that an owner holds.
  /// - Throws: `SchedulingError` if the owner holds nothing.
  public mutating func release(_ owner: ObjectReference, at now: ContinuousClock.Instant) throws(SchedulingError) {
    let time = clock(now)
    guard let holder = holders[owner] else { throw .nothingHeld(owner) }
    giveBack(owner)
    // A drained holder does not tell how long it would have run.
    if !holder.isDraining { history.record(max(0, time - holder.started), of: holder.request) }
  }

  /// Releases everything that a drained holder holds, and queues it again at its old position in its tenant's order.
  /// - Throws: `SchedulingError` if the owner holds nothing.
  public mutating func requeue(_ owner: ObjectReference, at now: ContinuousClock.Instant) throws(SchedulingError) {
    _ = clock(now)
    guard let holder = holders[owner] else { throw .nothingHeld(owner) }
    giveBack(owner)
    enqueue(holder.request, arrival: holder.arrival, sequence: holder.sequence)
  }

  // MARK: - Queue

  mutating func enqueue(_ request: ResourceRequest, arrival: Int64, sequence: UInt64) {
    let owner = request.owner
    let shape = shapes.add(Shape(request))
    let priority = priority(of: request)
    let key = Self.key(arrival: arrival, priority: priority, sequence: sequence)
    waiters[owner] = Waiter(request: request, arrival: arrival, key: key, shape: shape)
    waitingByPriority[priority, default: 0] += 1
    changeTenant(request.tenant) { $0.queue.insert(owner, key: key, shape: shape) }
  }

  mutating func dequeue(_ owner: ObjectReference) {
    guard let waiter = waiters.removeValue(forKey: owner) else { return }
    shapes.remove(waiter.shape)
    countWaiting(-1, priority: priority(of: waiter.request))
    changeTenant(waiter.request.tenant) { $0.queue.remove(key: waiter.key, shape: waiter.shape) }
  }

  mutating func countWaiting(_ change: Int, priority: Int) {
    waitingByPriority[priority, default: 0] += change
    if waitingByPriority[priority] == 0 { waitingByPriority[priority] = nil }
  }

  static func key(arrival: Int64, priority: Int, sequence: UInt64) -> QueueKey {
    QueueKey(due: arrival - Int64(priority) * ageingNanoseconds, sequence: sequence)
  }

  static let ageingNanoseconds = ageing.wholeNanoseconds
}

extension Duration {
  /// The duration in nanoseconds, limited to plus or minus a hundred years.
  var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let bound: Int64 = 3_200_000_000
    return min(max(seconds, -bound), bound) * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}
