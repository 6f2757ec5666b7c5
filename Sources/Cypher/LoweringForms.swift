import QueryAlgebra
import QueryValues

/// CASE, comprehensions, quantifiers, `reduce` and map projections.
extension Lowering {
  mutating func lowerAlternatives(
    _ subject: ExpressionSyntax?, _ alternatives: [AlternativeSyntax], _ otherwise: ExpressionSyntax?,
    _ context: Context
  ) throws(QueryError) -> Typed {
    var type = CypherType.null
    let value: Expression?
    if let subject { value = try lower(subject, context).expression } else { value = nil }
    var branches: [(when: Expression, then: Expression)] = []
    for alternative in alternatives {
      let when = try lower(alternative.when, context, isCondition: subject == nil)
      if subject == nil { try requireBoolean(when, alternative.when) }
      let then = try lower(alternative.then, context)
      type = type.joined(with: then.type)
      branches.append((when.expression, then.expression))
    }
    var rest: Expression?
    if let otherwise {
      let value = try lower(otherwise, context)
      type = type.joined(with: value.type)
      rest = value.expression
    }
    return Typed(.alternatives(subject: value, branches, otherwise: rest), type)
  }

  /// Lowers the list of a comprehension, and yields the context with its variable.
  private mutating func enter(_ inner: ComprehensionSyntax, _ context: Context) throws(QueryError) -> (
    list: Expression, slot: Int, type: CypherType, context: Context
  ) {
    let list = try lower(inner.list, context)
    let slot = newSlot()
    let type: CypherType
    switch list.type {
    case .list(let element): type = element
    case .any, .null: type = .any
    default: throw invalidType("What IN goes through", "a list", list.type, inner.list.position)
    }
    return (list.expression, slot, type, context.adding(inner.variable.text, Variable(slot: slot, type: type)))
  }

  private mutating func lowerPart(_ part: ExpressionSyntax?, _ context: Context, isCondition: Bool) throws(QueryError)
    -> Typed?
  {
    guard let part else { return nil }
    if part.aggregates { try rejectAggregation(in: part) }
    let value = try lower(part, context, isCondition: isCondition)
    if isCondition { try requireBoolean(value, part) }
    return value
  }

  mutating func lowerComprehension(_ inner: ComprehensionSyntax, _ context: Context) throws(QueryError) -> Typed {
    let entered = try enter(inner, context)
    let filter = try lowerPart(inner.filter, entered.context, isCondition: true)
    let result = try lowerPart(inner.result, entered.context, isCondition: false)
    return Typed(
      .comprehension(
        slot: entered.slot, list: entered.list, filter: filter?.expression, result: result?.expression),
      .list(result?.type ?? entered.type))
  }

  mutating func lowerQuantifier(_ quantifier: Quantifier, _ inner: ComprehensionSyntax, _ context: Context)
    throws(QueryError) -> Typed
  {
    let entered = try enter(inner, context)
    guard let predicate = try lowerPart(inner.filter, entered.context, isCondition: true) else {
      throw QueryError(.internal, "A quantifier has no condition. Report this query.")
    }
    return Typed(
      .quantifier(quantifier, slot: entered.slot, list: entered.list, predicate: predicate.expression), .boolean)
  }

  mutating func lowerReduce(_ reduce: ReduceSyntax, _ context: Context) throws(QueryError) -> Typed {
    let initial = try lower(reduce.initial, context)
    let parts = ComprehensionSyntax(variable: reduce.variable, list: reduce.list)
    let entered = try enter(parts, context)
    let accumulator = newSlot()
    let inner = entered.context.adding(reduce.accumulator.text, Variable(slot: accumulator, type: .any))
    if reduce.step.aggregates { try rejectAggregation(in: reduce.step) }
    let step = try lower(reduce.step, inner)
    return Typed(
      .reduce(
        accumulator: accumulator, initial: initial.expression, slot: entered.slot, list: entered.list,
        step: step.expression))
  }

  /// Lowers `variable { .key, .*, key: value }`. With `.*`, the entries of the properties come first.
  mutating func lowerMapProjection(_ base: ExpressionSyntax, _ items: [MapProjectionItem], _ context: Context)
    throws(QueryError) -> Typed
  {
    let value = try lower(base, context)
    switch value.type {
    case .any, .null, .map, .node, .relationship: break
    default:
      throw invalidType("What is projected to a map", "a node, a relationship or a map", value.type, base.position)
    }
    var entries: [(key: String, value: Expression)] = []
    var takesAll = false
    for item in items {
      switch item {
      case .all: takesAll = true
      case .property(let key): entries.append((key, .property(value.expression, key: key)))
      case .entry(let entry): entries.append((entry.key, try lower(entry.value, context).expression))
      }
    }
    let own = takesAll ? try merge(entries, into: value.expression, base.position) : .map(entries)
    // A projection of null is null.
    let isNull = Expression.unary(.isNull, value.expression)
    return Typed(.alternatives(subject: nil, [(isNull, .literal(.null))], otherwise: own), .map)
  }

  private func merge(_ entries: [(key: String, value: Expression)], into base: Expression, _ position: Position)
    throws(QueryError) -> Expression
  {
    let properties = Expression.call("properties", [base])
    guard !entries.isEmpty else { return properties }
    return .call(Lowering.mergeFunction, [properties, .map(entries)])
  }

  /// The function that joins two maps; entries of the second one win.
  static let mergeFunction = "apoc.map.merge"
}
