import Engines

/// The learning engine inside this process. It does not serve samples yet; opening an instance fails immediately.
public struct EmbeddedLearningEngine: LearningEngine {
  /// The graphs of the session, entered by the analytical engine.
  public let graphs: GraphCatalogue

  /// Creates an engine without instances, for the graphs of a catalogue.
  public init(graphs: GraphCatalogue) { self.graphs = graphs }

  /// Always fails.
  /// - Throws: `EngineError.unimplemented`.
  public func open(_ request: LearningInstanceRequest) async throws -> LearningInstance {
    throw EngineError(
      .unimplemented, "graph learning is not available on the embedded engine",
      hint: "Available are session.g(), project(), and the algorithms listed in the README. GraphScope's own engines "
        + "support learning: gscoordinator --engine graphscope")
  }

  /// Does nothing: no servers run.
  public func close(objectID: Int64) async throws {}

  /// Does nothing: no servers run.
  public func closeAll() async {}
}
