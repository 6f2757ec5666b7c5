import Engines
import GraphStore
import Logging
import Synchronization
import Workers

/// The learning engine inside this process: samples graphs of the session for GraphScope's learning client.
public final class EmbeddedLearningEngine: LearningEngine {
  /// The maximum number of addresses that are kept of closed instances of a session; the oldest are given up.
  static let maximumClosed = 256

  /// The graphs of the session, entered by the analytical engine.
  public let graphs: GraphCatalogue
  private let directory: String
  private let listening: LearningListening
  private let seed: UInt64?
  private let computing: LearningComputing

  /// An address belongs to a graph and a way to its client.
  private struct Key: Hashable {
    var graph: Int64
    var route: ClientRoute
  }

  private struct State {
    var endpoints: [Key: LearningEndpoint] = [:]
    /// The endpoints without an instance, the oldest first.
    var closed: [Key] = []
  }

  private let state = Mutex(State())

  /// Creates an engine without instances.
  /// - Parameters:
  ///   - graphs: the graphs of the session, entered by the analytical engine.
  ///   - directory: a directory of the session's own, for sockets.
  ///   - seed: the seed of all samples; nil for a random one for each instance.
  public init(
    graphs: GraphCatalogue, pool: WorkerPool, size: EngineSize, storage: any StorageAccount, directory: String,
    listening: LearningListening, seed: UInt64?, logger: Logger = Logger(label: "learning")
  ) {
    (self.graphs, self.directory, self.listening, self.seed) = (graphs, directory, listening, seed)
    computing = LearningComputing(pool: pool, size: size, storage: storage, logger: logger)
  }

  /// Prepares a graph and returns when its endpoint answers.
  /// - Throws: `EngineError` for what the graph does not have, or if its memory exceeds the session's.
  public func open(_ request: LearningInstanceRequest) async throws -> LearningInstance {
    guard request.backend == .graphlearn else {
      throw EngineError(
        .unimplemented, "graphlearn_torch is not available on the embedded engine, which serves graphlearn",
        hint: "graphlearn_torch samples in processes of PyTorch. Install them (pip install graphscope torch) and use "
          + "gscoordinator --engine graphscope, or open the graph with sess.graphlearn")
    }
    let entry = try graphs.entry(request.objectID)
    let selection = try LearningSelection(
      entry.description.schema, handle: request.handle, configuration: request.configuration)
    let graph = try await entry.graph()
    let service: SamplingService
    do {
      let seed = seed ?? .random(in: 0 ... .max)
      service = try await computing.pool.run(storage: computing.storage) { workers in
        SamplingService(try LearningGraph(graph, selection, workers.storage), seed: seed)
      }
    } catch let refusal as StorageRefusal {
      throw EngineError(.resourceExhausted, "the learning instance was not opened", evidence: refusal.description)
    }
    let endpoint = try await endpoint(Key(graph: request.objectID, route: request.route))
    endpoint.serve(service)
    return LearningInstance(
      handle: LearningSelection.encoded(selection.handle),
      configuration: LearningSelection.encoded(selection.configuration), endpoints: [endpoint.address])
  }

  /// Returns the endpoint of a graph, which is made once.
  private func endpoint(_ key: Key) async throws -> LearningEndpoint {
    let (known, given) = state.withLock { state in
      state.closed.removeAll { $0 == key }
      let given = state.closed.prefix(max(0, state.closed.count - Self.maximumClosed))
      state.closed.removeFirst(given.count)
      return (state.endpoints[key], given.compactMap { state.endpoints.removeValue(forKey: $0) })
    }
    for endpoint in given { await endpoint.shutdown() }
    if let known { return known }
    let place = try listening.place(for: key.route, name: "learning-\(key.graph).sock", directory: directory)
    let endpoint = try await LearningEndpoint(place, computing)
    state.withLock { $0.endpoints[key] = endpoint }
    return endpoint
  }

  /// Releases what a graph's instance holds. Its address stays the graph's until the session ends.
  public func close(objectID: Int64) async throws {
    state.withLock { state in
      for (key, endpoint) in state.endpoints where key.graph == objectID {
        endpoint.serve(nil)
        if !state.closed.contains(key) { state.closed.append(key) }
      }
    }
  }

  /// Closes all instances and gives up their addresses.
  public func closeAll() async {
    let endpoints = state.withLock { state in
      defer { state = State() }
      return Array(state.endpoints.values)
    }
    await withTaskGroup { group in
      for endpoint in endpoints { group.addTask { await endpoint.shutdown() } }
    }
  }
}
