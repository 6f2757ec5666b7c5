import JSON
import QueryValues

/// Writes values in GraphSON 2 and 3 (https://tinkerpop.apache.org/docs/current/dev/io/#graphson). Version 3 has types for lists,
/// sets and maps; version 2 writes JSON's own, whose keys are texts.
struct GraphSONWriter {
  private let names: ElementNames
  private let isVersion3: Bool
  private let hasProperties: Bool
  private let maximumNesting: Int

  init(_ names: ElementNames, isVersion3: Bool, hasProperties: Bool, maximumNesting: Int) {
    self.names = names
    self.isVersion3 = isVersion3
    self.hasProperties = hasProperties
    self.maximumNesting = maximumNesting
  }

  func json(_ value: Value, depth: Int = 0) throws(QueryError) -> JSONValue {
    guard depth <= maximumNesting else {
      throw QueryError(.memory, "A value of the result is nested more than \(maximumNesting) deep; return its parts")
    }
    switch value {
    case .null: return .null
    case .boolean(let value): return .bool(value)
    case .integer(let value): return Self.typed("g:Int64", .integer(value))
    case .integer32(let value): return Self.typed("g:Int32", .integer(Int64(value)))
    case .float(let value): return Self.typed("g:Double", Self.number(value, .double(value)))
    case .float32(let value):
      return Self.typed("g:Float", Self.number(Double(value), Double("\(value)").map { .double($0) } ?? .null))
    case .string(let text): return .string(text)
    case .list(let elements): return try list("g:List", elements, depth)
    case .set(let elements): return try list("g:Set", elements, depth)
    case .map(let map): return try json(map, depth)
    case .vertex(let vertex): return try json(vertex, depth)
    case .edge(let edge): return try json(edge, depth)
    case .path(let path): return try json(path, depth)
    case .property(let property): return try json(property, depth)
    case .token(let token):
      return Self.typed(token == .out || token == .in ? "g:Direction" : "g:T", .string(token.rawValue))
    case .temporal(let temporal): return Self.json(try GremlinTemporal(temporal))
    }
  }

  static func typed(_ type: String, _ value: JSONValue) -> JSONValue {
    .object([("@type", .string(type)), ("@value", value)])
  }

  /// JSON has no numbers that are not finite; GraphSON has texts for them.
  private static func number(_ value: Double, _ finite: JSONValue) -> JSONValue {
    if value.isNaN { return .string("NaN") }
    return value.isInfinite ? .string(value < 0 ? "-Infinity" : "Infinity") : finite
  }

  private static func json(_ temporal: GremlinTemporal) -> JSONValue {
    switch temporal {
    case .instant(let milliseconds): typed("g:Date", .integer(milliseconds))
    case .duration(_, _, let text): typed("gx:Duration", .string(text))
    case .text(let text): .string(text)
    }
  }

  private func list(_ type: String, _ elements: [Value], _ depth: Int) throws(QueryError) -> JSONValue {
    var array: [JSONValue] = []
    for element in elements { array.append(try json(element, depth: depth + 1)) }
    return isVersion3 ? Self.typed(type, .array(array)) : .array(array)
  }

  private func json(_ map: ValueMap, _ depth: Int) throws(QueryError) -> JSONValue {
    var flat: [JSONValue] = []
    var members: [(key: String, value: JSONValue)] = []
    for (key, value) in map.entries {
      let content = try json(value, depth: depth + 1)
      if isVersion3 {
        flat += [try json(key, depth: depth + 1), content]
      } else {
        members.append((try text(ofKey: key, depth), content))
      }
    }
    return isVersion3 ? Self.typed("g:Map", .array(flat)) : .object(members)
  }

  /// A key of a map as version 2 has it.
  private func text(ofKey key: Value, _ depth: Int) throws(QueryError) -> String {
    switch key {
    case .string(let text): return text
    case .token(let token): return token.rawValue
    case .integer(let number): return "\(number)"
    case .integer32(let number): return "\(number)"
    case .boolean(let value): return "\(value)"
    case .float(let number): return "\(number)"
    case .float32(let number): return "\(number)"
    case .vertex(let vertex): return "v[\(vertex.id)]"
    case .null: return "null"
    default: return try json(key, depth: depth + 1).encoded
    }
  }

  // MARK: Elements

  private func json(_ vertex: Vertex, _ depth: Int) throws(QueryError) -> JSONValue {
    var members = reference(vertex, id: "id", label: "label")
    if hasProperties {
      var properties: [(key: String, value: JSONValue)] = []
      for property in names.properties(of: vertex) {
        properties.append((property.key, .array([try json(property, depth + 1)])))
      }
      members.append(("properties", .object(properties)))
    }
    return Self.typed("g:Vertex", .object(members))
  }

  private func reference(_ vertex: Vertex, id: String, label: String) -> [(key: String, value: JSONValue)] {
    [(id, Self.typed("g:Int64", .integer(vertex.id))), (label, .string(names.label(of: vertex)))]
  }

  private func json(_ edge: Edge, _ depth: Int) throws(QueryError) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = [
      ("id", Self.typed("g:Int64", .integer(edge.id))), ("label", .string(names.label(of: edge))),
    ]
    members += reference(edge.target, id: "inV", label: "inVLabel")
    members += reference(edge.source, id: "outV", label: "outVLabel")
    if hasProperties {
      var properties: [(key: String, value: JSONValue)] = []
      for property in names.properties(of: edge) { properties.append((property.key, try json(property, depth + 1))) }
      members.append(("properties", .object(properties)))
    }
    return Self.typed("g:Edge", .object(members))
  }

  private func json(_ property: Property, _ depth: Int) throws(QueryError) -> JSONValue {
    let value = try json(property.value, depth: depth + 1)
    guard let identifier = property.identifier else {
      return Self.typed("g:Property", .object([("key", .string(property.key)), ("value", value)]))
    }
    return Self.typed(
      "g:VertexProperty", .object([("id", .string(identifier)), ("value", value), ("label", .string(property.key))]))
  }

  private func json(_ path: Path, _ depth: Int) throws(QueryError) -> JSONValue {
    let labels = path.objects.indices.map { index in
      Value.set(index < path.labels.count ? path.labels[index].map { .string($0) } : [])
    }
    return Self.typed(
      "g:Path",
      .object([("labels", try list("g:List", labels, depth)), ("objects", try list("g:List", path.objects, depth))]))
  }
}
