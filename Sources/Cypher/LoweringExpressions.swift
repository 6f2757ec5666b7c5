import QueryAlgebra
import QueryValues

/// Expressions. What a case needs more than a few lines for has a function of its own, which keeps the stack small.
extension Lowering {
  /// Lowers an expression.
  /// - Parameter isCondition: Whether the value decides something; only there a pattern may stand for its existence.
  mutating func lower(_ syntax: ExpressionSyntax, _ context: Context, isCondition: Bool = false) throws(QueryError)
    -> Typed
  {
    if !context.computed.isEmpty, let computed = context.computed[syntax] { return computed }
    switch syntax.kind {
    case .literal(let literal): return lower(literal)
    case .parameter(let name): return Typed(.parameter(name))
    case .variable(let name): return try lowerVariable(name, context, syntax.position)
    case .unary(let symbol, let operand): return try lowerUnary(symbol, operand, context)
    case .binary(let symbol, let left, let right): return try lowerBinary(symbol, left, right, context, syntax.position)
    case .junction(let symbol, let operands): return try lowerJunction(symbol, operands, context)
    case .comparisons(let operands, let symbols): return try lowerComparisons(operands, symbols, context)
    case .property(let base, let key): return try lowerProperty(base, key, context)
    case .call(let call): return try lowerCall(call, context, syntax.position)
    case .list(let elements): return try lowerList(elements, context)
    case .map(let entries): return Typed(.map(try lowerEntries(entries, context)), .map)
    case .subscripted(let base, let index): return try lowerSubscript(base, index, context)
    case .slice(let base, let from, let to): return try lowerSlice(base, from, to, context)
    default: return try lowerForm(syntax, context, isCondition)
    }
  }

  private mutating func lowerForm(_ syntax: ExpressionSyntax, _ context: Context, _ isCondition: Bool)
    throws(QueryError) -> Typed
  {
    switch syntax.kind {
    case .alternatives(let subject, let alternatives, let otherwise):
      return try lowerAlternatives(subject, alternatives, otherwise, context)
    case .comprehension(let inner): return try lowerComprehension(inner, context)
    case .quantifier(let quantifier, let inner): return try lowerQuantifier(quantifier, inner, context)
    case .reduce(let reduce): return try lowerReduce(reduce, context)
    case .hasLabels(let base, let labels):
      let value = try lower(base, context)
      try requireElement(value, "The operand of a label predicate", base.position)
      return Typed(.hasLabels(value.expression, labels), .boolean)
    case .projection(let base, let items): return try lowerMapProjection(base, items, context)
    case .pattern(let part): return try lowerPatternExpression(part, context, isCondition, syntax.position)
    case .patternComprehension(let part, let filter, let result):
      return try lowerPatternComprehension(part, filter, result, context)
    case .subquery(let kind, let query): return try lowerSubquery(kind, query, context)
    default:
      throw QueryError(.internal, "An expression has no lowering. Report this query.", offset: syntax.position.offset)
    }
  }

  private func lower(_ literal: LiteralSyntax) -> Typed {
    switch literal {
    case .null: Typed(.literal(.null), .null)
    case .boolean(let value): Typed(.literal(.boolean(value)), .boolean)
    case .integer(let value): Typed(.literal(.integer(value)), .integer)
    case .float(let value): Typed(.literal(.float(value)), .float)
    case .string(let value): Typed(.literal(.string(value)), .string)
    }
  }

  private func lowerVariable(_ name: String, _ context: Context, _ position: Position) throws(QueryError) -> Typed {
    guard let variable = context.scope[name] else { throw context.undefined(name, at: position) }
    return Typed(.slot(variable.slot), variable.type)
  }

  private mutating func lowerProperty(_ base: ExpressionSyntax, _ key: String, _ context: Context) throws(QueryError)
    -> Typed
  {
    let value = try lower(base, context)
    switch value.type {
    case .any, .null, .map, .node, .relationship: return Typed(.property(value.expression, key: key))
    case .path:
      throw invalidType("What has the property '\(key)'", "a node, a relationship or a map", .path, base.position)
    default:
      throw QueryError(
        .type, detail: "InvalidArgumentType",
        "What has the property '\(key)' must be a node, a relationship or a map, but \(value.type.name) is given.",
        offset: base.position.offset)
    }
  }

  private mutating func lowerList(_ elements: [ExpressionSyntax], _ context: Context) throws(QueryError) -> Typed {
    var values: [Expression] = []
    var type = CypherType.null
    for element in elements {
      let value = try lower(element, context)
      values.append(value.expression)
      type = type.joined(with: value.type)
    }
    return Typed(.list(values), .list(type))
  }

  mutating func lowerEntries(_ entries: [EntrySyntax], _ context: Context) throws(QueryError) -> [(
    key: String, value: Expression
  )] {
    var values: [(key: String, value: Expression)] = []
    for entry in entries { values.append((entry.key, try lower(entry.value, context).expression)) }
    return values
  }

  private mutating func lowerSubscript(_ base: ExpressionSyntax, _ index: ExpressionSyntax, _ context: Context)
    throws(QueryError) -> Typed
  {
    let value = try lower(base, context)
    let position = try lower(index, context)
    switch value.type {
    case .list(let element): return Typed(.subscripted(value.expression, position.expression), element)
    case .any, .null, .map, .node, .relationship: return Typed(.subscripted(value.expression, position.expression))
    default:
      throw QueryError(
        .type, detail: "InvalidArgumentType",
        "What stands before [ ] must be a list, a map, a node or a relationship, but \(value.type.name) is given.",
        offset: base.position.offset)
    }
  }

  private mutating func lowerSlice(
    _ base: ExpressionSyntax, _ from: ExpressionSyntax?, _ to: ExpressionSyntax?, _ context: Context
  ) throws(QueryError) -> Typed {
    let value = try lower(base, context)
    var bounds: [Expression?] = []
    for bound in [from, to] {
      if let bound { bounds.append(try lower(bound, context).expression) } else { bounds.append(nil) }
    }
    return Typed(.slice(value.expression, from: bounds[0], to: bounds[1]), value.type)
  }

  func requireElement(_ value: Typed, _ what: String, _ position: Position) throws(QueryError) {
    switch value.type {
    case .any, .null, .node, .relationship: return
    default: throw invalidType(what, "a node or a relationship", value.type, position)
    }
  }
}
