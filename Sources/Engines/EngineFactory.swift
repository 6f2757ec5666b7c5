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

  /// Whether engines of this size run within this process. Those can be suspended and found again, so that their session
  /// may give way to others.
  func isEmbedded(_ size: EngineSize) -> Bool

  /// What a client is told about engines that wait for resources.
  func plannedDescription(_ size: EngineSize) -> EngineDescription

  /// Begins what is done ahead of sessions. Called once, when the coordinator begins to serve.
  /// - Parameter launcher: starts processes whose names begin with the name that it is given.
  func begin(_ launcher: @escaping @Sendable (_ name: String) -> any ChildLauncher)

  /// Ends what was begun.
  func end() async
}

extension EngineFactory {
  /// They do.
  public func isEmbedded(_ size: EngineSize) -> Bool { true }

  /// Nothing is done ahead.
  public func begin(_ launcher: @escaping @Sendable (_ name: String) -> any ChildLauncher) {}

  /// Nothing was begun.
  public func end() async {}

  /// One engine on this host.
  public func plannedDescription(_ size: EngineSize) -> EngineDescription {
    EngineDescription(hosts: ["localhost"], workerCount: isEmbedded(size) ? 1 : size.hosts.count)
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
  /// Bytes of memory that were asked for, for all of them together; 0 when nothing was said.
  public var memoryBytes: Int64

  /// A size.
  public init(hosts: [String], cpuMillicores: Int = 0, memoryBytes: Int64 = 0) {
    self.hosts = hosts
    self.memoryBytes = memoryBytes
    self.cpuMillicores = cpuMillicores
  }
}
