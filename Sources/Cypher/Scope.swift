import QueryAlgebra
import QueryValues

/// What a variable stands for.
struct Variable: Sendable {
  var slot: Int
  var type: CypherType
  /// Whether the variable may be null although its type is node, relationship or path: OPTIONAL MATCH bound it.
  var nullable = true
}

/// The variables that a clause sees.
struct Scope {
  /// Variables of the query around a subquery, which each of its clauses sees.
  private(set) var fixed: [String: Variable] = [:]
  private var own: [String: Variable] = [:]

  init() {}

  /// The scope in which a subquery begins, if it sees all variables of another scope throughout.
  init(fixing outer: Scope) { fixed = outer.fixed.merging(outer.own) { $1 } }

  subscript(name: String) -> Variable? {
    get { own[name] ?? fixed[name] }
    set { own[name] = newValue }
  }

  /// The names that `*` stands for, in the order of the alphabet.
  var names: [String] { own.keys.sorted() }

  /// The same outer variables, and no own ones.
  var emptied: Scope {
    var scope = self
    scope.own = [:]
    return scope
  }
}

/// An expression and what is known of its value.
struct Typed {
  var expression: Expression
  var type: CypherType

  init(_ expression: Expression, _ type: CypherType = .any) {
    self.expression = expression
    self.type = type
  }
}

/// What an expression may refer to where it stands.
struct Context {
  var scope: Scope
  /// Expressions that have been computed already: grouping keys, aggregations and projected columns.
  var computed: [ExpressionSyntax: Typed] = [:]
  /// Variables that an aggregation has left behind: an expression that uses one is ambiguous.
  var hidden: Set<String> = []
  /// Whether no variable may be used at all, as in SKIP and LIMIT.
  var isConstant = false

  init(_ scope: Scope) { self.scope = scope }

  /// The context with a local variable, which hides what has been computed with another variable of its name.
  func adding(_ name: String, _ variable: Variable) -> Context {
    var context = self
    context.scope[name] = variable
    context.hidden.remove(name)
    context.computed = computed.filter { !$0.key.mentions(name) }
    return context
  }

  func undefined(_ name: String, at position: Position) -> QueryError {
    if isConstant {
      return QueryError(
        .syntax, detail: "NonConstantExpression",
        "SKIP and LIMIT cannot use the variable '\(name)': they count before there are rows. Use a number or a parameter.",
        offset: position.offset)
    }
    if hidden.contains(name) {
      return QueryError(
        .syntax, detail: "AmbiguousAggregationExpression",
        "'\(name)' stands beside an aggregation but is no grouping key. Project what you need of it on its own, in a WITH before.",
        offset: position.offset)
    }
    return QueryError(
      .syntax, detail: "UndefinedVariable",
      "The variable '\(name)' is not defined here. Bind it before, or pass it on in WITH.", offset: position.offset)
  }
}

extension ExpressionSyntax {
  /// Whether the expression uses a name.
  func mentions(_ name: String) -> Bool {
    if case .variable(name) = kind { return true }
    return children.contains { $0.mentions(name) }
  }

  /// The names of the variables in the expression.
  var variables: Set<String> {
    if case .variable(let name) = kind { return [name] }
    return children.reduce(into: []) { $0.formUnion($1.variables) }
  }

  /// Whether the expression holds an aggregation of the query that it belongs to.
  var aggregates: Bool {
    if case .call(let call) = kind, call.aggregate != nil { return true }
    return children.contains { $0.aggregates }
  }

  /// Whether the expression is a variable, or a property of one: what may be a grouping key inside other expressions.
  var isSimpleKey: Bool {
    switch kind {
    case .variable: true
    case .property(let base, _): base.isSimpleKey
    default: false
    }
  }
}
