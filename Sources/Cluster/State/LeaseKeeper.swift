import Synchronization

/// Keeps a store's leases in time: wakes when one runs out and has its keys deleted.
///
/// Time is that of the continuous clock, which goes on while the machine sleeps.
final class LeaseKeeper: Sendable {
  private struct State {
    var table = LeaseTable()
    var wakeAt: ContinuousClock.Instant?
    var sleeper: Task<Void, Never>?
    var deleteKeys: (@Sendable (Int64) async throws -> Void)?
    var isClosed = false
  }

  /// How long after a failure (a full disk) the deletion of a lease's keys is tried again.
  private static let retry = Duration.seconds(1)

  private let state = Mutex(State())

  deinit { state.withLock { $0.sleeper?.cancel() } }

  /// Begins to watch the time.
  /// - Parameter deleteKeys: deletes the keys of a lease that is over; tried again when it throws.
  func start(deleteKeys: @escaping @Sendable (Int64) async throws -> Void) {
    state.withLock { state in
      state.deleteKeys = deleteKeys
      arm(&state)
    }
  }

  /// Leases that live or whose keys are not deleted yet.
  var count: Int { state.withLock { $0.table.count } }

  /// A lease begins now.
  func grant(_ lease: StateLease) {
    state.withLock { state in
      state.table.grant(lease, at: .now)
      arm(&state)
    }
  }

  /// Prolongs a lease; false when it is over.
  func renew(_ id: Int64) -> Bool { state.withLock { $0.table.renew(id, at: .now) } }

  /// How long a lease that lives lasts without renewal; nil when it is over.
  func timeToLive(_ id: Int64) -> Duration? { state.withLock { $0.table.timeToLive(id, at: .now) } }

  /// Ends a lease before its time; false when it is over. The caller deletes its keys and then says `forget`.
  func end(_ id: Int64) -> Bool { state.withLock { $0.table.end(id) } }

  /// The keys of a lease are deleted.
  func forget(_ id: Int64) { state.withLock { $0.table.forget(id) } }

  /// Leases run out no more.
  func close() {
    state.withLock { state in
      state.isClosed = true
      state.deleteKeys = nil
      state.sleeper?.cancel()
      state.sleeper = nil
    }
  }

  /// Sleeps until the next lease runs out, unless that is so already.
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

  /// Deletes the keys of a lease that is over, again and again until it works or the store is closed.
  func delete(_ id: Int64) {
    guard let deleteKeys = state.withLock({ $0.deleteKeys }) else { return }
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
