/// A token bucket that limits frames that cost work but carry no payload.
///
/// Each such frame takes a token. Tokens are refilled over time, and by one with every frame that carries payload in either
/// direction. A peer that measures a busy connection by PING (as gRPC's C core does to estimate the bandwidth-delay product)
/// therefore never runs out, while a flood on an idle connection does within milliseconds.
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

  /// Returns one token, for a frame with payload.
  mutating func earn() {
    if tokens < burst { tokens += 1 }
  }

  /// Takes a token, or more for a frame that costs more work, at the time `now`, in nanoseconds of a monotonic clock. Returns false
  /// if the bucket is empty. The last frame may take more than there is; the debt is repaid first.
  mutating func spend(_ cost: Int = 1, now: UInt64) -> Bool {
    if tokens <= 0 { refill(now: now) }
    guard tokens > 0 else { return false }
    if tokens == burst { refilledAt = now }
    tokens -= cost
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
