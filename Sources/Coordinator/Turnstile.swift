import Synchronization

/// Admits one task at a time, in the order of arrival. A task that is cancelled while it waits leaves the queue.
final class Turnstile: Sendable {
  private struct State {
    var isTaken = false
    var nextTicket: UInt64 = 0
    var waiting: [(ticket: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
    /// The tickets of tasks that were cancelled before they began to wait.
    var cancelled: Set<UInt64> = []
  }

  /// The maximum number of tasks is waiting.
  struct IsFull: Error {}

  private let state = Mutex(State())

  /// Whether a task is inside.
  var isTaken: Bool { state.withLock { $0.isTaken } }

  /// Runs `body` after all earlier callers have finished.
  /// - Parameter bound: The maximum number of waiting callers.
  /// - Throws: `CancellationError` if the task is cancelled while it waits; `IsFull`; errors of `body`.
  func pass<R>(
    atMost bound: Int = .max, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> R
  ) async throws -> R {
    try await enter(bound)
    defer { leave() }
    return try await body()
  }

  private func enter(_ bound: Int) async throws {
    let ticket = try state.withLock { state in
      guard !state.isTaken || state.waiting.count < bound else { throw IsFull() }
      state.nextTicket += 1
      return state.nextTicket
    }
    let admitted = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let immediate: Bool? = state.withLock { state in
          if state.cancelled.remove(ticket) != nil { return false }
          if !state.isTaken {
            state.isTaken = true
            return true
          }
          state.waiting.append((ticket, continuation))
          return nil
        }
        if let immediate { continuation.resume(returning: immediate) }
      }
    } onCancel: {
      let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
        guard let index = state.waiting.firstIndex(where: { $0.ticket == ticket }) else {
          state.cancelled.insert(ticket)
          return nil
        }
        return state.waiting.remove(at: index).continuation
      }
      waiter?.resume(returning: false)
    }
    state.withLock { _ = $0.cancelled.remove(ticket) }
    if !admitted { throw CancellationError() }
  }

  private func leave() {
    let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
      guard !state.waiting.isEmpty else {
        state.isTaken = false
        return nil
      }
      return state.waiting.removeFirst().continuation
    }
    next?.resume(returning: true)
  }
}
