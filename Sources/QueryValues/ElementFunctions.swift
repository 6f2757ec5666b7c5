/// Functions on nodes, relationships and paths, and those that take any value.
enum ElementFunctions {
  static let all: [Function] =
    [
      Function("coalesce", 1...1_000, "(value :: ANY, …) :: ANY", "The first value that is not null.", coalesce),
      Function(
        "nullIf", 2...2, "(value :: ANY, other :: ANY) :: ANY", "Null if the values are equal, else the first.", nullIf),
      Function("exists", 1...1, "(value :: ANY) :: BOOLEAN", "Whether a value is not null.", exists),
      Function("valueType", 1...1, "(value :: ANY) :: STRING", "The name of a value's type.", valueType),
      Function("id", 1...1, "(element :: NODE | RELATIONSHIP) :: INTEGER", "The identifier of an element.", id),
      Function("elementId", 1...1, "(element :: NODE | RELATIONSHIP) :: STRING", "The identifier as text.", elementID),
      Function("labels", 1...1, "(node :: NODE) :: LIST<STRING>", "The labels of a node.", labels),
      Function("type", 1...1, "(relationship :: RELATIONSHIP) :: STRING", "The type of a relationship.", type),
      Function("startNode", 1...1, "(relationship :: RELATIONSHIP) :: NODE", "Where a relationship begins.", startNode),
      Function("endNode", 1...1, "(relationship :: RELATIONSHIP) :: NODE", "Where a relationship ends.", endNode),
      Function(
        "properties", 1...1, "(value :: NODE | RELATIONSHIP | MAP) :: MAP", "The properties as a map.", properties),
      Function(
        "keys", 1...1, "(value :: NODE | RELATIONSHIP | MAP) :: LIST<STRING>", "The names of the properties.", keys),
      Function("length", 1...1, "(path :: PATH) :: INTEGER", "The number of relationships of a path.", length),
      Function("nodes", 1...1, "(path :: PATH) :: LIST<NODE>", "The nodes of a path.", nodes),
      Function(
        "relationships", 1...1, "(path :: PATH) :: LIST<RELATIONSHIP>", "The relationships of a path.", relationships),
      Function(
        "apoc.map.merge", 2...2, "(first :: MAP, second :: MAP) :: MAP",
        "The entries of both maps; those of the second win.", merge),
      Function("timestamp", 0...0, "() :: INTEGER", "Milliseconds since 1970 when the statement began.", timestamp),
      Function("randomUUID", 0...0, "() :: STRING", "A random UUID of version 4.", randomUUID),
    ]

  /// Functions that users of Neo4j know and that are rejected by name; no list shows them.
  static let unsupported: [Function] = [
    ("point", 1...1, "keep coordinates as numbers in two properties"),
    ("point.distance", 2...2, "compute the distance of coordinates with sqrt() or haversin()"),
    ("point.withinBBox", 3...3, "compare the coordinates"),
    ("normalize", 1...2, "normalize texts before they are loaded"),
    ("isNormalized", 1...2, "normalize texts before they are loaded"),
  ].map { name, arity, instead in
    Function(name, arity, "(…)", "Not supported.") { _, _ throws(QueryError) in
      throw QueryError(.unsupported, "\(name)() is not supported; \(instead)")
    }
  }

  @Sendable private static func coalesce(_ values: [Value], _: FunctionContext) -> Value {
    values.first { !$0.isNull } ?? .null
  }

  @Sendable private static func nullIf(_ values: [Value], _: FunctionContext) -> Value {
    Value.equals(values[0], values[1]) == true ? .null : values[0]
  }

  @Sendable private static func exists(_ values: [Value], _: FunctionContext) -> Value { .boolean(!values[0].isNull) }

  @Sendable private static func valueType(_ values: [Value], _: FunctionContext) -> Value {
    .string(values[0].cypherType(depth: 20))
  }

  @Sendable private static func id(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    switch values[0] {
    case .null: return .null
    case .vertex(let vertex): return .integer(vertex.id)
    case .edge(let edge): return .integer(edge.id)
    default: throw .wrongType("id()", takes: "a node or a relationship", not: values[0])
    }
  }

  @Sendable private static func elementID(_ values: [Value], _ context: FunctionContext) throws(QueryError) -> Value {
    guard case .integer(let id) = try id(values, context) else { return .null }
    return .string(String(id))
  }

  @Sendable private static func labels(_ values: [Value], _ context: FunctionContext) throws(QueryError) -> Value {
    switch values[0] {
    case .null: return .null
    case .vertex(let vertex):
      return .list(context.graph.labels(of: vertex).map { .string(context.graph.vertexLabels[$0]) })
    default: throw notTaken("labels()", "a node", values[0])
    }
  }

  @Sendable private static func type(_ values: [Value], _ context: FunctionContext) throws(QueryError) -> Value {
    switch values[0] {
    case .null: return .null
    case .edge(let edge): return .string(context.graph.edgeLabels[context.graph.label(of: edge)])
    default: throw notTaken("type()", "a relationship", values[0])
    }
  }

