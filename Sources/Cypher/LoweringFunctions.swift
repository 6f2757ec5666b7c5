import QueryAlgebra
import QueryValues

/// Calls of functions.
extension Lowering {
  mutating func lowerCall(_ call: CallSyntax, _ context: Context, _ position: Position) throws(QueryError) -> Typed {
    if call.aggregate != nil { throw misplacedAggregation(call, try undefinedInside(call, context), position) }
    if call.name == "exists", call.arguments.count == 1 { return try lowerExists(call.arguments[0], context) }
    guard let arity = catalogue.arity(call.name) else {
      throw QueryError(
        .syntax, detail: "UnknownFunction", "There is no function '\(call.name)'. SHOW FUNCTIONS lists them.",
        offset: position.offset)
    }
    guard arity.contains(call.arguments.count) else {
      let expected = arity.count == 1 ? "\(arity.lowerBound)" : "\(arity.lowerBound) to \(arity.upperBound)"
      throw invalidCount(call, arity.upperBound == .max ? "at least \(arity.lowerBound)" : expected, position)
    }
    guard !call.distinct else {
      throw QueryError(
        .syntax, detail: "UnexpectedSyntax", "DISTINCT belongs to aggregations; '\(call.name)' is none. Leave it out.",
        offset: position.offset)
    }
    var arguments: [Typed] = []
    for argument in call.arguments { arguments.append(try lower(argument, context)) }
    try checkArgument(call, arguments, position)
    return Typed(.call(call.name, arguments.map(\.expression)), resultType(of: call.name, arguments))
  }

  /// An error for a variable in the arguments that is not defined, which explains more than the aggregation itself.
  private mutating func undefinedInside(_ call: CallSyntax, _ context: Context) throws(QueryError) -> Bool {
    var context = context
    context.hidden = []
    for argument in call.arguments where !argument.aggregates { _ = try lower(argument, context) }
    return true
  }

  private func misplacedAggregation(_ call: CallSyntax, _ isDefined: Bool, _ position: Position) -> QueryError {
    QueryError(
      .syntax, detail: "InvalidAggregation",
      "\(call.name)() cannot stand here, because it aggregates rows. Compute it in WITH or RETURN first.",
      offset: position.offset)
  }

  func invalidCount(_ call: CallSyntax, _ expected: String, _ position: Position) -> QueryError {
    QueryError(
      .syntax, detail: "InvalidNumberOfArguments",
      "\(call.name)() takes \(expected) arguments, but \(call.arguments.count) are given.", offset: position.offset)
  }

  private mutating func lowerExists(_ argument: ExpressionSyntax, _ context: Context) throws(QueryError) -> Typed {
    if case .pattern = argument.kind { return try lower(argument, context, isCondition: true) }
    return Typed(.unary(.isNotNull, try lower(argument, context).expression), .boolean)
  }

  // MARK: Types

  private static let elements = "a node or a relationship"

  /// What the first argument of a function must be, as far as it is known.
  private func checkArgument(_ call: CallSyntax, _ arguments: [Typed], _ position: Position) throws(QueryError) {
    guard let type = arguments.first?.type, type != .any, type != .null else { return }
    let expected: String
    let fits: Bool
    switch call.name {
    case "labels": (expected, fits) = ("a node", type == .node)
    case "type", "startnode", "endnode": (expected, fits) = ("a relationship", type == .relationship)
    case "length", "nodes", "relationships", "rels": (expected, fits) = ("a path", type == .path)
    case "id", "elementid": (expected, fits) = (Lowering.elements, type == .node || type == .relationship)
    case "properties", "keys":
      (expected, fits) = ("\(Lowering.elements) or a map", type == .node || type == .relationship || type == .map)
    case "size": (expected, fits) = ("a list or a string", type == .string || type.isList)
    default: return
    }
    guard fits else { throw invalidType("The argument of \(call.name)()", expected, type, position) }
  }

  private func resultType(of function: String, _ arguments: [Typed]) -> CypherType {
    switch function {
    case "labels", "keys", "split": .list(.string)
    case "type", "elementid", "tolower", "toupper", "trim", "ltrim", "rtrim", "substring", "replace", "left", "right":
      .string
    case "size", "length", "id", "tointeger", "timestamp": .integer
    case "tofloat", "sqrt", "sin", "cos", "tan", "log", "log10", "exp", "rand", "pi", "e": .float
    case "toboolean", "isempty", "isnan": .boolean
    case "nodes": .list(.node)
    case "relationships", "rels": .list(.relationship)
    case "startnode", "endnode": .node
    case "properties": .map
    case "range": .list(.integer)
    default: .any
    }
  }
}

extension CypherType {
  /// Whether the type is a list of anything.
  var isList: Bool {
    if case .list = self { true } else { false }
  }
}
