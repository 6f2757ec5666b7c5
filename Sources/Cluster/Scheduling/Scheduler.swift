/// Who gets which part of which host, and when, as a pure value: tenants with quotas and weights, gangs, placement,
/// priorities, preemption and backfill. Time comes in, decisions come out.
///
/// | event        | effect                                                                                    |
/// |--------------|-------------------------------------------------------------------------------------------|
/// | `setHost`    | the host is there, with that capacity and those labels                                    |
/// | `removeHost` | nothing is placed there any more; what is held there stays held until it is released      |
/// | `setTenants` | other quotas, weights and priorities hold, for those that wait and hold as well            |
/// | `submit`     | queued; refused when it could never be granted                                             |
/// | `withdraw`   | leaves the queue                                                                           |
/// | `release`    | given back, whole                                                                          |
/// | `requeue`    | given back, whole, and queued at its old place                                              |
/// | `setUsage`   | what a holder uses is booked, when quota and host allow it                                  |
/// | `resize`     | a holder's gang grows or shrinks                                                            |
/// | `schedule`   | grants, and names whom to drain for the sake of others                                      |
/// | `restore`    | what a journal says was granted, or waited, is so again                                     |
///
/// Only `schedule` grants. It is called last in a transaction, when all changes that belong together are made.
///
/// Who goes first, see `docs/decisions/0008-scheduling.md`: classes of priority, and within a class weighted
/// dominant-resource fairness (Ghodsi et al., NSDI 2011); EASY backfill (Lifka, JSSPP 1995) around the reservation of
/// the first that does not fit.
///
/// Invariants, see `violations`: on every host the allocations sum up to what is booked and never exceed the capacity;
/// nobody both waits and holds; a tenant's sums are those of its holders.
///
/// Values are equal when a journal of one could be that of the other: hosts, policies, holders and the order of those
/// that wait. What was learned of run times, and reservations, is not compared.
public struct Scheduler: Sendable {
  /// The most members of a gang.
  public static let maximumMembers = 4_096
  /// The most hosts.
  public static let maximumHosts = HostIndex.maximumHosts
  /// Priorities lie between its negative and itself.
  public static let highestPriority = 1_000
  /// A request that waited so long counts as one of the next higher priority.
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
    /// The members' hosts.
    var slots: [Int]
    /// What is booked for the members.
    var booked: [Resources]
    var usage = Usage()
    /// Nanoseconds, see `clock`.
    let arrival: Int64
    let sequence: UInt64
    let started: Int64
    /// Its priority, plus one for each ageing interval that it waited: who may displace it.
    let rank: Int
    /// Whether it was asked to give everything back.
    var isDraining = false
    /// For whose sake.
    var claimant: String?

