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
}

/// What a session's engines are made of.
public struct EngineRequest: Sendable {
  /// The session's id.
  public var session: String
  /// A directory of the session's own, which may hold what engines of an earlier process left there.
  public var workspace: String
  /// The host of each worker, as the scheduler placed them; one or more.
  public var hosts: [String]
  /// What the engines' memory and files count for.
  public var storage: any StorageAccount
  /// Starts the processes of engines that consist of some.
  public var children: any ChildLauncher

  /// A request for as many workers as there are hosts.
  public init(
    session: String, workspace: String, hosts: [String] = ["localhost"],
    storage: any StorageAccount = UnboundedStorage(), children: any ChildLauncher = NoChildren()
  ) {
    self.session = session
    self.workspace = workspace
    self.hosts = hosts
    self.storage = storage
    self.children = children
  }
}
