import Synchronization

/// Named work for which several tasks may wait. Running work is not begun twice, each task may stop waiting, and the work is
/// cancelled when no task waits for it any more.
final class SharedWork<Value: Sendable>: Sendable {
  private typealias Waiter = CheckedContinuation<Value, any Error>

  private struct Work {
    var serial: Int
    var task: Task<Void, Never>
    var waiters: [Int: Waiter]
  }

  private struct State {
    var work: [String: Work] = [:]
    /// Tasks that stopped waiting before they began to.
    var gone: Set<Int> = []
    var nextNumber = 0
  }

  private let state = Mutex(State())

  /// Returns the outcome of the work with a name, and begins the work if it is not running.
  /// - Throws: The errors of the work; `CancellationError` as soon as the caller's task is cancelled.
  func value(of name: String, _ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    let number = state.withLock { state in
      state.nextNumber += 1
      return state.nextNumber
    }
    defer { _ = state.withLock { $0.gone.remove(number) } }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { join(name, number, $0, body) }
    } onCancel: {
      leave(name, number)
    }
  }

  /// Returns the number of tasks that wait for the work with a name.
  func waiterCount(of name: String) -> Int { state.withLock { $0.work[name]?.waiters.count ?? 0 } }

  private func join(
    _ name: String, _ number: Int, _ waiter: Waiter, _ body: @escaping @Sendable () async throws -> Value
  ) {
    let hasLeft = state.withLock { state in
      guard !state.gone.contains(number) else { return true }
      if state.work[name] == nil {
        // Not a child of the first caller's task, because other tasks wait for it, too.
        let task = Task {
          let outcome: Result<Value, any Error>
          do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
          self.finish(name, number, outcome)
        }
        state.work[name] = Work(serial: number, task: task, waiters: [:])
      }
      state.work[name]?.waiters[number] = waiter
      return false
    }
    if hasLeft { waiter.resume(throwing: CancellationError()) }
  }

  private func leave(_ name: String, _ number: Int) {
    let (waiter, abandoned) = state.withLock { state -> (Waiter?, Task<Void, Never>?) in
      guard let waiter = state.work[name]?.waiters.removeValue(forKey: number) else {
        state.gone.insert(number)
        return (nil, nil)
      }
      guard let work = state.work[name], work.waiters.isEmpty else { return (waiter, nil) }
      // Later callers begin new work, which is not cancelled.
      state.work[name] = nil
      return (waiter, work.task)
    }
    abandoned?.cancel()
    waiter?.resume(throwing: CancellationError())
  }

  private func finish(_ name: String, _ serial: Int, _ outcome: Result<Value, any Error>) {
    let waiters = state.withLock { state -> [Waiter] in
      guard let work = state.work[name], work.serial == serial else { return [] }
      state.work[name] = nil
      return Array(work.waiters.values)
    }
    for waiter in waiters { waiter.resume(with: outcome) }
  }
}