    var mayBePreempted: Bool { request.isPreemptible && !isDraining }
  }

  var hosts = HostIndex()
  var policies: [String: TenantPolicy] = [:]
  var fallback: TenantPolicy
  /// Those that hold or wait.
  var tenants: [String: Tenant] = [:]
  /// The sum of their weights.
  var activeWeight = 0
  var holders: [String: Holder] = [:]
  var waiters: [String: Waiter] = [:]
  /// Requests that wait, by priority.
  var waitingByPriority: [Int: Int] = [:]
  /// Holders that may be preempted, by rank.
  var preemptibleByRank: [Int: Int] = [:]
  var shapes = ShapeTable()
  /// Members on hosts, by slot, of each group that stays apart.
  var groups: [String: [Int: Int]] = [:]
  /// The first that does not fit.
  var reservation: Reservation?
  /// Those for which others are drained, in the order in which that was decided.
  var claims: [Claim] = []
  var history = RunHistory()
  /// Counts whatever may make something fit.
  var freed: UInt64 = 1
  var nextSequence: UInt64 = 1
  let maximumQueue: Int
  private var origin: ContinuousClock.Instant?

  /// A scheduler without hosts. Until `setTenants` says otherwise every tenant has weight 1 and no bounds.
  /// - Parameter maximumQueue: the most requests that wait; later ones are refused.
  public init(maximumQueue: Int = 100_000) {
    self.maximumQueue = maximumQueue
    fallback = TenantPolicy(name: "default", maximumWaiting: maximumQueue)
  }

  /// Nanoseconds since the first time that was mentioned; earlier times are negative.
  mutating func clock(_ now: ContinuousClock.Instant) -> Int64 {
    if origin == nil { origin = now }
    return time(now)
  }

  /// The same for looking; 0 before anything happened.
  func time(_ now: ContinuousClock.Instant) -> Int64 { origin?.duration(to: now).wholeNanoseconds ?? 0 }

  // MARK: - Hosts

  /// A host appears, returns, or has another capacity or other labels now.
  /// - Throws: `SchedulingError` when the capacity is less than what is held there, or there are too many hosts.
  public mutating func setHost(
    _ name: String, capacity: Resources, labels: [String: String] = [:]
  ) throws(SchedulingError) {
    guard capacity.isPlausible else {
      throw SchedulingError(
        .invalid, "The capacity of host \(name) is not valid: amounts are 0 to \(Resources.largestAmount).")
    }
    if let slot = hosts.slot(of: name) {
      let used = hosts[slot].used
      guard used.fits(in: capacity) else {
        throw SchedulingError(
          .hostInUse,
          "On host \(name) \(used.sentence) are held, more than its new capacity of \(capacity.sentence); stop what runs there first."
        )
      }
      // What was planned there may not hold any more.
      if hosts[slot].capacity != capacity || hosts[slot].labels != labels { dropPlans(on: slot) }
    } else if hosts.count >= HostIndex.maximumHosts {
      throw SchedulingError(
        .invalid, "There are \(hosts.count) hosts, as many as may be; host \(name) is one too many.")
    }
    hosts.set(name, capacity: capacity, labels: labels)
    freed += 1
  }

  /// A host is lost or taken out of service.
  /// - Returns: who still holds something there, in the order of names. The host is forgotten when they released it.
  public mutating func removeHost(_ name: String) -> [String] {
    guard let slot = hosts.slot(of: name) else { return [] }
    dropPlans(on: slot)
    let holders = hosts[slot].holders.sorted()
    hosts.remove(slot)
    return holders
  }

  /// Forgets reservations that need a host which is not what it was.
  private mutating func dropPlans(on slot: Int) {
    if let reservation, reservation.slots.contains(slot) { dropReservation() }
    for claim in claims where claim.slots.contains(slot) { drop(claim) }
  }

  // MARK: - Requests

  /// Asks for all members' amounts at once; the request waits until `schedule` grants it.
  /// - Throws: `SchedulingError` when the owner holds or waits already, the request could never be granted, or too many
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
        "\(waiting) requests of tenant \(request.tenant) wait for resources, as many as may; try again when some of them were granted, or withdraw one."
      )
    }
    guard waiters.count < maximumQueue else {
      throw SchedulingError(
        .queueFull, "\(waiters.count) requests wait for resources, as many as may; try again later.")
    }
    let time = clock(now)
    nextSequence += 1
    enqueue(request, arrival: time, sequence: nextSequence)
  }

  /// Whether a request need not wait at all: then it needs no place among those that may.
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

  /// Takes a waiting request back; no error when there is none. Who is being drained for it goes on draining.
  public mutating func withdraw(_ owner: String) {
    guard waiters[owner] != nil else { return }
    forgetPlans(of: owner)
    dequeue(owner)
  }

  /// Gives everything back that an owner holds.
  /// - Throws: `SchedulingError` when the owner holds nothing: it released twice, or never held anything.
  public mutating func release(_ owner: String, at now: ContinuousClock.Instant) throws(SchedulingError) {
    let time = clock(now)
    guard let holder = holders[owner] else { throw .nothingHeld(owner) }
    giveBack(owner)
    // How long those that were drained would have run is not known.
    if !holder.isDraining { history.record(max(0, time - holder.started), of: holder.request) }
  }

  /// A preempted holder has been drained: it gives everything back and waits again, at its old place in its tenant's
  /// order.
  /// - Throws: `SchedulingError` when the owner holds nothing.
  public mutating func requeue(_ owner: String, at now: ContinuousClock.Instant) throws(SchedulingError) {
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

  mutating func dequeue(_ owner: String) {
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
  /// Nanoseconds; a hundred years, or minus that, for what is longer.
  var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let bound: Int64 = 3_200_000_000
    return min(max(seconds, -bound), bound) * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}
