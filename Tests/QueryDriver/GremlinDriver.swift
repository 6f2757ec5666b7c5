import Gremlin
import JSON
import QueryAlgebra
import QueryExecution
import QueryValues

/// Answers Gremlin scripts: graphs come first, as `{"load": NAME, "vertices": […], "edges": […]}`, then scripts as `{"graph": NAME,
/// "script": TEXT, "bindings": {NAME: VALUE}}`. Values are objects with a type `t` and a value `v`, as in `gremlin_values.py`.
struct GremlinDriver {
  private var graphs: [String: MemoryGraph] = ["empty": MemoryGraph()]

  mutating func answer(to request: JSONValue) -> JSONValue {
    if let name = request["load"]?.text {
      graphs[name] = Self.graph(request)
      return .object([])
    }
    do throws(QueryError) {
      guard let graph = graphs[request["graph"]?.text ?? ""], let script = request["script"]?.text else {
        throw QueryError(.argument, "a request names a graph that was loaded, and a script")
      }
      let values = TaggedValues(graph: graph)
      var bindings: [String: Value] = [:]
      for (name, value) in request["bindings"]?.members ?? [] { bindings[name] = values.decoded(value) }
      let query = try GremlinCompiler.compile(try GremlinParser.parse(script, bindings: bindings))
      let end = ContinuousClock.now + .seconds(10)
      let found = Found()
      try TraversalExecution(query, graph: graph, isCancelled: { ContinuousClock.now > end }).run { value, bulk in
        found.rows.append(.array([values.encoded(value), .integer(bulk)]))
        return found.rows.count < 100_000
      }
      return .object([(key: "results", value: .array(found.rows))])
    } catch {
      return .object([
        (key: "error", value: .string(error.kind.rawValue)), (key: "message", value: .string(error.message)),
      ])
    }
  }

  private final class Found {
    var rows: [JSONValue] = []
  }

  private static func graph(_ request: JSONValue) -> MemoryGraph {
    var graph = MemoryGraph()
    func properties(_ element: JSONValue) -> [(String, Value)] {
      (element["properties"]?.elements ?? []).compactMap { pair in
        guard let pair = pair.elements, pair.count == 2, let key = pair[0].text else { return nil }
        return (key, TaggedValues(graph: graph).decoded(pair[1]))
      }
    }
    for vertex in request["vertices"]?.elements ?? [] {
      _ = graph.addVertex(labels: [vertex["label"]?.text ?? ""], properties: properties(vertex))
    }
    for edge in request["edges"]?.elements ?? [] {
      guard case .integer(let source)? = edge["out"], case .integer(let target)? = edge["in"] else { continue }
      _ = graph.addEdge(
        from: Vertex(id: source), to: Vertex(id: target), label: edge["label"]?.text ?? "",
        properties: properties(edge))
    }
    return graph
  }
}
