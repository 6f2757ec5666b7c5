import Engines

/// The place of the learning engine inside this process. It starts no servers yet and says so at once.
public struct EmbeddedLearningEngine: LearningEngine {
  /// An engine without instances.
  public init() {}

  /// Refuses.
  /// - Throws: `EngineError.unimplemented`.
  public func open(_ request: LearningInstanceRequest) async throws -> LearningInstance {
    throw EngineError(
      .unimplemented, "graph learning is not available on the embedded engine",
      hint: "Analytics work: session.g(), project(), and the algorithms listed in the README")
  }

  /// There is nothing to stop.
  public func close(objectID: Int64) async throws {}

  /// There is nothing to stop.
  public func closeAll() async {}
}
