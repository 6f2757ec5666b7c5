import Engines

/// GraphScope's interactive engine.
struct NativeQueryEngine: QueryEngine {
  func open(_ request: QueryInstanceRequest) async throws -> QueryEndpoints {
    throw EngineError(.unimplemented, "interactive queries are not offered on GraphScope's engines yet")
  }

  func close(objectID: Int64) async throws {}

  func closeAll() async {}
}
