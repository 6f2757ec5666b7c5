import Cypher
import EmbeddedQuery
import Glibc
import JSON
import QueryAlgebra
import QueryExecution
import QueryValues

/// Answers queries that come as lines of JSON on standard input, one answer a line. Gremlin scripts are `GremlinDriver`'s.
///
/// A request for Cypher, which has a graph of its own, is `{"setup": [CREATE…], "query": TEXT, "parameters": {NAME: LITERAL}}`. The answer has `columns` and `rows`, whose values
/// are Cypher texts, or `error`, or `setup` if the graph could not be made.
@main
struct QueryDriver {
  static func main() {
    var gremlin = GremlinDriver()
    while let line = readLine() {
      let request = try? JSONValue(parsing: line)
      let isCypher = request?["query"] != nil
      print((isCypher ? answer(to: line) : gremlin.answer(to: request ?? .null)).encoded)
      fflush(nil)
    }
  }

  private static func answer(to line: String) -> JSONValue {
    guard let request = try? JSONValue(parsing: line), let text = request["query"]?.text else {
      return .object([(key: "setup", value: .string("the request is no JSON object with a query"))])
    }
    let graph = SharedGraph()
    do throws(QueryError) {
      for setup in request["setup"]?.elements ?? [] { _ = try rows(setup.text ?? "", on: graph, [:]) }
    } catch {
      return .object([(key: "setup", value: .string("\(error)"))])
    }
    var phase = "compile"
    do throws(QueryError) {
      var parameters: [String: Value] = [:]
      for (name, literal) in request["parameters"]?.members ?? [] {
        parameters[name] = try rows("RETURN " + (literal.text ?? "null"), on: graph, [:]).rows[0][0]
      }
      let query = try CypherCompiler.compile(text, catalogue: .standard, writes: .create)
      phase = "runtime"
      var found: [[Value]] = []
      try query.countingByDegree.run(on: graph, parameters: parameters, functions: .now(graph)) { row in
        found.append(row)
        return true
      }
      return .object([
        (key: "columns", value: .array(query.columns.map { .string($0.name) })),
        (key: "rows", value: .array(found.map { .array($0.map { .string($0.cypherText(graph: graph)) }) })),
      ])
    } catch {
      return .object([
        (
          key: "error",
          value: .object([
            (key: "kind", value: .string(error.kind.rawValue)), (key: "detail", value: .string(error.detail)),
            (key: "phase", value: .string(phase)), (key: "message", value: .string(error.message)),
          ])
        )
      ])
    }
  }

  private static func rows(
    _ text: String, on graph: SharedGraph, _ parameters: [String: Value]
  ) throws(QueryError) -> (columns: [String], rows: [[Value]]) {
    let query = try CypherCompiler.compile(text, catalogue: .standard, writes: .create)
    var found: [[Value]] = []
    try query.run(on: graph, parameters: parameters, functions: .now(graph)) { row in
      found.append(row)
      return true
    }
    return (query.columns.map(\.name), found)
  }
}
