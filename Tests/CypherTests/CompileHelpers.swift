import Cypher
import QueryAlgebra
import QueryValues

/// Functions and procedures that the tests call.
let catalogue = CypherCatalogue(
  arity: { ["abs": 1...1, "rand": 0...0, "range": 2...3, "coalesce": 1...Int.max, "nope": nil][$0] ?? known($0) },
  procedure: { name in
    switch name {
    case "db.labels": ProcedureSignature(results: [.init("label", .string)])
    case "dbms.procedures": ProcedureSignature(results: [.init("name", .string), .init("signature", .string)])
    case "add": ProcedureSignature(parameters: [.init("a", .integer), .init("b", .float)], results: [.init("sum")])
    default: nil
    }
  })

private func known(_ name: String) -> ClosedRange<Int>? {
  let unary = [
    "labels", "type", "id", "elementid", "length", "size", "nodes", "relationships", "properties", "keys", "startnode",
    "endnode", "tointeger", "date",
  ]
  return unary.contains(name) ? 1...1 : nil
}

/// The text of a query's plan.
func plan(_ text: String) throws -> String {
  PlanText.describe(try CypherCompiler.compile(text, catalogue: catalogue))
}

/// The text of the first column's expression, if nothing but an assignment computes it.
func expression(_ text: String) throws -> String {
  let query = try CypherCompiler.compile("RETURN \(text) AS x", catalogue: catalogue)
  guard case .assign(_, let values) = query.plan, let value = values.last else { return "" }
  return ExpressionText.describe(value.value)
}

/// The error of a query, with its position: `SyntaxError.UndefinedVariable@7`.
func failure(_ text: String) -> String {
  do {
    _ = try CypherCompiler.compile(text, catalogue: catalogue)
    return "none"
  } catch {
    return "\(error.kind.rawValue)\(error.detail.isEmpty ? "" : ".\(error.detail)")@\(error.offset ?? -1)"
  }
}
