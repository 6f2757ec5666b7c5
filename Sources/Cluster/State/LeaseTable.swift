/// Which leases live and when they run out: a pure value, told the time.
///
/// | lease   | `grant` | `renew`, in time | `renew`, late | `takeDue`, time over | `end`  |
/// |---------|---------|------------------|---------------|----------------------|--------|
/// | unknown | → alive | refused          | refused       | –                    | –      |
/// | alive   | –       | deadline moves   | refused       | → dying              | → dying |
/// | dying   | –       | refused          | refused       | –                    | –      |
///
/// A dying lease's keys are being deleted; `forget` ends that. Nothing leads back from dying: a lease never comes back.
struct LeaseTable {
  private struct Alive {
    var timeToLive: Duration
    var deadline: ContinuousClock.Instant
  }

  private var alive: [Int64: Alive] = [:]
  private var dying: Set<Int64> = []

  /// Leases that live or are dying.
  var count: Int { alive.count + dying.count }

  /// When the next lease runs out; nil when none lives.
  var nextDeadline: ContinuousClock.Instant? { alive.values.map(\.deadline).min() }

  /// A lease begins. One that is known stays as it is.
  mutating func grant(_ lease: StateLease, at now: ContinuousClock.Instant) {
    guard alive[lease.id] == nil, !dying.contains(lease.id) else { return }
    alive[lease.id] = Alive(timeToLive: lease.timeToLive, deadline: now.advanced(by: lease.timeToLive))
  }

  /// Prolongs a lease.
  /// - Returns: false when it is over or unknown.
  mutating func renew(_ id: Int64, at now: ContinuousClock.Instant) -> Bool {
    guard let lease = alive[id], lease.deadline > now else { return false }
    alive[id]?.deadline = now.advanced(by: lease.timeToLive)
    return true
  }

  /// How long a lease that lives lasts without renewal; nil when it is over or unknown.
  func timeToLive(_ id: Int64, at now: ContinuousClock.Instant) -> Duration? {
    guard let lease = alive[id], lease.deadline > now else { return nil }
    return lease.timeToLive
  }

  /// The leases whose time is over; they are dying from now on.
  mutating func takeDue(at now: ContinuousClock.Instant) -> [Int64] {
    let due = alive.filter { $0.value.deadline <= now }.map(\.key).sorted()
    for id in due { _ = end(id) }
    return due
  }

  /// Ends a lease before its time.
  /// - Returns: false when it is over or unknown.
  mutating func end(_ id: Int64) -> Bool {
    guard alive.removeValue(forKey: id) != nil else { return false }
    dying.insert(id)
    return true
  }

  /// The keys of a dying lease are deleted.
  mutating func forget(_ id: Int64) { dying.remove(id) }
}
