import Synchronization

/// Handles of the tasks that start a session's engines and instances. They do not determine the state of the session, which is in
/// its `SessionControl`.
///
/// They are not child tasks of the call or event that begins a start, because others end it: a session that closes or is kept for
/// the next process cancels its starts and waits for their end (`endStarts`), so none outlives its session.
final class SessionTasks: Sendable {
  private struct State {
    var engines: Task<Void, Never>?
    var isOver = false
    var cancels: [String: @Sendable () -> Void] = [:]
    var grants: [String: AsyncStream<Void>.Continuation] = [:]
  }

  private let state = Mutex(State())

  /// The task that starts the engines, with all its attempts; nil if there is none.
  var engines: Task<Void, Never>? { state.withLock { $0.engines } }

  /// Whether engines must not be started any more, because the session is closing or this process is ending.
  var isOver: Bool { state.withLock { $0.isOver } }

  /// Sets the task that starts the engines. It is cancelled when they must not be started any more.
  func start(_ task: Task<Void, Never>) {
    let isOver = state.withLock { state in
      state.engines = task
      return state.isOver
    }
    if isOver { task.cancel() }
  }

  /// Runs `body` as the start of the engines, which can be given up from outside.
  /// - Throws: Errors of `body`, which throws `CancellationError` if the start is given up.
  func starting<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
    let start = Task { try await body() }
    self.start(
      Task {
        await withTaskCancellationHandler {
          _ = await start.result
        } onCancel: {
          start.cancel()
        }
      })
    return try await start.value
  }

  /// Prevents further starts of engines. Call `endStarts` next: until then, a start in progress continues.
  func refuseStarts() { state.withLock { $0.isOver = true } }

  /// Cancels the start of the engines, including one that begins meanwhile, and waits for its end.
  func endStarts() async {
    var ended: Task<Void, Never>?
    while let task = state.withLock({ state in
      state.isOver = true
      return state.engines
    }), task != ended {
      task.cancel()
      await task.value
      ended = task
    }
  }

  /// Sets how to cancel the start of an instance; nil if it is not being started.
  func setCancel(_ name: String, _ cancel: (@Sendable () -> Void)?) { state.withLock { $0.cancels[name] = cancel } }

  /// Starts the wait of an instance for its grant. The stream ends when it is granted or given up.
  func awaitGrant(_ name: String) -> AsyncStream<Void> {
    let (granted, source) = AsyncStream.makeStream(of: Void.self)
    state.withLock { $0.grants[name] = source }
    return granted
  }

  /// Ends the wait of an instance.
  func endWait(_ name: String) { state.withLock { $0.grants.removeValue(forKey: name) }?.finish() }

  /// Cancels the start of an instance or of the engines.
  func cancel(_ name: String) {
    endWait(name)
    let (cancel, engines) = state.withLock { ($0.cancels[name], name == analyticalInstance ? $0.engines : nil) }
    cancel?()
    engines?.cancel()
  }

  /// Cancels all starts except that of the engines.
  func cancelAll() {
    let (cancels, waiting) = state.withLock { state in
      defer { state.grants = [:] }
      return (Array(state.cancels.values), Array(state.grants.values))
    }
    for cancel in cancels { cancel() }
    for grant in waiting { grant.finish() }
  }
}
