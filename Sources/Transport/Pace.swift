import NIOCore

/// Checks whether an amount grows fast enough. A pure value; the time is a parameter.
public struct Pace: Sendable {
  private var since: NIODeadline?
  private var start = 0

  /// Creates a pace that is at rest.
  public init() {}

  /// Checks an amount that only grows. Returns true if it has grown by less than `least` within `window`. The first check starts
  /// a window, as does the first check after a window with enough growth.
  public mutating func isTooSlow(_ amount: Int, at now: NIODeadline, window: TimeAmount, least: Int) -> Bool {
    guard let since else {
      begin(amount, now)
      return false
    }
    guard now - since >= window else { return false }
    if amount - start < least { return true }
    begin(amount, now)
    return false
  }

  private mutating func begin(_ amount: Int, _ now: NIODeadline) {
    since = now
    start = amount
  }

  /// Stops measuring until the next check.
  public mutating func rest() { since = nil }
}

extension TimeAmount {
  /// Returns the number of bytes transferred in this time at a rate per second, at least one.
  public func bytes(at perSecond: Int) -> Int { max(1, Int(nanoseconds / 1_000_000) * perSecond / 1_000) }
}
