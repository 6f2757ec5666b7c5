import Engines
import GraphStore

/// Makes embedded analytical engines, which share the threads of one pool.
public struct EmbeddedAnalyticsProvider: AnalyticalEngineProvider {
  private let pool: WorkerPool

  /// Engines that run on the threads of `pool`.
  public init(pool: WorkerPool) { self.pool = pool }

  /// Makes an engine with its files in a directory below `workspace`; what it takes counts for `storage`.
  /// - Throws: `EngineError` when that cannot be made.
  public func makeEngine(
    workspace: String, size: EngineSize = EngineSize(hosts: ["localhost"]),
    storage: any StorageAccount = UnboundedStorage()
  ) async throws -> any AnalyticalEngine {
    let directory = workspace + "/analytics"
    try makeDirectory(directory)
    return EmbeddedAnalyticalEngine(workspace: directory, pool: pool, size: size, storage: storage)
  }
}
