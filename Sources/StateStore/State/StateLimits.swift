/// The limits of a state store. They are those of etcd (a request of 1.5 MiB, 128 operations in a transaction), so that the
/// clustered store accepts everything the embedded one accepts.
public struct StateLimits: Sendable, Equatable {
  /// The maximum size of a key in bytes of UTF-8.
  public var keyBytes = 512
  /// The maximum size of a value in bytes.
  public var valueBytes = 1_572_864
  /// The maximum size of a transaction in bytes: keys, values, id, author and summary.
  public var transactionBytes = 1_572_864 + 65_536
  /// The maximum number of changes in a transaction.
  public var changes = 128
  /// The maximum number of conditions in a transaction.
  public var conditions = 128
  /// The maximum size of a transaction's id in bytes.
  public var idBytes = 128
  /// The maximum size of a transaction's author in bytes.
  public var authorBytes = 512
  /// The maximum size of a transaction's summary in bytes.
  public var summaryBytes = 1_024
  /// The shortest time to live of a lease.
  public var shortestLease = Duration.milliseconds(1)
  /// The longest time to live of a lease.
  public var longestLease = Duration.seconds(365 * 86_400)

  /// Creates the default limits.
  public init() {}

  /// Checks a transaction before it is processed.
  /// - Throws: `StateStoreError` of code `invalidArgument` that names the exceeded limit and what exceeds it.
  public func check(_ transaction: StateTransaction) throws(StateStoreError) {
    try checkText(transaction.id, "transaction id", bytes: 1...idBytes)
    try checkText(transaction.author, "transaction author", bytes: 1...authorBytes)
    try checkText(transaction.summary, "transaction summary", bytes: 0...summaryBytes)
    try checkCount(transaction.changes.count, "changes", changes)
    try checkCount(transaction.conditions.count, "conditions", conditions)
    for condition in transaction.conditions { try check(key: condition.key) }
    try checkChanges(transaction)
  }

  /// Checks a key.
  /// - Throws: `StateStoreError` of code `invalidArgument`.
  public func check(key: String) throws(StateStoreError) { try checkText(key, "key", bytes: 1...keyBytes) }

  /// Checks a prefix; an empty one stands for all keys.
  /// - Throws: `StateStoreError` of code `invalidArgument`.
  public func check(prefix: String) throws(StateStoreError) { try checkText(prefix, "prefix", bytes: 0...keyBytes) }

  /// Checks the time to live of a lease.
  /// - Throws: `StateStoreError` of code `invalidArgument`.
  public func check(timeToLive: Duration) throws(StateStoreError) {
    guard timeToLive >= shortestLease, timeToLive <= longestLease else {
      throw StateStoreError(
        .invalidArgument,
        "the duration of a lease must be between \(shortestLease) and \(longestLease), not \(timeToLive)")
    }
  }

  private func checkChanges(_ transaction: StateTransaction) throws(StateStoreError) {
    var keys = Set<[UInt8]>()
    for change in transaction.changes {
      try check(key: change.key)
      // Compare bytes: Swift strings that differ only in their composition of characters compare equal.
      guard keys.insert(Array(change.key.utf8)).inserted else {
        throw StateStoreError(.invalidArgument, "a transaction changes the key '\(change.key)' twice")
      }
      guard case .put(let key, let value, _) = change else { continue }
      guard value.count <= valueBytes else {
        throw StateStoreError(
          .invalidArgument, "the value of '\(key)' has \(value.count) bytes; the limit is \(valueBytes)")
      }
    }
    let bytes = transaction.byteCount
    guard bytes <= transactionBytes else {
      throw StateStoreError(
        .invalidArgument, "a transaction has \(bytes) bytes; the limit is \(transactionBytes): split it")
    }
  }

  private func checkText(_ text: String, _ what: String, bytes: ClosedRange<Int>) throws(StateStoreError) {
    let count = text.utf8.count
    guard bytes.contains(count) else {
      throw StateStoreError(
        .invalidArgument, "a \(what) must have \(bytes.lowerBound) to \(bytes.upperBound) bytes, not \(count)")
    }
    guard !text.utf8.contains(0) else { throw StateStoreError(.invalidArgument, "a \(what) may not contain NUL") }
  }

  private func checkCount(_ count: Int, _ what: String, _ bound: Int) throws(StateStoreError) {
    guard count <= bound else {
      throw StateStoreError(.invalidArgument, "a transaction has \(count) \(what); the limit is \(bound): split it")
    }
  }
}

extension StateTransaction {
  /// The size of the transaction in bytes: keys, values, id, author and summary.
  public var byteCount: Int {
    changes.reduce(id.utf8.count + author.utf8.count + summary.utf8.count) { sum, change in
      guard case .put(_, let value, _) = change else { return sum + change.key.utf8.count }
      return sum + change.key.utf8.count + value.count
    }
  }
}

extension StateCondition {
  /// The key of the condition.
  public var key: String {
    switch self {
    case .absent(let key), .present(let key), .unchanged(let key, _): key
    }
  }

  /// Returns whether the condition holds for the revision of the key's last change; nil if the key is absent.
  public func holds(modified: Revision?) -> Bool {
    switch self {
    case .absent: modified == nil
    case .present: modified != nil
    case .unchanged(_, let since): modified == since
    }
  }

  /// Returns the error of a transaction for which this condition does not hold.
  public func conflict(modified: Revision?) -> StateStoreError {
    let found = modified.map { "it was last changed by revision \($0)" } ?? "it does not exist"
    let wanted =
      switch self {
      case .absent: "must not exist"
      case .present: "must exist"
      case .unchanged(_, let since): "must not have changed since revision \(since)"
      }
    return StateStoreError(.conflict, "the key '\(key)' \(wanted), but \(found): read it again and retry")
  }
}
