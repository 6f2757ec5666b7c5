import Workers

/// The engines of one session, one of each kind.
public struct SessionEngines: Sendable {
  /// Runs graph analytics.
  public var analytical: any AnalyticalEngine
  /// Answers Gremlin and Cypher queries.
  public var queries: any QueryEngine
  /// Serves samples to learning clients.
  public var learning: any LearningEngine
  /// Which engines were chosen and why, for operators; nil if there was no choice.
  public var choice: Choice?

  /// Which engines a session received, and why.
  public struct Choice: Sendable, Equatable {
    /// The name of the engines in the configuration.
    public var engine: String
    /// Why these were chosen, as text.
    public var reason: String

    /// Creates a choice.
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
  /// Creates the engines of a session.
  /// - Throws: `EngineError` when they cannot be started.
  func makeEngines(_ request: EngineRequest) async throws -> SessionEngines

  /// Whether engines of this size run inside this process. Such engines can be suspended and recovered, so their session may be
  /// preempted.
  func isEmbedded(_ size: EngineSize) -> Bool

  /// The description that a client receives while its engines wait for resources.
  func plannedDescription(_ size: EngineSize) -> EngineDescription

  /// Begins the work that is done ahead of sessions. Called once, when the coordinator begins to serve.
  /// - Parameter launcher: Returns a launcher of processes whose names begin with the given name.
  func begin(_ launcher: @escaping @Sendable (_ name: String) -> any ChildLauncher)

  /// Ends the work that `begin` started.
  func end() async
}

extension EngineFactory {
  /// Returns true.
  public func isEmbedded(_ size: EngineSize) -> Bool { true }

  /// Does nothing: no work is done ahead.
  public func begin(_ launcher: @escaping @Sendable (_ name: String) -> any ChildLauncher) {}

  /// Does nothing: no work was begun.
  public func end() async {}

  /// Returns the description of one engine on this host.
  public func plannedDescription(_ size: EngineSize) -> EngineDescription {
    EngineDescription(hosts: ["localhost"], workerCount: isEmbedded(size) ? 1 : size.hosts.count)
  }
}

/// The parameters for creating the engines of a session.
public struct EngineRequest: Sendable {
  /// The session's id.
  public var session: String
  /// A directory of the session's own, which may contain files of engines of an earlier process.
  public var workspace: String
  /// The size that the scheduler granted.
  public var size: EngineSize
  /// The account that the engines' memory and files are charged to.
  public var storage: any StorageAccount
  /// Starts the processes of engines that consist of processes.
  public var children: any ChildLauncher
  /// Controls what the session may access beyond its directory.
  public var places: any Places

  /// Creates a request.
  public init(
    session: String, workspace: String, size: EngineSize = EngineSize(hosts: ["localhost"]),
    storage: any StorageAccount = UnboundedStorage(), children: any ChildLauncher = NoChildren(),
    places: any Places = OpenPlaces()
  ) {
    self.session = session
    self.workspace = workspace
    self.size = size
    self.storage = storage
    self.children = children
    self.places = places
  }
}

/// The size of an engine: its workers and the resources that they may use.
public struct EngineSize: Sendable, Equatable {
  /// The host of each worker; one or more.
  public var hosts: [String]
  /// Thousandths of a processor core for all workers together; 0 for a share of the idle cores.
  public var cpuMillicores: Int
  /// Requested bytes of memory for all workers together; 0 if none were requested.
  public var memoryBytes: Int64
  /// The number of threads that an engine inside this process may use: the cores, rounded up; nil for any number, when no cores
  /// are granted.
  public var threads: Int? { cpuMillicores > 0 ? (cpuMillicores + 999) / 1000 : nil }

  /// Creates a size.
  public init(hosts: [String], cpuMillicores: Int = 0, memoryBytes: Int64 = 0) {
    self.hosts = hosts
    self.memoryBytes = memoryBytes
    self.cpuMillicores = cpuMillicores
  }
}
