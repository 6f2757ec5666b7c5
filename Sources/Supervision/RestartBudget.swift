/// Limits how often something that died is restarted. A pure value.
///
/// Counts the restarts within the window. The first one happens at once, each further one after a longer pause, and none once the
/// maximum is reached.
public struct RestartBudget: Sendable, Equatable {
  /// How long a restart counts.
  public static let window = Duration.seconds(600)
  /// The maximum number of restarts within the window.
  public static let maximumStarts = 5
  private static let pauses = ChildLifecycle.Policy(initialBackOff: .seconds(1), maximumBackOff: .seconds(60))

  private var starts: [ContinuousClock.Instant] = []

  /// Creates a budget without restarts.
  public init() {}

  /// Requests a restart after something died or could not be started.
  /// - Returns: The pause before the restart; nil if the budget is exhausted.
  public mutating func next(at now: ContinuousClock.Instant) -> Duration? {
    starts.removeAll { $0.advanced(by: Self.window) <= now }
    guard starts.count < Self.maximumStarts else { return nil }
    let pause = starts.isEmpty ? .zero : Self.pauses.backOff(exits: starts.count)
    starts.append(now)
    return pause
  }
}
