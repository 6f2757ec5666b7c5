/// The leases of a store and when they expire: a pure value that takes the time as an argument.
///
/// | lease   | `grant` | `renew`, in time | `renew`, late | `takeDue`, time over | `end`  |
/// |---------|---------|------------------|---------------|----------------------|--------|
/// | unknown | → alive | refused          | refused       | –                    | –      |
/// | alive   | –       | deadline moves   | refused       | → dying              | → dying |
/// | dying   | –       | refused          | refused       | –                    | –      |
///
/// The keys of a dying lease are being deleted; `forget` removes it when that is done. An ended lease never comes back.
struct LeaseTable {
  private struct Alive {
    var timeToLive: Duration
    var deadline: ContinuousClock.Instant
  }

  private var alive: [Int64: Alive] = [:]
  private var dying: Set<Int64> = []

  /// The number of leases that are alive or dying.
  var count: Int { alive.count + dying.count }

  /// When the next lease expires; nil if none is alive.
  var nextDeadline: ContinuousClock.Instant? { alive.values.map(\.deadline).min() }

  /// Starts a lease; leaves a known lease unchanged.
  mutating func grant(_ lease: StateLease, at now: ContinuousClock.Instant) {
    guard alive[lease.id] == nil, !dying.contains(lease.id) else { return }
    alive[lease.id] = Alive(timeToLive: lease.timeToLive, deadline: now.advanced(by: lease.timeToLive))
  }

  /// Renews a lease.
  /// - Returns: False if it has ended or is unknown.
  mutating func renew(_ id: Int64, at now: ContinuousClock.Instant) -> Bool {
    guard let lease = alive[id], lease.deadline > now else { return false }
    alive[id]?.deadline = now.advanced(by: lease.timeToLive)
    return true
  }

  /// Returns the time to live of a live lease; nil if it has ended or is unknown.
  func timeToLive(_ id: Int64, at now: ContinuousClock.Instant) -> Duration? {
    guard let lease = alive[id], lease.deadline > now else { return nil }
    return lease.timeToLive
  }

  /// Returns the expired leases, which are dying from now on.
  mutating func takeDue(at now: ContinuousClock.Instant) -> [Int64] {
    let due = alive.filter { $0.value.deadline <= now }.map(\.key).sorted()
    for id in due { _ = end(id) }
    return due
  }

  /// Ends a lease early.
  /// - Returns: False if it has already ended or is unknown.
  mutating func end(_ id: Int64) -> Bool {
    guard alive.removeValue(forKey: id) != nil else { return false }
    dying.insert(id)
    return true
  }

  /// Removes a dying lease whose keys were deleted.
  mutating func forget(_ id: Int64) { dying.remove(id) }
}
