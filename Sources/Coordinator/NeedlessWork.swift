import Engines

/// Determines the operations of a step that need not run, because their results are only unloaded.
///
/// The client unloads an object when Python destroys it, even if the object could not be made, and for that sends the operations
/// that make it once more, followed by the unload. Without this check, the next statement after Ctrl-C would wait for the
/// algorithm that was just cancelled, and after an error for the load that fails again.
enum NeedlessWork {
  /// Returns the keys of those operations.
  ///
  /// An operation that makes an object is needless if the step unloads the object and no needed operation uses it. An operation
  /// whose object is not unloaded is needless if only needless operations use it, and its client has received no answer for it
  /// yet (`isUnanswered`): the client may remember the key of an answered one.
  static func keys(
    in operations: [StepOperation], isUnanswered: (OperationKey) -> Bool
  ) -> Set<OperationKey> {
    var uses: [OperationKey: Uses] = [:]
    var needless: Set<OperationKey> = []
    var seen: Set<OperationKey> = []
    for operation in operations.reversed() {
      // A key that occurs twice is not analysed.
      let isLast = seen.insert(operation.key).inserted
      let use = uses[operation.key] ?? Uses()
      if operation.unloads {
        for parent in operation.parents { uses[parent, default: Uses()].isUnloaded = true }
      } else if isLast, operation.onlyMakes, !use.isNeeded,
        use.isUnloaded || (use.isUsed && (operation.isCheap || isUnanswered(operation.key)))
      {
        needless.insert(operation.key)
        for parent in operation.parents { uses[parent, default: Uses()].isUsed = true }
      } else {
        needless.remove(operation.key)
        for parent in operation.parents { uses[parent, default: Uses()].isNeeded = true }
      }
    }
    return needless
  }

  /// How the following operations use a result.
  private struct Uses {
    var isUnloaded = false
    var isUsed = false
    var isNeeded = false
  }
}

/// Operations of a session that ended without a result known to the client: cancelled, failed or needless. The destructors that
/// refer to them follow at once, so only a few are remembered.
struct UnansweredOperations {
  private static let maximumKeys = 1024
  private static let maximumKeyBytes = 64
  private static let maximumErrors = 16

  private var keys: Set<OperationKey> = []
  /// The errors of the failed ones, newest last.
  private var errors: [(key: OperationKey, error: EngineError)] = []

  /// Whether the operation is among them.
  func contains(_ key: OperationKey) -> Bool { keys.contains(key) }

  /// Returns the error of an operation; nil if it did not fail.
  func error(of key: OperationKey) -> EngineError? { errors.last { $0.key == key }?.error }

  /// Records the operations of a cancelled step.
  mutating func cancelled(_ operations: [StepOperation]) { remember(operations[...]) }

  /// Records the operations of an ended step, except those named by `needless`.
  mutating func ended(_ operations: [StepOperation], _ outcome: StepOutcome, needless: Set<OperationKey>) {
    if !keys.isEmpty {
      for (key, _) in outcome.results where !needless.contains(key) { forget(key) }
    }
    let answered = outcome.results.count
    remember(operations.prefix(answered).filter { needless.contains($0.key) }[...])
    guard let failure = outcome.failure, outcome.results.count < operations.count else { return }
    // Operations after the failed one were not run.
    remember(operations.dropFirst(answered))
    guard keys.contains(failure.key), failure.error.description.utf8.count <= 4096 else { return }
    errors = Array(errors.filter { $0.key != failure.key }.suffix(Self.maximumErrors - 1)) + [failure]
  }

  private mutating func remember(_ operations: ArraySlice<StepOperation>) {
    for operation in operations.prefix(Self.maximumKeys) where operation.key.utf8.count <= Self.maximumKeyBytes {
      if keys.count >= Self.maximumKeys { (keys, errors) = ([], []) }
      keys.insert(operation.key)
    }
  }

  private mutating func forget(_ key: OperationKey) {
    if keys.remove(key) != nil { errors.removeAll { $0.key == key } }
  }
}

extension StepOperation {
  /// Whether it unloads something.
  var unloads: Bool { traits.effect == .unloads }

  /// Whether its only effect is to make an object from its parents.
  fileprivate var onlyMakes: Bool { traits.effect == .makes || isCheap }

  /// Whether it costs nothing and leaves only a name behind.
  fileprivate var isCheap: Bool { traits.effect == .names }
}
