import Engines
import GraphStore
import Synchronization

/// An engine whose operations the test controls: it records what it is asked and holds operations named `hold` until
/// they are let go or cancelled.
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
  /// What its graphs are charged to.
  private let storage: any StorageAccount
  /// What it estimates for every graph; it takes `taking` bytes for one, whatever it estimates.
  private let estimate: LoadEstimate?
  private let taking: Int

  init(
    losing: Set<String> = [], storage: any StorageAccount = UnboundedStorage(), estimate: LoadEstimate? = nil,
    taking: Int = 0
  ) {
    self.losing = losing
    self.storage = storage
    self.estimate = estimate
    self.taking = taking
  }

  func resize(to size: EngineSize) async throws {}

  func estimate(_ operation: AnalyticalOperation, on inputs: [ObjectHandle]) async throws -> LoadEstimate? {
    if case .createGraph = operation { estimate } else { nil }
  }

  func perform(
    _ operation: AnalyticalOperation, on inputs: [ObjectHandle], log: any ProgressLog
  ) async throws -> AnalyticalResult {
    switch operation {
    case .bindApplication:
      let tables = inputs.count { if case .tables = $0 { true } else { false } }
      return .boundApplication(
        key: state.withLock { state in
          state.counter += 1
          state.calls.append("bind on \(inputs.count), tables \(tables)")
          return "app_\(state.counter)"
        })
    case .createGraph(let options, let layout):
      do throws(StorageRefusal) { try storage.take(taking, as: .mappedFile) } catch {
        throw EngineError(.resourceExhausted, error.description)
      }
      let number = state.withLock { state in
        state.counter += 1
        return Int64(state.counter)
      }
      return .graph(
        GraphDescription(
          key: "graph_\(number)", kind: .property, schema: GraphSchema(), options: options, layout: layout,
          isMultigraph: false, objectID: 1000 + number, fragmentIDs: [1], schemaPath: ""))
    case .createApplication: return .done
    case .other("fail"): throw EngineError(.engineFailure, "it failed")
    case .other("hold"):
      try await hold()
      return .done
    case .other(let name):
      log.info("ran \(name)")
      state.withLock { $0.calls.append(name) }
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

  /// Lets all held operations go on.
  func letGo() { for continuation in state.withLock({ $0.held }) { continuation.yield() } }

  func whenFailed(_ body: @escaping @Sendable (EngineError) -> Void) { state.withLock { $0.onFailure = body } }

  /// Ends unasked: says so, then lets held operations fail.
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

  /// Finds everything again but what the test declared lost.
  func recover(_ handles: [ObjectHandle]) async throws -> [LostObject] {
    var lost: [LostObject] = []
    for handle in handles {
      switch handle {
      case .boundApplication(let key) where losing.contains(key), .graph(let key) where losing.contains(key):
        lost.append(LostObject(handle, reason: "the test lost it: \(key)"))
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

/// Hands out fake engines and remembers them.
final class FakeFactory: EngineFactory {
  private let made = Mutex<[FakeEngine]>([])
  private let error: EngineError?
  private let losing: Set<String>

  private let services: FakeServices?
  private let estimate: LoadEstimate?
  private let taking: Int

  init(
    failingWith error: EngineError? = nil, losing: Set<String> = [], services: FakeServices? = nil,
    estimate: LoadEstimate? = nil, taking: Int = 0
  ) {
    self.estimate = estimate
    self.taking = taking
    self.error = error
    self.losing = losing
    self.services = services
  }

  var engines: [FakeEngine] { made.withLock { $0 } }

  func makeEngines(_ request: EngineRequest) async throws -> SessionEngines {
    if let error { throw error }
    let engine = FakeEngine(losing: losing, storage: request.storage, estimate: estimate, taking: taking)
    made.withLock { $0.append(engine) }
    return SessionEngines(
      analytical: engine, queries: services ?? FakeQueries(), learning: services ?? FakeLearning())
  }
}
