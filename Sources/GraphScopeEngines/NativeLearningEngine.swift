import Engines

/// GraphScope's learning engine.
struct NativeLearningEngine: LearningEngine {
  func open(_ request: LearningInstanceRequest) async throws -> LearningInstance {
    throw EngineError(.unimplemented, "learning is not offered on GraphScope's engines yet")
  }

  func close(objectID: Int64) async throws {}

  func closeAll() async {}
}
