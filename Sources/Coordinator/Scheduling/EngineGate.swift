import Engines
import Synchronization

/// A session's engines, which may be still to come, or gone for a while: who needs them waits here.
final class EngineGate: Sendable {
  private struct State {
    var engines: SessionEngines?
    /// Why they will never come.
    var failure: (any Error)?
    var waiting: [AsyncStream<Void>.Continuation] = []
  }

  private let state = Mutex(State())

  /// A gate behind which the engines are, if there are any yet.
  init(_ engines: SessionEngines? = nil) { state.withLock { $0.engines = engines } }

  /// The engines, if they are there.
  var current: SessionEngines? { state.withLock { $0.engines } }

  /// The engines, as soon as they are there.
  /// - Throws: `CancellationError`, or why they will never come.
  func engines() async throws -> SessionEngines {
    while true {
      let (opened, source) = AsyncStream.makeStream(of: Void.self)
      let ready: SessionEngines? = try state.withLock { state in
        if let failure = state.failure { throw failure }
        if state.engines == nil { state.waiting.append(source) }
        return state.engines
      }
      if let ready { return ready }
      for await _ in opened {}
      try Task.checkCancellation()
    }
  }

  /// The engines are there.
  /// - Returns: false when nobody wants them any more: the caller must end them.
  func open(_ engines: SessionEngines) -> Bool {
    let waiting: [AsyncStream<Void>.Continuation]? = state.withLock { state in
      guard state.failure == nil else { return nil }
      state.engines = engines
      defer { state.waiting = [] }
      return state.waiting
    }
    waiting?.forEach { $0.finish() }
    return waiting != nil
  }

  /// The engines go; who needs them from now on waits.
  /// - Returns: the engines, for the caller to end.
  func shut() -> SessionEngines? { state.withLock { $0.engines.take() } }

  /// The engines will never come, or not come again.
  /// - Returns: the engines that were there, for the caller to end.
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
