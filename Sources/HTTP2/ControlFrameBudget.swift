/// A token bucket for frames that cost us work but carry nothing.
///
/// Each such frame takes a token. Tokens come back with time, and one with every frame that carries payload in either
/// direction, so that a peer which measures a busy connection by PING (as gRPC's C core does to estimate the
/// bandwidth-delay product) never runs out, while an idle flood does within milliseconds.
struct ControlFrameBudget {
  private let burst: Int
  private let perSecond: Int
  private var tokens: Int
  private var refilledAt: UInt64 = 0

  init(burst: Int, perSecond: Int) {
    self.burst = burst
    self.perSecond = perSecond
    tokens = burst
  }

  /// A frame with payload passed: one token comes back.
  mutating func earn() {
    if tokens < burst { tokens += 1 }
  }

  /// Takes a token at the time `now`, in nanoseconds of any monotonic clock. False: the bucket is empty.
  mutating func spend(now: UInt64) -> Bool {
    if tokens == 0 { refill(now: now) }
    guard tokens > 0 else { return false }
    if tokens == burst { refilledAt = now }
    tokens -= 1
    return true
  }

  private mutating func refill(now: UInt64) {
    guard now > refilledAt else { return }
    let elapsed = min(now - refilledAt, 3_600_000_000_000)
    let earned = elapsed / 1_000_000 * UInt64(perSecond) / 1_000
    guard earned > 0 else { return }
    tokens = min(burst, tokens + Int(earned))
    refilledAt = now
  }
}
