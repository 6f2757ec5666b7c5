import QueryAlgebra
import QueryValues

/// Where a piece of syntax begins, in Unicode scalars. Positions do not count when pieces are compared.
struct Position: Hashable, Sendable {
  var offset: Int

  init(_ offset: Int) { self.offset = offset }

  static func == (left: Position, right: Position) -> Bool { true }
  func hash(into hasher: inout Hasher) {}
}

/// A name that the text gives or uses.
struct Name: Hashable, Sendable {
  var text: String
  var position: Position
}

/// A fixed value as the text writes it.
enum LiteralSyntax: Hashable, Sendable {
  case null
  case boolean(Bool)
  case integer(Int64)
  case float(Double)
  case string(String)
}

/// An expression as the text writes it.
struct ExpressionSyntax: Hashable, Sendable {
  var kind: Kind
  var position: Position
  /// The levels of the tree below and with this expression; the parser bounds it.
  var height: Height

  init(_ kind: Kind, at position: Position, height: Int) {
    self.kind = kind
    self.position = position
    self.height = Height(levels: height)
  }

  /// A height, which does not count when expressions are compared.
  struct Height: Hashable, Sendable {
    var levels: Int

    static func == (left: Height, right: Height) -> Bool { true }
    func hash(into hasher: inout Hasher) {}
  }

  indirect enum Kind: Hashable, Sendable {
    case literal(LiteralSyntax)
    case parameter(String)
    case variable(String)
    case property(ExpressionSyntax, String)
    case call(CallSyntax)
    case unary(UnaryOperator, ExpressionSyntax)
    case binary(BinaryOperator, ExpressionSyntax, ExpressionSyntax)
    /// AND, OR and XOR of two or more operands.
    case junction(BinaryOperator, [ExpressionSyntax])
    /// `a < b <= c`: three or more operands.
    case comparisons([ExpressionSyntax], [BinaryOperator])
    case list([ExpressionSyntax])
    case map([EntrySyntax])
    case subscripted(ExpressionSyntax, ExpressionSyntax)
    case slice(ExpressionSyntax, ExpressionSyntax?, ExpressionSyntax?)
    case alternatives(ExpressionSyntax?, [AlternativeSyntax], ExpressionSyntax?)
    case comprehension(ComprehensionSyntax)
    case quantifier(Quantifier, ComprehensionSyntax)
    case reduce(ReduceSyntax)
    case hasLabels(ExpressionSyntax, LabelExpression)
    case projection(ExpressionSyntax, [MapProjectionItem])
    case pattern(PatternPartSyntax)
    case patternComprehension(PatternPartSyntax, filter: ExpressionSyntax?, result: ExpressionSyntax)
    case subquery(SubqueryKind, QuerySyntax)
  }

  /// The expressions of which this one is made. Patterns and subqueries have scopes of their own and are left out.
  var children: [ExpressionSyntax] {
    switch kind {
    case .literal, .parameter, .variable, .pattern, .subquery, .patternComprehension: []
    case .property(let base, _), .unary(_, let base), .hasLabels(let base, _): [base]
    case .call(let call): call.arguments
    case .binary(_, let left, let right), .subscripted(let left, let right): [left, right]
    case .junction(_, let operands), .comparisons(let operands, _), .list(let operands): operands
    case .map(let entries): entries.map(\.value)
    case .slice(let base, let from, let to): [base] + [from, to].compactMap { $0 }
    case .alternatives(let subject, let alternatives, let otherwise):
      [subject, otherwise].compactMap { $0 } + alternatives.flatMap { [$0.when, $0.then] }
    case .comprehension(let inner), .quantifier(_, let inner): inner.children
    case .reduce(let reduce): [reduce.initial, reduce.list, reduce.step]
    case .projection(let base, let items):
      [base]
        + items.compactMap {
          if case .entry(let entry) = $0 { entry.value } else { nil }
        }
    }
  }
}

/// A call of a function; `count(*)` has a star and no arguments.
struct CallSyntax: Hashable, Sendable {
  var name: String
  var distinct = false
  var star = false
  var arguments: [ExpressionSyntax]

  /// The aggregation that the call is; nil for a function of one row.
  var aggregate: AggregateFunction? {
    if star { return .countAll }
    let function = AggregateFunction(rawValue: name)
    return function == .countAll ? nil : function
  }
}

/// An entry of a map.
struct EntrySyntax: Hashable, Sendable {
  var key: String
  var value: ExpressionSyntax
}

/// A branch of CASE.
struct AlternativeSyntax: Hashable, Sendable {
  var when: ExpressionSyntax
  var then: ExpressionSyntax
}

/// `variable IN list WHERE filter | result`.
struct ComprehensionSyntax: Hashable, Sendable {
  var variable: Name
  var list: ExpressionSyntax
  var filter: ExpressionSyntax?
  var result: ExpressionSyntax?

  var children: [ExpressionSyntax] { [list] + [filter, result].compactMap { $0 } }
}

/// `reduce(accumulator = initial, variable IN list | step)`.
struct ReduceSyntax: Hashable, Sendable {
  var accumulator: Name
  var initial: ExpressionSyntax
  var variable: Name
  var list: ExpressionSyntax
  var step: ExpressionSyntax
}

/// A part of `variable { … }`.
enum MapProjectionItem: Hashable, Sendable {
  /// `.key`
  case property(String)
  /// `.*`
  case all
  /// `key: value`, or a variable under its own name.
  case entry(EntrySyntax)
}

/// What a subquery in an expression yields.
enum SubqueryKind: String, Hashable, Sendable {
  case exists = "EXISTS"
  case count = "COUNT"
  case collect = "COLLECT"
}
