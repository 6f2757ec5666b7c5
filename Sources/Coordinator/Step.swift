import Engines

/// The client's name of an operation, unique within a session; later operations refer to results by it.
public typealias OperationKey = String

/// One operation of a step and the operations whose results it works on.
public struct StepOperation: Sendable {
  /// The client's name of it.
  public var key: OperationKey
  /// Operations of this or an earlier step, in the order in which the operation wants their results.
  public var parents: [OperationKey]
  /// What to do.
  public var action: Action
  /// The operation as the client wrote it.
  public var original: ClientOperation?

  /// What an operation of a step does.
  public enum Action: Sendable {
    /// Names tables that later operations load.
    case source([TableSource])
    /// Asks the analytical engine.
    case analytical(AnalyticalOperation)
  }

  /// An operation on the results of `parents`.
  public init(key: OperationKey, parents: [OperationKey], action: Action, original: ClientOperation? = nil) {
    self.key = key
    self.parents = parents
    self.action = action
    self.original = original
  }
}

/// How a step ended: results in the order of its operations, as far as it came, and what stopped it.
public struct StepOutcome: Sendable {
  /// The results of the operations that succeeded.
  public var results: [(key: OperationKey, result: AnalyticalResult)] = []
  /// Why the next operation failed, and which one it was; nil when all succeeded.
  public var failure: (key: OperationKey, error: EngineError)?

  /// An outcome without results.
  public init() {}
}
