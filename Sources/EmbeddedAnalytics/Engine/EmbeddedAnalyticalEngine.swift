import Engines
import GraphStore
import Synchronization
import Vocabulary
import Workers

/// The analytical engine within the coordinator: graphs are files in the session's workspace, mapped into memory; algorithms run
/// on a thread pool shared by all sessions.
public final class EmbeddedAnalyticalEngine: AnalyticalEngine {
  /// One worker on this machine, without an object store.
  public let description = EngineDescription(hosts: ["localhost"], workerCount: 1)
  let pool: WorkerPool
  let workspace: String
  let objects = Mutex(SessionObjects())
  let storage: any StorageAccount
  let places: any Places
  let algorithms: Algorithms
  /// The catalogue in which the session's other engines find its graphs.
  let graphs: GraphCatalogue
  /// The time after which the progress of work is reported first.
  let firstReport: Duration
  private let threadLimit: Atomic<Int>
  /// The number of threads of an operation: that of the cores in the grant.
  var threads: Int { threadLimit.load(ordering: .relaxed) }

  /// Creates an engine with its files in `workspace`, an existing directory of its own. Files and memory are charged to
  /// `storage`. Tables are opened through `places`; graphs are added to `graphs`.
  public init(
    workspace: String, pool: WorkerPool, size: EngineSize, storage: any StorageAccount, places: any Places,
    graphs: GraphCatalogue, algorithms: Algorithms = .builtIn, firstReport: Duration = .seconds(1)
  ) {
    self.firstReport = firstReport
    self.graphs = graphs
    self.algorithms = algorithms
    threadLimit = Atomic(size.threads ?? .max)
    self.workspace = workspace
    self.pool = pool
    self.storage = storage
    self.places = places
  }

  /// Sets the number of threads of subsequent operations to that of the cores in the new grant.
  public func resize(to size: EngineSize) async throws { threadLimit.store(size.threads ?? .max, ordering: .relaxed) }

  /// Performs one operation on its inputs; see `AnalyticalEngine`.
  public func perform(
    _ operation: Operation, on inputs: [ObjectHandle], log: any ProgressLog
  ) async throws -> AnalyticalResult {
    try Task.checkCancellation()
    return try await describingFailures {
      if operation.traits.effect == .unloads { return unload(inputs) }
      let inputs = try subjects(of: operation, inputs)
      for input in inputs { try await wake(input) }
      return try await performAwake(operation, inputs, log)
    }
  }

  private func performAwake(
    _ operation: Operation, _ inputs: [ObjectHandle], _ log: any ProgressLog
  ) async throws -> AnalyticalResult {
    if let result = try await performDynamic(operation, inputs) { return result }
    return switch operation.type {
    case .createGraph where operation.graphOrigin == .tables: try await createGraph(operation, inputs, log)
    case .createGraph where operation.graphOrigin == .store: try await createGraphFromNumber(operation)
    case .addLabels: try await addLabels(operation, inputs, log)
    case .projectGraph: try project(operation, inputs)
    case .addColumn: try await addColumns(operation, inputs)
    case .consolidateColumns: try await consolidateColumns(operation, inputs)
    case .copyGraph: try await copyGraph(operation, inputs)
    case .toDirected: try await changeDirection(operation, inputs, directed: true)
    case .toUndirected: try await changeDirection(operation, inputs, directed: false)
    case .serializeGraph: try await saveGraph(operation, inputs)
    case .deserializeGraph: try await loadSavedGraph(operation)
    case .getContextData: try await contextData(operation, inputs)
    case .reportGraph: try await reportGraph(operation, inputs)
    case .projectToSimple: try await projectToSimple(operation, inputs)
    case .createApp: try createApplication(operation)
    case .bindApp: try await bindApplication(inputs)
    case .runApp: try await runApplication(operation, inputs, log)
    case .toVineyardTensor, .toVineyardDataframe: try keepSelection(operation, inputs)
    case .dataSink: try await writeKeptSelection(operation, log)
    case .output: try await writeOutput(operation, inputs, log)
    case .contextToNumpy, .graphToNumpy: try await exportArray(operation, inputs)
    case .contextToDataframe, .graphToDataframe: try await exportFrame(operation, inputs)
    default: throw EngineError.notBuilt(operation)
    }
  }

  /// Removes an object with its files; files shared with other objects are removed with the last of these.
  public func release(_ handle: ObjectHandle) async { forget(handle) }

  /// Forgets all objects but keeps their files.
  public func suspend() async { end() }

  /// Forgets all objects and removes the workspace.
  public func close() async {
    end()
    removeTree(workspace)
  }

  private func end() {
    objects.withLock { $0.close() }
    graphs.removeAll()
  }
}
