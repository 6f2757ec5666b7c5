import Engines
import Synchronization

/// Provides a session's engines, which may not be started yet or be absent temporarily: callers wait here for them.
final class EngineGate: Sendable {
  private struct State {
    var engines: SessionEngines?
    /// Why they will never be available.
    var failure: (any Error)?
    /// Why they are not available at present.
    var obstacle: (any Error)?
    var waiting: [AsyncStream<Void>.Continuation] = []
  }

  private let state = Mutex(State())

  /// Creates a gate, with the engines if they are available.
  init(_ engines: SessionEngines? = nil) { state.withLock { $0.engines = engines } }

  /// The engines, if available.
  var current: SessionEngines? { state.withLock { $0.engines } }

  /// Returns the engines, waiting for them if necessary.
  /// - Throws: `CancellationError`, or why the engines are unavailable permanently or for an unknown time.
  func engines() async throws -> SessionEngines {
    while true {
      let (opened, source) = AsyncStream.makeStream(of: Void.self)
      let ready: SessionEngines? = try state.withLock { state in
        if let failure = state.failure ?? state.obstacle { throw failure }
        if state.engines == nil { state.waiting.append(source) }
        return state.engines
      }
      if let ready { return ready }
      for await _ in opened {}
      try Task.checkCancellation()
    }
  }

  /// Makes the engines available.
  /// - Returns: False if they are no longer wanted: the caller must end them.
  func open(_ engines: SessionEngines) -> Bool {
    let waiting: [AsyncStream<Void>.Continuation]? = state.withLock { state in
      guard state.failure == nil else { return nil }
      (state.engines, state.obstacle) = (engines, nil)
      defer { state.waiting = [] }
      return state.waiting
    }
    waiting?.forEach { $0.finish() }
    return waiting != nil
  }

  /// Removes the engines; further callers wait.
  /// - Returns: The engines, for the caller to end.
  func shut() -> SessionEngines? { state.withLock { $0.engines.take() } }

  /// Makes callers fail with `error` until `open` or `release`, because it is unknown when the engines will be available.
  func hold(_ error: any Error) {
    let waiting = state.withLock { state in
      state.obstacle = error
      defer { state.waiting = [] }
      return state.waiting
    }
    waiting.forEach { $0.finish() }
  }

  /// Makes callers wait for the engines again.
  func release() { state.withLock { $0.obstacle = nil } }

  /// Makes the engines unavailable permanently.
  /// - Returns: The engines that were available, for the caller to end.
  func fail(_ error: any Error) -> SessionEngines? {
    let (engines, waiting) = state.withLock { state in
      state.failure = error
      defer { (state.engines, state.waiting) = (nil, []) }
      return (state.engines, state.waiting)
    }
    waiting.forEach { $0.finish() }
    return engines
  }
}
