import Engines

/// An operation of a step.
public typealias StepOperation = Operation

/// The outcome of a step: the results of its operations in order, and the error that stopped it, if any.
public struct StepOutcome: Sendable {
  /// The results of the operations that succeeded.
  public var results: [(key: OperationKey, result: AnalyticalResult)] = []
  /// The operation that failed and its error; nil if all succeeded.
  public var failure: (key: OperationKey, error: EngineError)?

  /// Creates an outcome without results.
  public init() {}
}
