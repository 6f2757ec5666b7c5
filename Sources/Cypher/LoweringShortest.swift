import QueryAlgebra
import QueryValues

/// Conditions on shortest paths.
///
/// A condition of the MATCH clause decides which paths are looked at, so that the shortest of those that satisfy it is found. One
/// that applied to the path that was found would drop it, and longer paths with it.
extension Lowering {
  /// Moves conditions on shortest paths into the search.
  /// - Returns: What is left of the clause's condition.
  /// - Throws: `QueryError` of the kind `unsupported` for a condition that is not one on each relationship.
  mutating func lowerShortestConditions(_ match: MatchSyntax, _ context: Context, _ graph: inout PatternGraph)
    throws(QueryError) -> ExpressionSyntax?
  {
    guard let filter = match.filter else { return nil }
    var conjuncts = filter.conjuncts
    var position = 0
    for part in match.parts {
      let first = position
      position += part.relationships.count
      guard part.shortest != nil else { continue }
      let path = ShortestVariables(path: part.name?.text, relationships: part.relationships[0].name?.text)
      for conjunct in conjuncts.filter({ path.isMentioned(in: $0) }) {
        try restrict(&graph.relationships[first], with: conjunct, path, context)
      }
      conjuncts.removeAll { path.isMentioned(in: $0) }
    }
    guard conjuncts.count > 1 else { return conjuncts.first }
    return ExpressionSyntax(.junction(.and, conjuncts), at: filter.position, height: filter.height.levels)
  }

  private mutating func restrict(
    _ relationship: inout PatternGraph.Relationship, with conjunct: ExpressionSyntax, _ path: ShortestVariables,
    _ context: Context
  ) throws(QueryError) {
    guard case .quantifier(let quantifier, let inner) = conjunct.kind, quantifier == .all || quantifier == .none,
      let predicate = inner.filter, path.areRelationships(inner.list), !path.isMentioned(in: predicate)
    else {
      throw QueryError(
        .unsupported,
        "The condition on a shortest path is not supported: it would have to be known during the search. Use bounds such as *..5 and all(r IN relationships(p) WHERE …), or filter in a WITH behind.",
        offset: conjunct.position.offset)
    }
    let slot = relationship.condition?.slot ?? newSlot()
    let element = context.adding(inner.variable.text, Variable(slot: slot, type: .relationship, nullable: false))
    var condition = try lowerCondition(predicate, element)
    if quantifier == .none { condition = .unary(.not, condition) }
    relationship.condition = (slot, relationship.condition.map { .binary(.and, $0.1, condition) } ?? condition)
  }
}

/// The variables of a shortest path.
private struct ShortestVariables {
  var path: String?
  var relationships: String?

  func isMentioned(in syntax: ExpressionSyntax) -> Bool {
    [path, relationships].contains { $0.map(syntax.mentions) ?? false }
  }

  /// Whether an expression is the list of the path's relationships.
  func areRelationships(_ syntax: ExpressionSyntax) -> Bool {
    if let relationships, syntax.kind == .variable(relationships) { return true }
    guard let path, case .call(let call) = syntax.kind, ["relationships", "rels"].contains(call.name) else {
      return false
    }
    return call.arguments.map(\.kind) == [.variable(path)]
  }
}

extension ExpressionSyntax {
  /// The operands of AND, or the expression itself.
  fileprivate var conjuncts: [ExpressionSyntax] {
    if case .junction(.and, let operands) = kind { operands.flatMap(\.conjuncts) } else { [self] }
  }
}
