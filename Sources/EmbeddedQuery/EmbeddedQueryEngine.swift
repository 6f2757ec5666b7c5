import Engines

/// The query engine inside this process. It does not answer queries yet; opening an instance fails immediately.
public struct EmbeddedQueryEngine: QueryEngine {
  /// The graphs of the session, entered by the analytical engine.
  public let graphs: GraphCatalogue

  /// Creates an engine without instances, for the graphs of a catalogue.
  public init(graphs: GraphCatalogue) { self.graphs = graphs }

  /// Always fails.
  /// - Throws: `EngineError.unimplemented`.
  public func open(_ request: QueryInstanceRequest) async throws -> QueryEndpoints {
    throw EngineError(
      .unimplemented, "interactive queries are not available on the embedded engine",
      hint: "Available are session.g(), project(), and the algorithms listed in the README. GraphScope's own engines "
        + "answer queries: gscoordinator --engine graphscope")
  }

  /// Does nothing: no endpoints are open.
  public func close(objectID: Int64) async throws {}

  /// Does nothing: no endpoints are open.
  public func closeAll() async {}
}
