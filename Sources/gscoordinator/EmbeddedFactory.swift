import EmbeddedAnalytics
import EmbeddedLearning
import EmbeddedQuery
import Engines
import Workers

/// Creates engines inside this process for every session. They share one pool of worker threads.
struct EmbeddedFactory: EngineFactory {
  private let analytics: EmbeddedAnalyticsProvider
  private let pool: WorkerPool
  private let listening: LearningListening
  private let learningSeed: UInt64?

  /// The path of this program, which also serves graphs.
  private static let ownProgram = "/proc/self/exe"

  init(pool: WorkerPool, listening: LearningListening = LearningListening(), learningSeed: UInt64? = nil) {
    analytics = EmbeddedAnalyticsProvider(pool: pool)
    (self.pool, self.listening, self.learningSeed) = (pool, listening, learningSeed)
  }

  func makeEngines(_ request: EngineRequest) async throws -> SessionEngines {
    let graphs = GraphCatalogue()
    var engines = SessionEngines(
      analytical: try await analytics.makeEngine(
        workspace: request.workspace, size: request.size, storage: request.storage, places: request.places,
        graphs: graphs),
      queries: EmbeddedQueryEngine(
        graphs: graphs, workspace: request.workspace, children: request.children, program: Self.ownProgram,
        threads: min(pool.width, request.size.threads ?? pool.width)),
      learning: EmbeddedLearningEngine(
        graphs: graphs, pool: pool, size: request.size, storage: request.storage, directory: request.workspace,
        listening: listening, seed: learningSeed))
    let asked = request.size.hosts.count
    engines.choice = .init(
      engine: "embedded",
      reason:
        "an embedded engine is one worker\(asked > 1 ? ", although \(asked) were requested" : ""), whose algorithms "
        + "run on up to \(min(pool.width, request.size.threads ?? .max)) threads")
    return engines
  }
}
