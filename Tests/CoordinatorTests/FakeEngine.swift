import Engines
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
    var counter = 0
    var held: [AsyncStream<Void>.Continuation] = []
    var holdWaiters: [CheckedContinuation<Void, Never>] = []
  }

  var calls: [String] { state.withLock { $0.calls } }
  var released: [String] { state.withLock { $0.released } }
  var isClosed: Bool { state.withLock { $0.isClosed } }

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
    for await _ in stream { return }
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

  func release(_ handle: ObjectHandle) async {
    if case .boundApplication(let key) = handle { state.withLock { $0.released.append(key) } }
  }

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

  init(failingWith error: EngineError? = nil) { self.error = error }

  var engines: [FakeEngine] { made.withLock { $0 } }

  func makeEngines(workspace: String) async throws -> SessionEngines {
    if let error { throw error }
    let engine = FakeEngine()
    made.withLock { $0.append(engine) }
    return SessionEngines(analytical: engine, queries: FakeQueries(), learning: FakeLearning())
  }
}
