import EmbeddedAnalytics
import EmbeddedLearning
import EmbeddedQuery
import Engines
import GraphStore

/// Gives every session the engines inside this process. They share one pool of worker threads.
struct EmbeddedFactory: EngineFactory {
  private let analytics: EmbeddedAnalyticsProvider

  init(pool: WorkerPool) { analytics = EmbeddedAnalyticsProvider(pool: pool) }

  func makeEngines(workspace: String) async throws -> SessionEngines {
    SessionEngines(
      analytical: try await analytics.makeEngine(workspace: workspace), queries: EmbeddedQueryEngine(),
      learning: EmbeddedLearningEngine())
  }
}