  @Sendable private static func startNode(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    try edge(values[0], "startNode()").map { .vertex($0.source) } ?? .null
  }

  @Sendable private static func endNode(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    try edge(values[0], "endNode()").map { .vertex($0.target) } ?? .null
  }

  private static func edge(_ value: Value, _ function: String) throws(QueryError) -> Edge? {
    switch value {
    case .null: return nil
    case .edge(let edge): return edge
    default: throw .wrongType(function, takes: "a relationship", not: value)
    }
  }

  @Sendable private static func properties(_ values: [Value], _ context: FunctionContext) throws(QueryError) -> Value {
    let graph = context.graph
    func map(_ properties: [(key: Int, value: Value)]) -> Value {
      .map(ValueMap(properties.map { (graph.propertyKeys[$0.key], $0.value) }))
    }
    switch values[0] {
    case .null, .map: return values[0]
    case .vertex(let vertex): return map(graph.properties(of: vertex))
    case .edge(let edge): return map(graph.properties(of: edge))
    default: throw .wrongType("properties()", takes: "a node, a relationship or a map", not: values[0])
    }
  }

  @Sendable private static func keys(_ values: [Value], _ context: FunctionContext) throws(QueryError) -> Value {
    let graph = context.graph
    switch values[0] {
    case .null: return .null
    case .map(let map): return .list(map.keys)
    case .vertex(let vertex): return .list(graph.properties(of: vertex).map { .string(graph.propertyKeys[$0.key]) })
    case .edge(let edge): return .list(graph.properties(of: edge).map { .string(graph.propertyKeys[$0.key]) })
    default: throw .wrongType("keys()", takes: "a node, a relationship or a map", not: values[0])
    }
  }

  @Sendable private static func merge(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    var result = ValueMap()
    for value in values {
      switch value {
      case .null: continue
      case .map(let map): for (key, value) in map.entries { result[key] = value }
      default: throw .wrongType("apoc.map.merge()", takes: "maps", not: value)
      }
    }
    return .map(result)
  }

  @Sendable private static func length(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    guard let path = try path(values[0], "length()") else { return .null }
    return .integer(Int64(path.objects.count { if case .edge = $0 { true } else { false } }))
  }

  @Sendable private static func nodes(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    guard let path = try path(values[0], "nodes()") else { return .null }
    return .list(path.objects.filter { if case .vertex = $0 { true } else { false } })
  }

  @Sendable private static func relationships(_ values: [Value], _: FunctionContext) throws(QueryError) -> Value {
    guard let path = try path(values[0], "relationships()") else { return .null }
    return .list(path.objects.filter { if case .edge = $0 { true } else { false } })
  }

  private static func path(_ value: Value, _ function: String) throws(QueryError) -> Path? {
    switch value {
    case .null: return nil
    case .path(let path): return path
    default: throw .wrongType(function, takes: "a path", not: value)
    }
  }

  private static func notTaken(_ function: String, _ expected: String, _ value: Value) -> QueryError {
    QueryError(.type, detail: "InvalidArgumentValue", "\(function) takes \(expected), not \(value.typeName)")
  }

  @Sendable private static func timestamp(_: [Value], _ context: FunctionContext) -> Value {
    .integer(context.seconds * 1_000 + Int64(context.nanoseconds / 1_000_000))
  }

  @Sendable private static func randomUUID(_: [Value], _ context: FunctionContext) -> Value {
    let high = context.random.next() & ~0xF000 | 0x4000
    let low = context.random.next() & ~(3 << 62) | 1 << 63
    let digits = Array(hexadecimal(high) + hexadecimal(low))
    let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(decoding: digits[$0], as: UTF8.self) }
    return .string(groups.joined(separator: "-"))
  }

  private static func hexadecimal(_ bits: UInt64) -> [UInt8] {
    let digits = Array(String(bits, radix: 16).utf8)
    return Array(repeating: UInt8(ascii: "0"), count: 16 - digits.count) + digits
  }
}

extension Value {
  /// The type as `valueType()` names it, such as `LIST<INTEGER NOT NULL> NOT NULL`.
  fileprivate func cypherType(depth: Int) -> String {
    switch self {
    case .null: "NULL"
    case .list(let values), .set(let values):
      if values.isEmpty {
        "LIST<NOTHING> NOT NULL"
      } else if depth == 0 {
        "LIST<ANY> NOT NULL"
      } else {
        "LIST<" + Set(values.map { $0.cypherType(depth: depth - 1) }).sorted().joined(separator: " | ") + "> NOT NULL"
      }
    case .temporal(let temporal): temporal.cypherType + " NOT NULL"
    default: typeName.uppercased() + " NOT NULL"
    }
  }
}

extension Temporal {
  fileprivate var cypherType: String {
    switch self {
    case .date: "DATE"
    case .localTime: "LOCAL TIME"
    case .time: "ZONED TIME"
    case .localDateTime: "LOCAL DATETIME"
    case .dateTime: "ZONED DATETIME"
    case .duration: "DURATION"
    }
  }
}
