extension ChildLifecycle {
  /// When an exited child is restarted, and the time limits of each phase.
  public struct Policy: Sendable, Equatable {
    /// The exits after which a child is restarted.
    public enum Restart: String, Sendable, CaseIterable, Codable { case never, onFailure, always }

    /// The exits after which the child is restarted.
    public var restart: Restart
    /// The pause before the restart after the first exit.
    public var initialBackOff: Duration
    /// The factor by which each further exit within the crash-loop window prolongs the pause; values below 1 count as 1.
    public var backOffFactor: Double
    /// The maximum pause.
    public var maximumBackOff: Duration
    /// The number of exits within the window that make a crash loop; values below 1 count as 1.
    public var crashLoopExits: Int
    /// How long an exit counts. To have an effect, it must exceed the pauses between `crashLoopExits` exits.
    public var crashLoopWindow: Duration
    /// The time a spawned or adopted child has to become ready.
    public var readinessDeadline: Duration
    /// The time between TERM and KILL.
    public var termGrace: Duration
    /// The number of consecutive failed probes that only make the child unresponsive; the next failure ends it.
    public var probeFailuresTolerated: Int

    /// Creates a policy; the defaults suit a server.
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

    /// Returns the pause after the given number of remembered exits, counted from 1.
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
