import Synchronization

/// Transactions that wait for the writer. Those that came together are written together.
final class SQLiteCommitQueue: Sendable {
  /// A transaction and who waits for its outcome.
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
  /// Transactions that are written at once.
  private static let groupBound = 256
  /// Bytes that are written at once, unless one transaction alone has more.
  private static let groupByteBound = 8 << 20

  init(bound: Int, byteBound: Int) {
    self.bound = bound
    self.byteBound = byteBound
  }

  /// Adds a transaction, or answers it when it cannot be taken.
  /// - Returns: true when the writer must be called.
  func add(_ waiting: Waiting) -> Bool {
    let (refusal, mustCall) = state.withLock { state -> (StateStoreError?, Bool) in
      if state.isClosed { return (storeClosed(), false) }
      guard state.waiting.count < bound, state.bytes < byteBound else {
        let wait = "\(state.waiting.count) transactions of \(state.bytes) bytes wait for the state store's disk"
        return (StateStoreError(.full, "\(wait): try again later"), false)
      }
      state.waiting.append(waiting)
      state.bytes += waiting.transaction.byteCount
      defer { state.isScheduled = true }
      return (nil, !state.isScheduled)
    }
    if let refusal { waiting.continuation.resume(throwing: refusal) }
    return mustCall
  }

  /// The next transactions to write; an empty answer means that the writer will be called again.
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

  /// Takes no more transactions; those that wait are still written.
  /// - Returns: false when that was so already.
  func close() -> Bool {
    state.withLock { state in
      defer { state.isClosed = true }
      return !state.isClosed
    }
  }

  /// Transactions that wait.
  var count: Int { state.withLock { $0.waiting.count } }

  /// Whether no more transactions are taken.
  var isClosed: Bool { state.withLock { $0.isClosed } }
}
