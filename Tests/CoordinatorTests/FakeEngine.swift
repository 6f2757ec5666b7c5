import ClientOperations
import Engines
import GraphStore
import Synchronization
import Vocabulary
import Workers

/// An engine whose operations are controlled by the test: it records its calls and holds operations named `hold` until they are
/// released or cancelled.
final class FakeEngine: AnalyticalEngine {
  let description = EngineDescription(hosts: ["localhost"], workerCount: 1)
  private let state = Mutex(State())

  private struct State {
    var calls: [String] = []
    var released: [String] = []
    var isClosed = false
    var isSuspended = false
    var recovered = 0
    var counter = 0
    var held: [AsyncStream<Void>.Continuation] = []
    var holdWaiters: [CheckedContinuation<Void, Never>] = []
    var death: EngineError?
    var onFailure: (@Sendable (EngineError) -> Void)?
  }

  var calls: [String] { state.withLock { $0.calls } }
  var released: [String] { state.withLock { $0.released } }
  var isClosed: Bool { state.withLock { $0.isClosed } }
  var isSuspended: Bool { state.withLock { $0.isSuspended } }
  var recovered: Int { state.withLock { $0.recovered } }
  /// Keys of objects that a recovery does not find.
  private let losing: Set<String>
  /// Whether these objects leave remains behind.
  private let keepingRemains: Bool
  /// The account that its graphs are charged to.
  private let storage: any StorageAccount
  /// The estimate for every graph; the actual usage is always `taking` bytes.
  private let estimate: LoadEstimate?
  private let taking: Int

  init(
    losing: Set<String> = [], keepingRemains: Bool = false, storage: any StorageAccount = UnboundedStorage(),
    estimate: LoadEstimate? = nil, taking: Int = 0
  ) {
    self.losing = losing
    self.keepingRemains = keepingRemains
    self.storage = storage
    self.estimate = estimate
    self.taking = taking
  }

  func resize(to size: EngineSize) async throws {}

  func estimate(_ operation: Engines.Operation, on inputs: [ObjectHandle]) async throws -> LoadEstimate? {
    operation.type == .createGraph ? estimate : nil
  }

  func perform(
    _ operation: Engines.Operation, on inputs: [ObjectHandle], log: any ProgressLog
  ) async throws -> AnalyticalResult {
    switch operation.type {
    case .bindApp:
      let tables = inputs.count { if case .tables = $0 { true } else { false } }
      return .boundApplication(
        key: state.withLock { state in
          state.counter += 1
          state.calls.append("bind on \(inputs.count), tables \(tables)")
          return "app_\(state.counter)"
        })
    case .createGraph:
      do throws(StorageRefusal) { try storage.take(taking, as: .mappedFile) } catch {
        throw EngineError(.resourceExhausted, error.description)
      }
      let number = state.withLock { state in
        state.counter += 1
        return Int64(state.counter)
      }
      return .graph(
        GraphDescription(
          key: "graph_\(number)", kind: .property, schema: GraphSchema(), options: try operation.graphOptions(),
          layout: try operation.graphLayout(), isMultigraph: false, objectID: 1000 + number, fragmentIDs: [1],
          schemaPath: ""))
    case .subgraph:
      state.withLock { $0.calls.append("SUBGRAPH") }
      throw EngineError(.queryFailure, "no such query")
    case .modifyVertices:
      switch try operation.text(.node) {
      case "fail": throw EngineError(.engineFailure, "it failed")
      case "hold": try await hold()
      case let name:
        log.info("ran \(name)")
        state.withLock { $0.calls.append(name) }
      }
      return .done
    default: return .done
    }
  }

  private func hold() async throws {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    let waiters = state.withLock { state in
      state.held.append(continuation)
      defer { state.holdWaiters = [] }
      return state.holdWaiters
    }
    for waiter in waiters { waiter.resume() }
    for await _ in stream {
      if let death = state.withLock({ $0.death }) { throw death }
      return
    }
    try Task.checkCancellation()
  }

