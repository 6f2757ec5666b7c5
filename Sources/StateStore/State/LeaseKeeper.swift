import Synchronization

/// Tracks the leases of a store: wakes up when a lease expires, and has its keys deleted.
///
/// Uses the continuous clock, which advances while the machine sleeps.
final class LeaseKeeper: Sendable {
  private struct State {
    var table = LeaseTable()
    var wakeAt: ContinuousClock.Instant?
    /// Sleeps until `wakeAt`. Stored, because an earlier deadline replaces it and `close` cancels it.
    var sleeper: Task<Void, Never>?
    var deleteKeys: (@Sendable (Int64) async throws -> Void)?
    var isClosed = false
  }

  /// The pause before a failed deletion of a lease's keys, such as on a full disk, is retried.
  private static let retry = Duration.seconds(1)

  private let state = Mutex(State())

  deinit { state.withLock { $0.sleeper?.cancel() } }

  /// Starts to track leases.
  /// - Parameter deleteKeys: Deletes the keys of an ended lease; retried if it throws.
  func start(deleteKeys: @escaping @Sendable (Int64) async throws -> Void) {
    state.withLock { state in
      state.deleteKeys = deleteKeys
      arm(&state)
    }
  }

  /// The number of leases that are live or whose keys are not deleted yet.
  var count: Int { state.withLock { $0.table.count } }

  /// Starts a lease.
  func grant(_ lease: StateLease) {
    state.withLock { state in
      state.table.grant(lease, at: .now)
      arm(&state)
    }
  }

  /// Renews a lease; returns false if it has ended.
  func renew(_ id: Int64) -> Bool { state.withLock { $0.table.renew(id, at: .now) } }

  /// Returns the time to live of a live lease; nil if it has ended.
  func timeToLive(_ id: Int64) -> Duration? { state.withLock { $0.table.timeToLive(id, at: .now) } }

  /// Ends a lease early; returns false if it has already ended. The caller deletes its keys and then calls `forget`.
  func end(_ id: Int64) -> Bool { state.withLock { $0.table.end(id) } }

  /// Removes a lease whose keys were deleted.
  func forget(_ id: Int64) { state.withLock { $0.table.forget(id) } }

  /// Stops tracking; leases no longer expire.
  func close() {
    state.withLock { state in
      state.isClosed = true
      state.deleteKeys = nil
      state.sleeper?.cancel()
      state.sleeper = nil
    }
  }

  /// Schedules a wake-up for the next expiry, unless one is already scheduled.
  private func arm(_ state: inout State) {
    guard !state.isClosed, state.deleteKeys != nil, let next = state.table.nextDeadline else { return }
    if let wakeAt = state.wakeAt, wakeAt <= next { return }
    state.sleeper?.cancel()
    state.wakeAt = next
    state.sleeper = Task { [weak self] in
      do { try await ContinuousClock().sleep(until: next) } catch { return }
      self?.wake(next)
    }
  }

  private func wake(_ time: ContinuousClock.Instant) {
    let due = state.withLock { state -> [Int64] in
      guard !state.isClosed else { return [] }
      if state.wakeAt == time { state.wakeAt = nil }
      let due = state.table.takeDue(at: .now)
      arm(&state)
      return due
    }
    for id in due { delete(id) }
  }

  /// Deletes the keys of an ended lease, retrying until that succeeds or the store is closed.
  func delete(_ id: Int64) {
    guard let deleteKeys = state.withLock({ $0.deleteKeys }) else { return }
    // The lease ended by itself, so no caller waits. Ends after `close`.
    Task { [weak self] in
      while true {
        do {
          try await deleteKeys(id)
          self?.forget(id)
          return
        } catch {
          guard let self, !state.withLock({ $0.isClosed }) else { return }
        }
        try? await Task.sleep(for: Self.retry)
      }
    }
  }
}
