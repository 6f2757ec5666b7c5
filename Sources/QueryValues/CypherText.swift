extension Value {
  /// The value as Cypher writes it: `'a'`, `1.0`, `[1, 2]`, `{a: 1}`, `(:Person {name: 'Ann'})`, `[:KNOWS {since: 1999}]`,
  /// `<(:A)-[:T]->(:B)>`; temporal values are quoted texts.
  /// - Parameters:
  ///   - graph: Where labels and properties are read; without one, elements are written with their identifiers.
  ///   - limit: The size in bytes behind which the text ends with `…`.
  public func cypherText(graph: (any QueryGraph)?, limit: Int = ValueLimits.textBytes) -> String {
    var writer = CypherWriter(graph: graph, limit: limit)
    writer.write(self)
    return writer.text
  }
}

private struct CypherWriter {
  let graph: (any QueryGraph)?
  let limit: Int
  private(set) var text = ""
  private var isFull = false

  init(graph: (any QueryGraph)?, limit: Int) {
    self.graph = graph
    self.limit = limit
  }

  private mutating func append(_ part: String) {
    if isFull { return }
    if text.utf8.count + part.utf8.count > limit {
      isFull = true
      text += "…"
    } else {
      text += part
    }
  }

  mutating func write(_ value: Value) {
    if isFull { return }
    switch value {
    case .null: append("null")
    case .boolean, .integer, .float, .integer32, .float32, .token: append(value.plainText ?? "")
    case .string(let text): append(Self.quoted(text))
    case .temporal(let temporal): append(Self.quoted(temporal.text))
    case .list(let values): write(values, "[", "]")
    case .set(let values): write(values, "{", "}")
    case .map(let map):
      write(map.entries.map { ($0.key.plainText ?? $0.key.cypherText(graph: graph, limit: 100), $0.value) })
    case .vertex(let vertex): write(vertex)
    case .edge(let edge): write(edge)
    case .path(let path): write(path)
    case .property(let property):
      append(Self.name(property.key) + ": ")
      write(property.value)
    }
  }

  private mutating func write(_ values: [Value], _ open: String, _ close: String) {
    append(open)
    for (index, value) in values.enumerated() {
      if isFull { return }
      if index > 0 { append(", ") }
      write(value)
    }
    append(close)
  }

  private mutating func write(_ entries: [(String, Value)]) {
    append("{")
    for (index, (key, value)) in entries.enumerated() {
      if isFull { return }
      append((index > 0 ? ", " : "") + Self.name(key) + ": ")
      write(value)
    }
    append("}")
  }

  private mutating func write(_ vertex: Vertex) {
    guard let graph else { return append("(\(vertex.id))") }
    append("(")
    let labels = graph.labels(of: vertex).map { ":" + Self.name(graph.vertexLabels[$0]) }.joined()
    append(labels)
    let properties = graph.properties(of: vertex).map { (graph.propertyKeys[$0.key], $0.value) }
    if !properties.isEmpty {
      if !labels.isEmpty { append(" ") }
      write(properties)
    }
    append(")")
  }

  private mutating func write(_ edge: Edge) {
    guard let graph else { return append("[\(edge.id)]") }
    append("[:" + Self.name(graph.edgeLabels[graph.label(of: edge)]))
    let properties = graph.properties(of: edge).map { (graph.propertyKeys[$0.key], $0.value) }
    if !properties.isEmpty {
      append(" ")
      write(properties)
    }
    append("]")
  }

  private mutating func write(_ path: Path) {
    append("<")
    var previous: Vertex?
    for object in path.objects {
      if case .edge(let edge) = object, let start = previous {
        append(edge.source == start ? "-" : "<-")
        write(edge)
        append(edge.source == start ? "->" : "-")
      } else {
        write(object)
      }
      if case .vertex(let vertex) = object { previous = vertex }
    }
    append(">")
  }

  private static func quoted(_ text: String) -> String {
    var result = "'"
    for scalar in text.unicodeScalars {
      switch scalar {
      case "'": result += "\\'"
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{8}": result += "\\b"
      case "\u{C}": result += "\\f"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "'"
  }

  /// A name, in backticks if it is no identifier.
  private static func name(_ name: String) -> String {
    let isIdentifier =
      name.unicodeScalars.enumerated().allSatisfy { index, scalar in
        scalar == "_" || scalar.properties.isAlphabetic || (index > 0 && scalar.properties.numericType == .decimal)
      } && !name.isEmpty
    if isIdentifier { return name }
    return "`" + name.unicodeScalars.map { $0 == "`" ? "``" : String($0) }.joined() + "`"
  }
}
