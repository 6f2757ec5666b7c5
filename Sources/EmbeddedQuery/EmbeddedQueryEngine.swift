import Engines

/// The place of the query engine inside this process. It opens no endpoints yet and says so at once.
public struct EmbeddedQueryEngine: QueryEngine {
  /// An engine without instances.
  public init() {}

  /// Refuses.
  /// - Throws: `EngineError.unimplemented`.
  public func open(_ request: QueryInstanceRequest) async throws -> QueryEndpoints {
    throw EngineError(
      .unimplemented, "interactive queries are not available on the embedded engine",
      hint: "Analytics work: session.g(), project(), and the algorithms listed in the README")
  }

  /// There is nothing to close.
  public func close(objectID: Int64) async throws {}

  /// There is nothing to close.
  public func closeAll() async {}
}
