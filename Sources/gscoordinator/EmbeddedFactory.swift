import EmbeddedAnalytics
import EmbeddedLearning
import EmbeddedQuery
import Engines
import GraphStore

/// Gives every session the engines inside this process. They share one pool of worker threads.
struct EmbeddedFactory: EngineFactory {
  private let analytics: EmbeddedAnalyticsProvider

  init(pool: WorkerPool) { analytics = EmbeddedAnalyticsProvider(pool: pool) }

  func makeEngines(_ request: EngineRequest) async throws -> SessionEngines {
    SessionEngines(
      analytical: try await analytics.makeEngine(
        workspace: request.workspace, size: request.size, storage: request.storage),
      queries: EmbeddedQueryEngine(), learning: EmbeddedLearningEngine())
  }
}
