import QueryAlgebra
import QueryValues
import Workers

extension Query {
  /// Runs the query on the calling thread. A query without columns yields no rows.
  /// - Parameters:
  ///   - yield: Receives the columns of each row; false wants no more rows.
  /// - Returns: What each operator yielded, if the query is to be profiled.
  /// - Throws: `QueryError`: what the query says, its limits, or its cancellation.
  @discardableResult public func run(
    on graph: any QueryGraph, parameters: [String: Value] = [:], functions: FunctionContext,
    limits: ExecutionLimits = ExecutionLimits(), cancellation: Cancellation = Cancellation(),
    _ yield: ([Value]) throws(QueryError) -> Bool
  ) throws(QueryError) -> PlanDescription? {
    let (measured, operators) = mode == .profile ? plan.measured() : (plan, 0)
    let execution = Execution(
      graph: graph, parameters: parameters, functions: functions, slots: slots, measured: operators,
      limits: limits, cancellation: cancellation)
    _ = try PlanRunner(execution: execution).run(measured) { () throws(QueryError) in
      columns.isEmpty ? true : try yield(columns.map { execution.row[$0.slot] })
    }
    return mode == .profile ? PlanDescription(plan, rows: execution.rowCounts) : nil
  }
}
