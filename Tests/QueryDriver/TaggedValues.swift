import JSON
import QueryAlgebra
import QueryExecution
import QueryValues

/// Values of Gremlin as JSON objects: the type in `t`, the value in `v`. Long numbers are texts, since JSON readers round them.
struct TaggedValues {
  let graph: MemoryGraph

  func decoded(_ json: JSONValue) -> Value {
    let value = json["v"]
    switch (json["t"]?.text, value) {
    case ("b", .bool(let truth)): return .boolean(truth)
    case ("i", .integer(let number)): return .integer32(Int32(clamping: number))
    case ("l", .string(let text)): return .integer(Int64(text) ?? 0)
    case ("d", .string(let text)): return .float(Double(text) ?? .nan)
    case ("f", .string(let text)): return .float32(Float(text) ?? .nan)
    case ("s", .string(let text)): return .string(text)
    case ("L", .array(let elements)): return .list(elements.map(decoded))
    case ("S", .array(let elements)): return .set(elements.map(decoded))
    case ("M", .array(let entries)):
      var map = ValueMap()
      for entry in entries.compactMap(\.elements) where entry.count == 2 { map[decoded(entry[0])] = decoded(entry[1]) }
      return .map(map)
    case ("V", .string(let text)): return .vertex(Vertex(id: Int64(text) ?? -1))
    case ("E", .string(let text)): return Int64(text).flatMap { graph.edge(id: $0) }.map { .edge($0) } ?? .null
    case ("T", .string(let text)): return Token(rawValue: text).map { .token($0) } ?? .null
    case ("D", .string(let text)): return GremlinDateTime.parse(text).map { .temporal(.dateTime($0)) } ?? .null
    default: return .null
    }
  }

  func encoded(_ value: Value) -> JSONValue {
    switch value {
    case .null: tagged("n")
    case .boolean(let truth): tagged("b", .bool(truth))
    case .integer(let number): tagged("l", .string(String(number)))
    case .integer32(let number): tagged("i", .integer(Int64(number)))
    case .float(let number): tagged("d", .string("\(number)"))
    case .float32(let number): tagged("f", .string("\(number)"))
    case .string(let text): tagged("s", .string(text))
    case .list(let elements): tagged("L", .array(elements.map(encoded)))
    case .set(let elements): tagged("S", .array(elements.map(encoded)))
    case .map(let map):
      tagged("M", .array(map.entries.map { .array([encoded($0.key), encoded($0.value)]) }))
    case .vertex(let vertex): tagged("V", .string(String(vertex.id)))
    case .edge(let edge): tagged("E", .string(String(edge.id)))
    case .path(let path):
      .object([
        (key: "t", value: .string("P")), (key: "v", value: .array(path.objects.map(encoded))),
        (key: "l", value: .array(path.labels.map { .array($0.map { .string($0) }) })),
      ])
    case .property(let property):
      .object([
        (key: "t", value: .string("R")), (key: "k", value: .string(property.key)),
        (key: "v", value: encoded(property.value)), (key: "o", value: encoded(property.owner)),
      ])
    case .token(let token): tagged("T", .string(token.rawValue))
    case .temporal(.dateTime(let instant)): tagged("D", .string(GremlinDateTime.text(instant)))
    case .temporal(let temporal): tagged("X", .string(temporal.text))
    }
  }

  private func tagged(_ type: String, _ value: JSONValue = .null) -> JSONValue {
    .object([(key: "t", value: .string(type)), (key: "v", value: value)])
  }
}
