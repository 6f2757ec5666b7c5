import QueryAlgebra
import QueryValues

extension GremlinParser {
  /// Reads an argument that begins with a name.
  mutating func readNamed(_ name: String) throws(QueryError) -> Bytecode.Argument {
    let following = tokens[position + 1].kind
    switch name {
    case "null", "true", "false", "NaN", "Infinity":
      position += 1
      return .value(Self.literal(name))
    case "__":
      position += 1
      if isSymbol(".") {
        position += 1
        return .traversal(try readTraversal())
      }
      return .traversal(Bytecode())
    case "new":
      position += 1
      guard case .name(let type) = peek.kind else { throw unexpected("the name of a type") }
      return try readConstruction(type)
    case "g" where following == .symbol("."):
      throw error("A traversal inside of another one begins with __, not with g.")
    default: break
    }
    if following == .symbol("(") { return try readCall(name) }
    if following == .symbol("."), case .name(let member) = tokens[position + 2].kind {
      return try readMember(name, member)
    }
    if following == .symbol("-"), tokens[position + 2].kind == .symbol(">") { throw lambda() }
    if let value = names[name] ?? GremlinNames.constant(name) {
      position += 1
      return value
    }
    if name.hasSuffix("Strategy") { return try readConstruction(name) }
    throw QueryError(
      .syntax, "The name \(name) is not known: it is no constant of Gremlin, and the request does not bind it.",
      offset: peek.offset)
  }

  private static func literal(_ name: String) -> Value {
    switch name {
    case "true": .boolean(true)
    case "false": .boolean(false)
    case "NaN": .float(.nan)
    case "Infinity": .float(.infinity)
    default: .null
    }
  }

  /// Reads `name(…)`: a predicate, a function of values, a strategy, or an anonymous traversal.
  private mutating func readCall(_ name: String) throws(QueryError) -> Bytecode.Argument {
    if name.hasSuffix("Strategy") { return try readConstruction(name) }
    switch name {
    case "datetime", "DateTime": return try readDateTime()
    case "UUID", "Duration", "Binary", "Char", "date": throw unsupportedType(name)
    case "Vertex", "ReferenceVertex", "DetachedVertex", "Edge", "ReferenceEdge": return try readConstruction(name)
    case "expr":
      position += 1
      return .predicate(type: "Expression", name: "expr", try readArguments())
    default: break
    }
    guard let type = GremlinNames.predicates[name] else { return .traversal(try readTraversal()) }
    let start = position
    position += 1
    let arguments = try readArguments()
    // not() is a step, too.
    if name == "not", case .traversal? = arguments.first {
      position = start
      return .traversal(try readTraversal())
    }
    return .predicate(type: type, name: name, arguments)
  }

  /// Reads `Type.member` or `Type.function(…)`.
  private mutating func readMember(_ type: String, _ member: String) throws(QueryError) -> Bytecode.Argument {
    switch (type, member) {
    case ("P", _), ("TextP", _):
      position += 3
      guard GremlinNames.predicates[member] != nil else { throw error("\(type) has no predicate \(member).") }
      return .predicate(type: type, name: member, try readArguments())
    case ("Lambda", _): throw lambda()
    case ("Double", _), ("Float", _), ("Integer", _), ("Long", _):
      guard let value = Self.javaConstant(type, member) else { throw error("\(type) has no constant \(member).") }
      position += 3
      return .value(value)
    default: break
    }
    guard let constant = GremlinNames.constant(type, member) else {
      throw error("\(type).\(member) is not known. Bind values of other types, and write code as steps.")
    }
    position += 3
    return constant
  }

  private static func javaConstant(_ type: String, _ member: String) -> Value? {
    switch (type, member) {
    case ("Double", "NaN"): .float(.nan)
    case ("Double", "POSITIVE_INFINITY"): .float(.infinity)
    case ("Double", "NEGATIVE_INFINITY"): .float(-.infinity)
    case ("Double", "MAX_VALUE"): .float(.greatestFiniteMagnitude)
    case ("Float", "NaN"): .float32(.nan)
    case ("Float", "POSITIVE_INFINITY"): .float32(.infinity)
    case ("Float", "NEGATIVE_INFINITY"): .float32(-.infinity)
    case ("Integer", "MAX_VALUE"): .integer32(.max)
    case ("Integer", "MIN_VALUE"): .integer32(.min)
    case ("Long", "MAX_VALUE"): .integer(.max)
    case ("Long", "MIN_VALUE"): .integer(.min)
    default: nil
    }
  }

  /// Reads `Type(…)`: a strategy with its settings, or a vertex by its identifier.
  private mutating func readConstruction(_ type: String) throws(QueryError) -> Bytecode.Argument {
    position += 1
    if type.hasSuffix("Strategy") { return .strategy(name: type, isSymbol("(") ? try readSettings() : []) }
    switch type {
    case "Vertex", "ReferenceVertex", "DetachedVertex":
      let arguments = try readArguments()
      guard case .value(let id)? = arguments.first else { throw error("\(type) needs the identifier of a vertex.") }
      switch id {
      case .integer(let id): return .value(.vertex(Vertex(id: id)))
      case .integer32(let id): return .value(.vertex(Vertex(id: Int64(id))))
      case .string(let text):
        if let id = Int64(text) { return .value(.vertex(Vertex(id: id))) }
      default: break
      }
      throw error("\(type) needs the identifier of a vertex as a whole number.")
    case "Date", "Timestamp": throw unsupportedType(type)
    default: throw error("Values of \(type) cannot be made in a script. Bind them.")
    }
  }

  /// Reads `(name: value, …)`.
  private mutating func readSettings() throws(QueryError) -> [(key: String, value: Bytecode.Argument)] {
    var settings: [(key: String, value: Bytecode.Argument)] = []
    try expect("(")
    if takeSymbol(")") { return settings }
    repeat {
      guard case .name(let name) = peek.kind else { throw unexpected("the name of a setting") }
      position += 1
      guard takeSymbol(":") || takeSymbol("=") else { throw unexpected("':'") }
      settings.append((key: name, value: try readArgument()))
    } while takeSymbol(",")
    try expect(")")
    return settings
  }

  private mutating func readDateTime() throws(QueryError) -> Bytecode.Argument {
    let start = peek.offset
    position += 1
    guard case .value(.string(let text))? = try readArguments().first else {
      throw GremlinLexer.error("datetime() needs a text such as '2024-01-31T12:00:00Z'.", start)
    }
    guard let time = GremlinDateTime.parse(text) else {
      throw GremlinLexer.error("'\(text.prefix(40))' is no date. Write it as '2024-01-31T12:00:00Z'.", start)
    }
    return .value(.temporal(.dateTime(time)))
  }

  private func unsupportedType(_ type: String) -> QueryError {
    QueryError(
      .unsupported, "Values of the type \(type) are not supported. Use numbers, texts or datetime().",
      offset: peek.offset)
  }
}
