/// What a state store takes. The bounds are those of etcd (a request of 1.5 MiB, 128 operations in a transaction), so
/// that what the embedded store takes the clustered one takes too.
public struct StateLimits: Sendable, Equatable {
  /// Bytes of a key in UTF-8.
  public var keyBytes = 512
  /// Bytes of a value.
  public var valueBytes = 1_572_864
  /// Bytes of all that a transaction carries: keys, values, id, author and summary.
  public var transactionBytes = 1_572_864 + 65_536
  /// Changes in a transaction.
  public var changes = 128
  /// Conditions in a transaction.
  public var conditions = 128
  /// Bytes of a transaction's id.
  public var idBytes = 128
  /// Bytes of a transaction's author.
  public var authorBytes = 512
  /// Bytes of a transaction's summary.
  public var summaryBytes = 1_024
  /// Shortest time to live of a lease.
  public var shortestLease = Duration.milliseconds(1)
  /// Longest time to live of a lease.
  public var longestLease = Duration.seconds(365 * 86_400)

  /// The defaults.
  public init() {}

  /// Checks a transaction before anything is done for it.
  /// - Throws: `StateStoreError` of code `invalidArgument` that says which bound was passed and by what.
  public func check(_ transaction: StateTransaction) throws(StateStoreError) {
    try checkText(transaction.id, "transaction id", bytes: 1...idBytes)
    try checkText(transaction.author, "author of a transaction", bytes: 1...authorBytes)
    try checkText(transaction.summary, "summary of a transaction", bytes: 0...summaryBytes)
    try checkCount(transaction.changes.count, "changes", changes)
    try checkCount(transaction.conditions.count, "conditions", conditions)
    for condition in transaction.conditions { try check(key: condition.key) }
    try checkChanges(transaction)
  }

  /// Checks a key.
  /// - Throws: `StateStoreError` of code `invalidArgument`.
  public func check(key: String) throws(StateStoreError) { try checkText(key, "key", bytes: 1...keyBytes) }

  /// Checks the beginning of keys; an empty one means all keys.
  /// - Throws: `StateStoreError` of code `invalidArgument`.
  public func check(prefix: String) throws(StateStoreError) { try checkText(prefix, "prefix", bytes: 0...keyBytes) }

  /// Checks a lease's time to live.
  /// - Throws: `StateStoreError` of code `invalidArgument`.
  public func check(timeToLive: Duration) throws(StateStoreError) {
    guard timeToLive >= shortestLease, timeToLive <= longestLease else {
      throw StateStoreError(
        .invalidArgument, "a lease lives between \(shortestLease) and \(longestLease), not \(timeToLive)")
    }
  }

  private func checkChanges(_ transaction: StateTransaction) throws(StateStoreError) {
    var keys = Set<[UInt8]>()
    for change in transaction.changes {
      try check(key: change.key)
      // Bytes, since Swift takes strings for equal that differ in how they compose a letter.
      guard keys.insert(Array(change.key.utf8)).inserted else {
        throw StateStoreError(.invalidArgument, "a transaction changes the key '\(change.key)' twice")
      }
      guard case .put(let key, let value, _) = change else { continue }
      guard value.count <= valueBytes else {
        throw StateStoreError(
          .invalidArgument, "the value of '\(key)' has \(value.count) bytes; at most \(valueBytes) are stored")
      }
    }
    let bytes = transaction.byteCount
    guard bytes <= transactionBytes else {
      throw StateStoreError(
        .invalidArgument, "a transaction of \(bytes) bytes is more than \(transactionBytes): split it")
    }
  }

  private func checkText(_ text: String, _ what: String, bytes: ClosedRange<Int>) throws(StateStoreError) {
    let count = text.utf8.count
    guard bytes.contains(count) else {
      throw StateStoreError(
        .invalidArgument, "a \(what) has \(bytes.lowerBound) to \(bytes.upperBound) bytes, not \(count)")
    }
    guard !text.utf8.contains(0) else { throw StateStoreError(.invalidArgument, "a \(what) cannot contain NUL") }
  }

  private func checkCount(_ count: Int, _ what: String, _ bound: Int) throws(StateStoreError) {
    guard count <= bound else {
      throw StateStoreError(.invalidArgument, "a transaction has at most \(bound) \(what), not \(count): split it")
    }
  }
}

extension StateTransaction {
  /// Bytes of all that it carries: keys, values, id, author and summary.
  public var byteCount: Int {
    changes.reduce(id.utf8.count + author.utf8.count + summary.utf8.count) { sum, change in
      guard case .put(_, let value, _) = change else { return sum + change.key.utf8.count }
      return sum + change.key.utf8.count + value.count
    }
  }
}

extension StateCondition {
  /// The key that it is about.
  public var key: String {
    switch self {
    case .absent(let key), .present(let key), .unchanged(let key, _): key
    }
  }

  /// Whether it holds for the key's last change; nil when the key is absent.
  public func holds(modified: Revision?) -> Bool {
    switch self {
    case .absent: modified == nil
    case .present: modified != nil
    case .unchanged(_, let since): modified == since
    }
  }

  /// The error of a transaction whose condition this is and does not hold.
  public func conflict(modified: Revision?) -> StateStoreError {
    let found = modified.map { "it was last changed by revision \($0)" } ?? "there is no such key"
    let wanted =
      switch self {
      case .absent: "must not exist"
      case .present: "must exist"
      case .unchanged(_, let since): "must not have changed since revision \(since)"
      }
    return StateStoreError(.conflict, "the key '\(key)' \(wanted), but \(found): read it again and decide anew")
  }
}
