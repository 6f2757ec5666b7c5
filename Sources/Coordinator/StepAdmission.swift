import Engines
import Synchronization
import Vocabulary

extension Session {
  /// The maximum length of an operation's key in UTF-8 bytes; clients use 32.
  static let operationKeyBound = 256

  /// Checks whether a step may run, before any of it is done, so that nothing has to be undone. A step that only unloads may
  /// always run, because it frees space.
  /// - Returns: The first operation that is not allowed, and why; nil if the step may run.
  func refusal(of operations: [StepOperation]) -> (key: OperationKey, error: EngineError)? {
    do {
      for operation in operations { try Self.checkKeys(of: operation) }
      let needed = operations.reduce(0) { $0 + $1.stateBytes }
      guard needed > 0 else { return nil }
      try registry.withLock { registry throws(EngineError) in try registry.admit(operations) }
      try journal.shares.admit(needed, to: id)
      return nil
    } catch {
      return (String(operations.first?.key.prefix(Self.operationKeyBound) ?? ""), error)
    }
  }

  private static func checkKeys(of operation: StepOperation) throws(EngineError) {
    for key in [operation.key] + operation.parents where key.utf8.count > operationKeyBound {
      throw EngineError(
        .invalidArgument,
        "the key of an operation has \(key.utf8.count) bytes; the limit is \(operationKeyBound)")
    }
  }
}

extension StepOperation {
  /// The maximum number of bytes in the state store for what the operation makes.
  fileprivate var stateBytes: Int {
    guard leavesSomething, !unloads else { return 0 }
    var bytes = 2 * StateShares.overhead + 8 * key.utf8.count
    // In a document, every byte of an archive is a number followed by a comma.
    if type == .createApp, let archive = try? algorithm().archive {
      bytes += 4 * min(archive.count, ObjectDocument.archiveBound)
    }
    return bytes
  }
}
