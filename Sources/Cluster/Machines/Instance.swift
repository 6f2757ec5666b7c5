/// What an instance does.
public enum InstanceKind: String, Sendable, CaseIterable, Codable {
  /// Loads graphs and runs algorithms on them.
  case analytical
  /// Answers Gremlin and Cypher queries on one graph.
  case interactive
  /// Samples one graph for training.
  case learning
}

extension InstanceLifecycle {
  /// How long things may take.
  public struct Timeouts: Sendable, Equatable {
    /// From the grant until everything for a start is prepared.
    public var allocation: Duration
    /// From the start until ready.
    public var start: Duration
    /// From the wish to stop until running work is cut off.
    public var drain: Duration
    /// From `stop`, and from each `kill`, until the next `kill`.
    public var stop: Duration
    /// After a coordinator's restart, until what was not found is given up.
    public var recovery: Duration

    /// The defaults suit engines on hosts and on Kubernetes.
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

  /// What a journal keeps of an instance.
  public struct Record: Sendable, Equatable, Codable {
    /// Where it stood.
    public var phase: Phase
    /// Whether it ends, or ended, because of a failure.
    public var isFailure: Bool

    /// A record.
    public init(phase: Phase, isFailure: Bool) {
      self.phase = phase
      self.isFailure = isFailure
    }
  }
}

extension InstanceLifecycle.Phase {
  /// Whether it holds resources: from the grant until everything of it has ended.
  public var holdsResources: Bool {
    switch self {
    case .allocating, .starting, .ready, .degraded, .draining, .stopping, .recovering: true
    case .requested, .queued, .stopped, .failed: false
    }
  }

  /// Whether new work may be sent to it.
  public var serves: Bool { self == .ready || self == .degraded }

  /// Whether it is over.
  public var isFinal: Bool { self == .stopped || self == .failed }

  /// Whether it is on its way to the end or there: what may exist while its session is closing.
  public var isEnding: Bool { isFinal || self == .draining || self == .stopping }
}
