/// The kinds of instances.
public enum InstanceKind: String, Sendable, CaseIterable, Codable {
  /// Loads graphs and runs algorithms on them.
  case analytical
  /// Answers Gremlin and Cypher queries on one graph.
  case interactive
  /// Samples one graph for training.
  case learning
}

extension InstanceLifecycle {
  /// The time limits of the phases of an instance.
  public struct Timeouts: Sendable, Equatable, Codable {
    /// From the grant until everything is prepared for the start.
    public var allocation: Duration
    /// From the start until ready.
    public var start: Duration
    /// From the request to stop until running work is cancelled.
    public var drain: Duration
    /// From `stop`, and from each `kill`, until the next `kill`.
    public var stop: Duration
    /// After a restart of the coordinator, until an instance that was not found is given up.
    public var recovery: Duration

    /// Creates time limits; the defaults suit engines on hosts and on Kubernetes.
    public init(
      allocation: Duration = .seconds(120), start: Duration = .seconds(300), drain: Duration = .seconds(30),
      stop: Duration = .seconds(30), recovery: Duration = .seconds(60)
    ) {
      self.allocation = allocation
      self.start = start
      self.drain = drain
      self.stop = stop
      self.recovery = recovery
    }
  }

  /// An event of an instance, named after the method that handles it.
  public enum Event: String, Sendable, CaseIterable, Codable {
    case admit, granted, allocated, becameReady, impaired, broke, drained, ended, restarts, gaveWay, stop, tick
  }

  /// Handles an event.
  public mutating func handle(_ event: Event, at now: ContinuousClock.Instant) -> Action {
    switch event {
    case .admit: admit()
    case .granted: granted(at: now)
    case .allocated: allocated(at: now)
    case .becameReady: becameReady()
    case .impaired: impaired()
    case .broke: broke(at: now)
    case .drained: drained(at: now)
    case .ended: ended()
    case .restarts: restarts(at: now)
    case .gaveWay: gaveWay()
    case .stop: stop(at: now)
    case .tick: tick(at: now)
    }
  }

  /// The journaled state of an instance.
  public struct Record: Sendable, Equatable, Codable {
    /// The phase.
    public var phase: Phase
    /// Whether it is ending, or has ended, because of a failure.
    public var isFailure: Bool

    /// Creates a record.
    public init(phase: Phase, isFailure: Bool) {
      self.phase = phase
      self.isFailure = isFailure
    }
  }
}

extension InstanceLifecycle.Phase {
  /// Whether it holds resources: from the grant until all of it has ended.
  public var holdsResources: Bool {
    switch self {
    case .allocating, .starting, .ready, .degraded, .draining, .stopping, .recovering: true
    case .requested, .queued, .stopped, .failed: false
    }
  }

  /// Whether it accepts new work.
  public var serves: Bool { self == .ready || self == .degraded }

  /// Whether it has ended.
  public var isFinal: Bool { self == .stopped || self == .failed }

  /// Whether it is ending or has ended: the phases that are legal while its session is closing.
  public var isEnding: Bool { isFinal || self == .draining || self == .stopping }
}
