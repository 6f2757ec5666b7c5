import Engines
import Workers

/// Makes embedded analytical engines that share one thread pool.
public struct EmbeddedAnalyticsProvider: AnalyticalEngineProvider {
  private let pool: WorkerPool
  private let algorithms: Algorithms
  private let firstReport: Duration

  /// Creates a provider of engines that run `algorithms` on the threads of `pool`, and report the progress of work that takes
  /// longer than `firstReport`.
  public init(pool: WorkerPool, algorithms: Algorithms = .builtIn, firstReport: Duration = .seconds(1)) {
    (self.pool, self.algorithms, self.firstReport) = (pool, algorithms, firstReport)
  }

  /// Makes an engine with its files in a directory below `workspace`, charged to `storage`. Tables are opened through `places`;
  /// graphs are added to `graphs`.
  /// - Throws: `EngineError` if the directory cannot be created.
  public func makeEngine(
    workspace: String, size: EngineSize = EngineSize(hosts: ["localhost"]),
    storage: any StorageAccount = UnboundedStorage(), places: any Places = OpenPlaces(),
    graphs: GraphCatalogue = GraphCatalogue()
  ) async throws -> any AnalyticalEngine {
    let directory = workspace + "/analytics"
    try makeDirectory(directory)
    return EmbeddedAnalyticalEngine(
      workspace: directory, pool: pool, size: size, storage: storage, places: places, graphs: graphs,
      algorithms: algorithms, firstReport: firstReport)
  }
}
