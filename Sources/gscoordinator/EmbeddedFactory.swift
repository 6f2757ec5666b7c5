import EmbeddedAnalytics
import EmbeddedLearning
import EmbeddedQuery
import Engines
import Workers

/// Creates engines inside this process for every session. They share one pool of worker threads.
struct EmbeddedFactory: EngineFactory {
  private let analytics: EmbeddedAnalyticsProvider
  private let threads: Int

  init(pool: WorkerPool) {
    analytics = EmbeddedAnalyticsProvider(pool: pool)
    threads = pool.width
  }

  func makeEngines(_ request: EngineRequest) async throws -> SessionEngines {
    let graphs = GraphCatalogue()
    var engines = SessionEngines(
      analytical: try await analytics.makeEngine(
        workspace: request.workspace, size: request.size, storage: request.storage, places: request.places,
        graphs: graphs),
      queries: EmbeddedQueryEngine(graphs: graphs), learning: EmbeddedLearningEngine(graphs: graphs))
    let asked = request.size.hosts.count
    engines.choice = .init(
      engine: "embedded",
      reason:
        "an embedded engine is one worker\(asked > 1 ? ", although \(asked) were requested" : ""), whose algorithms "
        + "run on up to \(min(threads, request.size.threads ?? .max)) threads")
    return engines
  }
}