  /// Suspends until an operation is being held.
  func waitUntilHolding() async {
    await withCheckedContinuation { continuation in
      let isHolding = state.withLock { state in
        if state.held.isEmpty { state.holdWaiters.append(continuation) }
        return !state.held.isEmpty
      }
      if isHolding { continuation.resume() }
    }
  }

  /// Releases all held operations.
  func letGo() { for continuation in state.withLock({ $0.held }) { continuation.yield() } }

  func whenFailed(_ body: @escaping @Sendable (EngineError) -> Void) { state.withLock { $0.onFailure = body } }

  /// Ends unexpectedly: reports that, then lets held operations fail.
  func die(_ cause: EngineError) {
    let onFailure = state.withLock { state in
      state.death = cause
      return state.onFailure
    }
    onFailure?(cause)
    letGo()
  }

  func release(_ handle: ObjectHandle) async {
    if case .boundApplication(let key) = handle { state.withLock { $0.released.append(key) } }
  }

  /// Recovers everything except what the test declared lost.
  func recover(_ handles: [ObjectHandle]) async throws -> [LostObject] {
    var lost: [LostObject] = []
    for handle in handles {
      switch handle {
      case .boundApplication(let key) where losing.contains(key), .graph(let key) where losing.contains(key):
        lost.append(LostObject(handle, reason: "the test lost it: \(key)", hasRemains: keepingRemains))
      default: break
      }
    }
    state.withLock { $0.recovered = handles.count - lost.count }
    return lost
  }

  func suspend() async { state.withLock { $0.isSuspended = true } }

  func close() async { state.withLock { $0.isClosed = true } }
}

struct FakeQueries: QueryEngine {
  func open(_ request: QueryInstanceRequest) async throws -> QueryEndpoints {
    throw EngineError(.unimplemented, "none")
  }
  func close(objectID: Int64) async throws {}
  func closeAll() async {}
}

struct FakeLearning: LearningEngine {
  func open(_ request: LearningInstanceRequest) async throws -> LearningInstance {
    throw EngineError(.unimplemented, "none")
  }
  func close(objectID: Int64) async throws {}
  func closeAll() async {}
}

/// Creates fake engines and remembers them.
final class FakeFactory: EngineFactory {
  private let made = Mutex<[FakeEngine]>([])
  private let error: EngineError?
  private let losing: Set<String>
  private let keepingRemains: Bool

  private let services: FakeServices?
  private let estimate: LoadEstimate?
  private let taking: Int
  /// The number of starts that succeed; later ones do not end until they are cancelled.
  private let starts: Int
  private let held = Atomic<Int>(0)
  private let isInProcess: Bool
  private let begun = Atomic<Bool>(false)

  init(
    failingWith error: EngineError? = nil, losing: Set<String> = [], keepingRemains: Bool = false,
    services: FakeServices? = nil, estimate: LoadEstimate? = nil, taking: Int = 0, starts: Int = .max,
    isEmbedded: Bool = true
  ) {
    isInProcess = isEmbedded
    self.starts = starts
    self.estimate = estimate
    self.taking = taking
    self.error = error
    self.losing = losing
    self.keepingRemains = keepingRemains
    self.services = services
  }

  var engines: [FakeEngine] { made.withLock { $0 } }
  /// The number of starts so far that do not end.
  var heldStarts: Int { held.load(ordering: .relaxed) }
  /// Whether engines may be started ahead of sessions.
  var isBegun: Bool { begun.load(ordering: .relaxed) }

  func isEmbedded(_ size: EngineSize) -> Bool { isInProcess }

  func begin(_ launcher: @escaping @Sendable (_ name: String) -> any ChildLauncher) {
    begun.store(true, ordering: .relaxed)
  }

  func makeEngines(_ request: EngineRequest) async throws -> SessionEngines {
    if let error { throw error }
    if engines.count >= starts {
      held.add(1, ordering: .relaxed)
      try await Task.sleep(for: .seconds(3600))
    }
    let engine = FakeEngine(
      losing: losing, keepingRemains: keepingRemains, storage: request.storage, estimate: estimate, taking: taking)
    made.withLock { $0.append(engine) }
    return SessionEngines(
      analytical: engine, queries: services ?? FakeQueries(), learning: services ?? FakeLearning())
  }
}
