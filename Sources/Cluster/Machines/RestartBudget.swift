/// How often something that died is started again before it is given up. A pure value.
///
/// Starts within the window are remembered. The first one is at once, each further one after a longer pause, and when the
/// bound is reached there is none.
public struct RestartBudget: Sendable, Equatable {
  /// How long a start is remembered.
  public static let window = Duration.seconds(600)
  /// The most starts within the window.
  public static let maximumStarts = 5
  private static let pauses = ChildLifecycle.Policy(initialBackOff: .seconds(1), maximumBackOff: .seconds(60))

  private var starts: [ContinuousClock.Instant] = []

  /// Nothing was started again yet.
  public init() {}

  /// Something died, or could not be started: it is to be started again.
  /// - Returns: the pause before that; nil when it is given up.
  public mutating func next(at now: ContinuousClock.Instant) -> Duration? {
    starts.removeAll { $0.advanced(by: Self.window) <= now }
    guard starts.count < Self.maximumStarts else { return nil }
    let pause = starts.isEmpty ? .zero : Self.pauses.backOff(exits: starts.count)
    starts.append(now)
    return pause
  }
}
