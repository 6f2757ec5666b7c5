import QueryAlgebra
import QueryValues

extension GremlinCompiler {
  private mutating func selectStep(_ original: GremlinCall) throws(QueryError) -> Step {
    var call = original
    try call.reject(by: false)
    need(.labels)
    var pop = Pop.last
    if case .constant("Pop", let name)? = call.arguments.first {
      pop = Pop(rawValue: name) ?? .last
      call.arguments.removeFirst()
    }
    guard let first = call.arguments.first else { throw call.mistake("needs labels, a traversal, keys or values.") }
    switch first {
    case .constant("Column", let name):
      guard let column = Column(rawValue: name) else { break }
      return .selectColumn(column)
    case .traversal: return .selectTraversal(pop, try traversal(first, of: "select"), by: try projection(call))
    case .value(.token(let token)):
      return .selectTraversal(pop, Traversal([TraversalStep(.constant(.token(token)))]), by: try projection(call))
    case .predicate("Expression", _, _):
      throw QueryError(.unsupported, "expr() is not supported in select(). Use math() or project(), or Cypher.")
    default: break
    }
    return .select(pop, labels: try call.texts(), by: try projections(call))
  }

  mutating func mapStep(_ call: GremlinCall) throws(QueryError) -> Step? {
    switch call.name {
    case "identity": return .identity
    case "select": return try selectStep(call)
    case "constant":
      try call.count(1...1)
      return .constant(try call.arguments[0].value("constant"))
    case "id": return .id
    case "label": return .label
    case "key": return .key
    case "value": return .value
    case "element": return .element
    case "properties", "values":
      return .properties(keys: try call.keys(), values: call.name == "values")
    case "valueMap", "propertyMap": return .valueMap(try propertyMap(call))
    case "elementMap": return .elementMap(keys: try call.keys())
    case "project": return .project(try projectEntries(call))
    case "path": return .path(try pathRange(call))
    case "loops": return .loops(try call.arguments.first.map { name throws(QueryError) in try name.text("loops") })
    case "map":
      try call.count(1...1)
      return .map(try traversal(call.arguments[0], of: "map"))
    case "flatMap":
      try call.count(1...1)
      return .flatMap(try traversal(call.arguments[0], of: "flatMap"))
    case "unfold": return .unfold
    case "index": return .index(asMap: try indexesAsMap(call))
    case "math":
      try call.count(1...1)
      need(.labels)
      return .math(try GremlinMathParser.parse(try call.arguments[0].text("math")), by: try projections(call))
    case "sack":
      guard let argument = call.arguments.first else { return .sack }
      return .updateSack(try binaryFunction(argument, "sack"), by: try projection(call))
    default: return nil
    }
  }

  private mutating func projectEntries(_ call: GremlinCall) throws(QueryError) -> [(name: String, by: Projection)] {
    let names = try call.texts()
    guard Set(names).count == names.count else { throw call.mistake("has a key twice. Give each key once.") }
    let by = try projections(call)
    var entries: [(name: String, by: Projection)] = []
    for (position, name) in names.enumerated() {
      entries.append((name: name, by: by.isEmpty ? .identity : by[position % by.count]))
    }
    return entries
  }

  private mutating func propertyMap(_ original: GremlinCall) throws(QueryError) -> PropertyMap {
    var call = original
    var includesTokens = false
    if case .value(.boolean(let flag))? = call.arguments.first {
      includesTokens = flag
      call.arguments.removeFirst()
    }
    var map = PropertyMap(keys: try call.keys())
    map.keepsProperties = call.name == "propertyMap"
    map.includesID = includesTokens
    map.includesLabel = includesTokens
    for option in call.with {
      guard Self.option(option.first) == "tokens" else {
        throw call.mistake("takes with(WithOptions.tokens) only.")
      }
      let parts = option.count > 1 ? Self.tokens(option[1]) : 15
      guard let parts else { throw call.mistake("does not know this option of WithOptions.tokens.") }
      map.includesID = parts & 1 != 0
      map.includesLabel = parts & 2 != 0
    }
    if !call.by.isEmpty { map.by = try projection(call) }
    return map
  }

  /// The name of an option: drivers send it as text.
  private static func option(_ argument: Bytecode.Argument?) -> String? {
    switch argument {
    case .constant("WithOptions", let name)?: name
    case .value(.string("~tinkerpop.valueMap.tokens"))?: "tokens"
    case .value(.string("~tinkerpop.index.indexer"))?: "indexer"
    default: nil
    }
  }

  private static func tokens(_ argument: Bytecode.Argument) -> Int64? {
    switch argument {
    case .constant("WithOptions", let name), .value(.string(let name)):
      ["none": 0, "ids": 1, "labels": 2, "keys": 4, "values": 8, "all": 15][name]
    case .value(.boolean(let flag)): flag ? 15 : 0
    default: try? argument.integer("with")
    }
  }

  private func indexesAsMap(_ call: GremlinCall) throws(QueryError) -> Bool {
    var asMap = false
    for option in call.with {
      guard Self.option(option.first) == "indexer", option.count == 2 else {
        throw call.mistake("takes with(WithOptions.indexer, …) only.")
      }
      if case .constant(_, let name) = option[1] {
        asMap = name == "map"
      } else {
        asMap = try option[1].integer("index") == 1
      }
    }
    return asMap
  }
}
