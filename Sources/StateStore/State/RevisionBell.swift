import Synchronization

/// Wakes followers of a store when a transaction touches keys with their prefix.
///
/// It stores only the waiters: a follower reads the transactions from the store at its own pace.
final class RevisionBell: Sendable {
  private struct Waiter {
    var prefix: [UInt8]
    var after: Revision
    var continuation: CheckedContinuation<Revision?, Never>
  }

  private struct State {
    var head: Revision
    var waiters: [UInt64: Waiter] = [:]
    var nextWaiter: UInt64 = 0
    var isClosed = false
  }

  private let state: Mutex<State>

  init(head: Revision) { state = Mutex(State(head: head)) }

  /// The newest revision announced.
  var head: Revision { state.withLock { $0.head } }

  /// The number of waiters.
  var waiterCount: Int { state.withLock { $0.waiters.count } }

  /// Announces applied transactions, in this order, and wakes the waiters for their keys.
  func ring(_ applied: [(revision: Revision, keys: [String])]) {
    guard let last = applied.last else { return }
    let woken = state.withLock { state -> [(CheckedContinuation<Revision?, Never>, Revision)] in
      state.head = max(state.head, last.revision)
      guard !state.waiters.isEmpty else { return [] }
      var woken: [(CheckedContinuation<Revision?, Never>, Revision)] = []
      for (id, waiter) in state.waiters {
        guard
          let first = applied.first(where: { record in
            record.revision > waiter.after && record.keys.contains { $0.utf8.starts(with: waiter.prefix) }
          })
        else { continue }
        state.waiters[id] = nil
        woken.append((waiter.continuation, first.revision - 1))
      }
      return woken
    }
    for (continuation, revision) in woken { continuation.resume(returning: revision) }
  }

  /// Waits until a transaction after `revision` may have touched a key with the given prefix.
  /// - Returns: The revision after which to read; nil if the bell was closed or the task was cancelled.
  func wait(prefix: [UInt8], after revision: Revision) async -> Revision? {
    let id = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let now = state.withLock { state -> Revision?? in
          // A cancellation before this point is detected here; a later one finds the waiter.
          if state.isClosed || Task.isCancelled { return .some(nil) }
          if state.head > revision { return revision }
          state.waiters[id] = Waiter(prefix: prefix, after: revision, continuation: continuation)
          return nil
        }
        if let now { continuation.resume(returning: now) }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume(returning: nil)
    }
  }

  /// Ends all current and future waits.
  func close() {
    let waiters = state.withLock { state in
      state.isClosed = true
      defer { state.waiters = [:] }
      return state.waiters
    }
    for waiter in waiters.values { waiter.continuation.resume(returning: nil) }
  }
}
