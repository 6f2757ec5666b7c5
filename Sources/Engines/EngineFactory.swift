import GraphStore

/// The engines of one session, one of each kind.
public struct SessionEngines: Sendable {
  /// Runs graph analytics.
  public var analytical: any AnalyticalEngine
  /// Answers queries.
  public var queries: any QueryEngine
  /// Serves samples.
  public var learning: any LearningEngine
  /// Which engines were chosen and why, for operators; nil where there was no choice.
  public var choice: Choice?

  /// Which engines a session got, and why.
  public struct Choice: Sendable, Equatable {
    /// The name of the engines in the configuration.
    public var engine: String
    /// Why these, in words.
    public var reason: String

    /// A choice.
    public init(engine: String, reason: String) {
      self.engine = engine
      self.reason = reason
    }
  }

  /// Groups the engines of a session.
  public init(analytical: any AnalyticalEngine, queries: any QueryEngine, learning: any LearningEngine) {
    self.analytical = analytical
    self.queries = queries
    self.learning = learning
  }
}

/// Chooses and starts the engines of each session.
public protocol EngineFactory: Sendable {
  /// Makes the engines of a session.
  /// - Throws: `EngineError` when they cannot be started.
  func makeEngines(_ request: EngineRequest) async throws -> SessionEngines

  /// Whether engines of so many workers run within this process. Those can be suspended and found again, so that their
  /// session may give way to others.
  func isEmbedded(workers: Int) -> Bool

  /// What a client is told about engines that wait for resources.
  func plannedDescription(workers: Int) -> EngineDescription
}

extension EngineFactory {
  /// They do.
  public func isEmbedded(workers: Int) -> Bool { true }

  /// One engine on this host.
  public func plannedDescription(workers: Int) -> EngineDescription {
    EngineDescription(hosts: ["localhost"], workerCount: isEmbedded(workers: workers) ? 1 : workers)
  }
}

/// What a session's engines are made of.
public struct EngineRequest: Sendable {
  /// The session's id.
  public var session: String
  /// A directory of the session's own, which may hold what engines of an earlier process left there.
  public var workspace: String
  /// What the scheduler gave them.
  public var size: EngineSize
  /// What the engines' memory and files count for.
  public var storage: any StorageAccount
  /// Starts the processes of engines that consist of some.
  public var children: any ChildLauncher

  /// A request.
  public init(
    session: String, workspace: String, size: EngineSize = EngineSize(hosts: ["localhost"]),
    storage: any StorageAccount = UnboundedStorage(), children: any ChildLauncher = NoChildren()
  ) {
    self.session = session
    self.workspace = workspace
    self.size = size
    self.storage = storage
    self.children = children
  }
}

/// How large an engine is: its workers and what they may use.
public struct EngineSize: Sendable, Equatable {
  /// The host of each worker; one or more.
  public var hosts: [String]
  /// Thousandths of a processor core for all of them together; 0 for a share of what is idle.
  public var cpuMillicores: Int

  /// A size.
  public init(hosts: [String], cpuMillicores: Int = 0) {
    self.hosts = hosts
    self.cpuMillicores = cpuMillicores
  }
}
