import QueryValues

/// A computation on one row.
///
/// Variables are slots: positions in the row. A plan and the plans inside it share the slots of one frame, so that an inner plan
/// reads the variables of the outer one.
public indirect enum Expression: Sendable {
  /// A fixed value.
  case literal(Value)
  /// The value of a parameter of the query.
  case parameter(String)
  /// The value of a slot.
  case slot(Int)
  /// A property of an element, an entry of a map, or a component of a temporal value; null for null.
  case property(Expression, key: String)
  /// A function of `Functions`, by its name there, in lower case.
  case call(String, [Expression])
  /// A unary or binary operator.
  case unary(UnaryOperator, Expression)
  /// A binary operator.
  case binary(BinaryOperator, Expression, Expression)
  /// A list of values.
  case list([Expression])
  /// A map with text keys.
  case map([(key: String, value: Expression)])
  /// `base[index]`: an element of a list, an entry of a map, a property of an element.
  case subscripted(Expression, Expression)
  /// `base[from..to]`: a part of a list. Missing bounds are the list's ends.
  case slice(Expression, from: Expression?, to: Expression?)
  /// The first alternative whose condition is true. With a subject, conditions are values that it is compared with.
  case alternatives(subject: Expression?, [(when: Expression, then: Expression)], otherwise: Expression?)
  /// `[slot IN list WHERE filter | result]`.
  case comprehension(slot: Int, list: Expression, filter: Expression?, result: Expression?)
  /// `all`, `any`, `none`, `single` over a list.
  case quantifier(Quantifier, slot: Int, list: Expression, predicate: Expression)
  /// `reduce(accumulator = initial, slot IN list | step)`.
  case reduce(accumulator: Int, initial: Expression, slot: Int, list: Expression, step: Expression)
  /// Whether an element has labels; null for null.
  case hasLabels(Expression, LabelExpression)
  /// Whether an inner plan yields a row.
  case exists(Plan)
  /// How many rows an inner plan yields.
  case count(Plan)
  /// The values of an expression for the rows of an inner plan, as a list.
  case collect(Plan, Expression)
  /// The path of elements in slots: vertices, edges, and lists of edges by turns.
  case path([Int])
  /// The number of edges at the vertex of a slot, without the edges in other slots; 0 for null. A loop counts once.
  case degree(of: Int, EdgeDirection, labels: [String]?, excluding: [Int])
}

/// An operator with one operand.
public enum UnaryOperator: String, Sendable {
  /// Logical negation; null for null.
  case not
  /// The number with the other sign.
  case negative
  /// The number as it is.
  case positive
  /// Whether the operand is null.
  case isNull
  /// Whether the operand is not null.
  case isNotNull
}

/// An operator with two operands.
public enum BinaryOperator: String, Sendable {
  /// Three-valued conjunction.
  case and
  /// Three-valued disjunction.
  case or
  /// Three-valued exclusive disjunction.
  case xor
  /// Equality; null if it is unknown.
  case equal
  /// Inequality; null if it is unknown.
  case notEqual
  /// Less; null if the operands cannot be compared.
  case less
  /// Less or equal; null if the operands cannot be compared.
  case lessOrEqual
  /// Greater; null if the operands cannot be compared.
  case greater
  /// Greater or equal; null if the operands cannot be compared.
  case greaterOrEqual
  /// Sum, concatenation of texts and lists, or an element put before or behind a list.
  case add
  /// Difference.
  case subtract
  /// Product.
  case multiply
  /// Quotient; of whole numbers a whole number.
  case divide
  /// Remainder with the sign of the dividend.
  case modulo
  /// Power, a floating-point number.
  case power
  /// Membership of a list; null if it is unknown.
  case `in`
  /// Whether a text begins with another one.
  case startsWith
  /// Whether a text ends with another one.
  case endsWith
  /// Whether a text contains another one.
  case contains
  /// Whether a regular expression matches a whole text.
  case matches
}

/// A quantifier over a list.
public enum Quantifier: String, Sendable {
  /// The predicate holds for each element.
  case all
  /// The predicate holds for at least one element.
  case any
  /// The predicate holds for no element.
  case none
  /// The predicate holds for exactly one element.
  case single
}

/// A condition on labels, by name. Names that the graph does not have match nothing.
public indirect enum LabelExpression: Sendable, Hashable {
  /// The element has the label.
  case label(String)
  /// The element has any label.
  case any
  /// Both conditions hold.
  case and(LabelExpression, LabelExpression)
  /// At least one condition holds.
  case or(LabelExpression, LabelExpression)
  /// The condition does not hold.
  case not(LabelExpression)
}
