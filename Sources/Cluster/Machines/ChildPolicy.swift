extension ChildLifecycle {
  /// When exited children are started again, and how long things may take.
  public struct Policy: Sendable, Equatable {
    /// Which exits are answered with a new start.
    public enum Restart: String, Sendable, CaseIterable, Codable { case never, onFailure, always }

    /// Which exits are answered with a new start.
    public var restart: Restart
    /// The pause after the first exit.
    public var initialBackOff: Duration
    /// By how much each exit within the crash-loop window prolongs the pause; less than 1 counts as 1.
    public var backOffFactor: Double
    /// The longest pause.
    public var maximumBackOff: Duration
    /// So many exits within the window are a crash loop; less than 1 counts as 1.
    public var crashLoopExits: Int
    /// How long an exit is remembered. It must exceed the pauses between `crashLoopExits` exits to have an effect.
    public var crashLoopWindow: Duration
    /// How long a spawned or adopted child may take to become ready.
    public var readinessDeadline: Duration
    /// How long TERM may take before KILL.
    public var termGrace: Duration
    /// So many failed probes in a row only make it unresponsive; the next one ends it.
    public var probeFailuresTolerated: Int

    /// A policy; the defaults suit a server.
    public init(
      restart: Restart = .onFailure, initialBackOff: Duration = .seconds(1), backOffFactor: Double = 2,
      maximumBackOff: Duration = .seconds(60), crashLoopExits: Int = 5, crashLoopWindow: Duration = .seconds(600),
      readinessDeadline: Duration = .seconds(60), termGrace: Duration = .seconds(10), probeFailuresTolerated: Int = 3
    ) {
      self.restart = restart
      self.initialBackOff = initialBackOff
      self.backOffFactor = backOffFactor
      self.maximumBackOff = maximumBackOff
      self.crashLoopExits = crashLoopExits
      self.crashLoopWindow = crashLoopWindow
      self.readinessDeadline = readinessDeadline
      self.termGrace = termGrace
      self.probeFailuresTolerated = probeFailuresTolerated
    }

    /// The pause after the `exits`-th exit that is remembered, from 1.
    public func backOff(exits: Int) -> Duration {
      let factor = max(1, backOffFactor)
      var pause = min(initialBackOff, maximumBackOff)
      var further = exits - 1
      while further > 0, factor > 1, pause > .zero, pause < maximumBackOff {
        pause = pause > maximumBackOff / factor ? maximumBackOff : pause * factor
        further -= 1
      }
      return pause
    }
  }
}
