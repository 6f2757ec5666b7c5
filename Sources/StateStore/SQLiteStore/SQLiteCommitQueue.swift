import Synchronization

/// Queues transactions for the writer. Transactions that arrive together are written together.
final class SQLiteCommitQueue: Sendable {
  /// A transaction and the caller that waits for its outcome.
  struct Waiting: Sendable {
    var transaction: StateTransaction
    var continuation: CheckedContinuation<Revision, any Error>
  }

  private struct State {
    var waiting: [Waiting] = []
    var bytes = 0
    var isScheduled = false
    var isClosed = false
  }

  private let state = Mutex(State())
  private let bound: Int
  private let byteBound: Int
  /// The maximum number of transactions written at once.
  private static let groupBound = 256
  /// The maximum number of bytes written at once, unless a single transaction is larger.
  private static let groupByteBound = 8 << 20

  init(bound: Int, byteBound: Int) {
    self.bound = bound
    self.byteBound = byteBound
  }

  /// Adds a transaction, or completes it with an error if it cannot be accepted.
  /// - Returns: True if the writer must be called.
  func add(_ waiting: Waiting) -> Bool {
    let (refusal, mustCall) = state.withLock { state -> (StateStoreError?, Bool) in
      if state.isClosed { return (storeClosed(), false) }
      guard state.waiting.count < bound, state.bytes < byteBound else {
        let wait =
          "the state store's disk is too slow: \(state.waiting.count) transactions of \(state.bytes) bytes are waiting to "
          + "be written"
        return (StateStoreError(.full, "\(wait). Try again later"), false)
      }
      state.waiting.append(waiting)
      state.bytes += waiting.transaction.byteCount
      defer { state.isScheduled = true }
      return (nil, !state.isScheduled)
    }
    if let refusal { waiting.continuation.resume(throwing: refusal) }
    return mustCall
  }

  /// Returns the next transactions to write; if empty, the writer will be called again.
  func take() -> [Waiting] {
    state.withLock { state in
      var bytes = 0
      let group = state.waiting.prefix(Self.groupBound).prefix { waiting in
        defer { bytes += waiting.transaction.byteCount }
        return bytes < Self.groupByteBound
      }
      state.bytes -= group.reduce(0) { $0 + $1.transaction.byteCount }
      state.waiting.removeFirst(group.count)
      if group.isEmpty { state.isScheduled = false }
      return Array(group)
    }
  }

  /// Rejects further transactions; queued ones are still written.
  /// - Returns: False if the queue was already closed.
  func close() -> Bool {
    state.withLock { state in
      defer { state.isClosed = true }
      return !state.isClosed
    }
  }

  /// The number of queued transactions.
  var count: Int { state.withLock { $0.waiting.count } }

  /// Whether further transactions are rejected.
  var isClosed: Bool { state.withLock { $0.isClosed } }
}
