import QueryAlgebra
import QueryValues

/// A node in a pattern.
struct NodePatternSyntax: Hashable, Sendable {
  var name: Name?
  var labels: LabelExpression?
  var properties: ExpressionSyntax?
  var predicate: ExpressionSyntax?
  var position: Position
}

/// A relationship in a pattern.
struct RelationshipPatternSyntax: Hashable, Sendable {
  var name: Name?
  var types: LabelExpression?
  var length: LengthSyntax?
  var properties: ExpressionSyntax?
  var predicate: ExpressionSyntax?
  var direction: EdgeDirection
  var position: Position
}

/// The bounds of a relationship of variable length.
struct LengthSyntax: Hashable, Sendable {
  var minimum: Int
  var maximum: Int?
}

/// A chain of nodes and relationships; there is one node more than relationships.
struct PatternPartSyntax: Hashable, Sendable {
  var name: Name?
  var shortest: Shortest?
  var nodes: [NodePatternSyntax]
  var relationships: [RelationshipPatternSyntax]
  var position: Position

  enum Shortest: Hashable, Sendable {
    case one
    case all
  }
}

/// A query, or the body of a subquery: branches joined by UNION.
struct QuerySyntax: Hashable, Sendable {
  var branches: [BranchSyntax]
  /// Whether the branches are joined by UNION ALL.
  var keepsDuplicates = false
}

/// Clauses up to UNION or the end.
struct BranchSyntax: Hashable, Sendable {
  var clauses: [ClauseSyntax]
  var position: Position
}

/// A clause.
enum ClauseSyntax: Hashable, Sendable {
  case match(MatchSyntax)
  case unwind(ExpressionSyntax, Name)
  case project(ProjectionSyntax)
  case procedure(ProcedureCallSyntax)
  case subquery(SubqueryClauseSyntax)
  case create([PatternPartSyntax], Position)
  /// Another clause that writes, by its keyword.
  case update(String, Position)

  var position: Position {
    switch self {
    case .match(let clause): clause.position
    case .unwind(let list, _): list.position
    case .project(let clause): clause.position
    case .procedure(let clause): clause.position
    case .subquery(let clause): clause.position
    case .create(_, let position), .update(_, let position): position
    }
  }

  /// Whether a query may end with the clause.
  var concludes: Bool {
    switch self {
    case .project(let projection): projection.isReturn
    case .create, .update, .procedure: true
    case .match, .unwind, .subquery: false
    }
  }
}

/// MATCH, or a pattern in a subquery.
struct MatchSyntax: Hashable, Sendable {
  var optional = false
  var parts: [PatternPartSyntax]
  var filter: ExpressionSyntax?
  var position: Position
}

/// WITH or RETURN.
struct ProjectionSyntax: Hashable, Sendable {
  var isReturn: Bool
  var distinct = false
  /// Whether all variables of the scope are projected, too.
  var star = false
  var items: [ProjectionItemSyntax] = []
  var order: [OrderSyntax] = []
  var skip: ExpressionSyntax?
  var limit: ExpressionSyntax?
  var filter: ExpressionSyntax?
  var position: Position
}

/// An expression of WITH or RETURN.
struct ProjectionItemSyntax: Hashable, Sendable {
  var value: ExpressionSyntax
  /// The name after AS.
  var alias: String?
  /// The text of the expression, which names the column if there is no alias.
  var text: String

  /// The name of the column.
  var name: String {
    if let alias { return alias }
    if case .variable(let name) = value.kind { return name }
    return text
  }
}

/// A criterion of ORDER BY.
struct OrderSyntax: Hashable, Sendable {
  var value: ExpressionSyntax
  var descending: Bool
}

/// CALL of a procedure.
struct ProcedureCallSyntax: Hashable, Sendable {
  var optional = false
  var name: String
  /// Nil if the arguments are parameters of the same names.
  var arguments: [ExpressionSyntax]?
  /// Nil without YIELD.
  var yields: [YieldSyntax]?
  var yieldsAll = false
  var filter: ExpressionSyntax?
  var position: Position
}

/// A result of a procedure, and the variable that receives it.
struct YieldSyntax: Hashable, Sendable {
  var result: String
  var variable: Name
}

/// `CALL { … }`.
struct SubqueryClauseSyntax: Hashable, Sendable {
  var optional = false
  var imports: Imports
  var query: QuerySyntax
  var position: Position

  enum Imports: Hashable, Sendable {
    /// `CALL { WITH a … }`: the first clause of each branch says it.
    case body
    /// `CALL (*) { … }`.
    case all
    /// `CALL (a, b) { … }`.
    case names([Name])
  }
}
