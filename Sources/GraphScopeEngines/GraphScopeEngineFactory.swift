import Engines

/// The place of the backend that drives GraphScope's own distributed engines. It starts none yet and says so at once.
public struct GraphScopeEngineFactory: EngineFactory {
  /// A factory that needs no installation.
  public init() {}

  /// Refuses.
  /// - Throws: `EngineError.unimplemented`.
  public func makeEngines(_ request: EngineRequest) async throws -> SessionEngines {
    throw EngineError(
      .unimplemented, "GraphScope's own engines cannot be driven by this version",
      hint: "Start the coordinator with --engine embedded, the default")
  }
}
