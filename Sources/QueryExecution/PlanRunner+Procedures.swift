import QueryAlgebra
import QueryValues

extension PlanRunner {
  /// Runs a procedure for the current row, and yields a row for each of its results.
  func call(
    _ name: String, _ arguments: [Expression], _ results: [(name: String, slot: Int)], _ yield: Yield
  ) throws(QueryError) -> Bool {
    guard let procedure = Procedures.named(name) else { throw Procedures.unknown(name) }
    var values: [Value] = []
    for argument in arguments { values.append(try evaluate(argument)) }
    for record in try procedure.body(values, execution.graph) {
      for (result, slot) in results {
        guard let column = procedure.results.firstIndex(of: result) else {
          throw QueryError(
            .syntax, detail: "UnknownProcedureResult",
            "\(procedure.name)() yields \(procedure.results.joined(separator: ", ")), not \(result)")
        }
        execution.row[slot] = record[column]
      }
      guard try yield() else { return false }
    }
    return true
  }
}
