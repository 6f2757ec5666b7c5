/// The delays before a client reconnects after failures to connect: none after a single failure, then growing exponentially. Each
/// delay is varied randomly so that many clients do not reconnect at the same time (gRPC, "Connection Backoff Protocol").
public struct ConnectionBackoff: Sendable, Equatable {
  /// The delay after the second consecutive failure.
  public var first = Duration.milliseconds(100)
  /// The maximum delay.
  public var longest = Duration.seconds(30)
  /// The ratio of each delay to the previous one.
  public var factor = 1.6
  /// The fraction by which a delay is randomly lengthened or shortened.
  public var jitter = 0.2

  /// Creates the default delays.
  public init() {}

  /// Returns the delay after this many consecutive failures, at least one; `chance` ranges from -1 to 1.
  func delay(failures: Int, chance: Double = .random(in: -1...1)) -> Duration {
    guard failures > 1 else { return .zero }
    var delay = first
    for _ in 2..<failures where delay < longest { delay = delay * factor }
    return min(delay, longest) * (1 + jitter * chance)
  }
}
