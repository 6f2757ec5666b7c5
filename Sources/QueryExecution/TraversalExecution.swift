import QueryAlgebra
import QueryValues

/// Runs a traversal over a graph: a plain interpreter that moves one traverser at a time through the steps.
///
/// A step hands each result to the next one, which answers whether it wants more; so a limit stops the scan in front of it.
/// Barriers hold what they are given until the steps in front of them have ended.
public struct TraversalExecution {
  private let query: TraversalQuery
  private let graph: any QueryGraph
  private let limits: TraversalLimits
  private let isCancelled: @Sendable () -> Bool

  /// Prepares a run.
  /// - Parameter isCancelled: Asked now and then; once it is true, the run ends with an error of the kind `cancelled`.
  public init(
    _ query: TraversalQuery, graph: any QueryGraph, limits: TraversalLimits = TraversalLimits(),
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) {
    self.query = query
    self.graph = graph
    self.limits = limits
    self.isCancelled = isCancelled
  }

  /// Runs the traversal.
  /// - Parameter sink: Receives each result and how often it comes; false ends the run.
  /// - Throws: What goes wrong in a step, `cancelled`, `timeout`, or `memory`.
  public func run(_ sink: @escaping (Value, Int64) throws(QueryError) -> Bool) throws(QueryError) {
    let context = TraversalContext(query, graph: graph, limits: limits, isCancelled: isCancelled)
    try context.checkEnd()
    let runner = TraversalRunner(query.traversal, context: context) { traverser throws(QueryError) in
      try sink(traverser.value, traverser.bulk)
    }
    _ = try runner.push(Traverser(value: .null, sack: query.sack?.initial, isSeed: true))
    try runner.finish()
  }
}
