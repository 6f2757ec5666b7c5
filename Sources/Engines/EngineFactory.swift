/// The engines of one session, one of each kind.
public struct SessionEngines: Sendable {
  /// Runs graph analytics.
  public var analytical: any AnalyticalEngine
  /// Answers queries.
  public var queries: any QueryEngine
  /// Serves samples.
  public var learning: any LearningEngine

  /// Groups the engines of a session.
  public init(analytical: any AnalyticalEngine, queries: any QueryEngine, learning: any LearningEngine) {
    self.analytical = analytical
    self.queries = queries
    self.learning = learning
  }
}

/// Chooses and starts the engines of each session.
public protocol EngineFactory: Sendable {
  /// Makes engines whose files live in `workspace`, a directory of the session's own.
  /// - Throws: `EngineError` when they cannot be started.
  func makeEngines(workspace: String) async throws -> SessionEngines
}
