import QueryValues

/// The text of expressions in plans.
public enum ExpressionText {
  /// The text of an expression, close to Cypher; slots are written `#0`, and inner plans stand in braces on one line.
  public static func describe(_ expression: Expression) -> String {
    switch expression {
    case .literal(let value): describe(value)
    case .parameter(let name): "$\(name)"
    case .slot(let slot): "#\(slot)"
    case .property(let base, let key): "\(describe(base)).\(key)"
    case .call(let name, let arguments): "\(name)(\(list(arguments)))"
    case .unary(let symbol, let operand): describe(symbol, operand)
    case .binary(let symbol, let left, let right): "(\(describe(left)) \(text(symbol)) \(describe(right)))"
    case .list(let elements): "[\(list(elements))]"
    case .map(let entries): "{\(entries.map { "\($0.key): \(describe($0.value))" }.joined(separator: ", "))}"
    case .subscripted(let base, let index): "\(describe(base))[\(describe(index))]"
    case .slice(let base, let from, let to):
      "\(describe(base))[\(from.map(describe) ?? "")..\(to.map(describe) ?? "")]"
    case .hasLabels(let base, let labels): "\(describe(base)):\(PlanText.describe(labels))"
    case .path(let slots): "path(\(slots.map { "#\($0)" }.joined(separator: ", ")))"
    case .degree(let vertex, let direction, let labels, let excluding):
      "degree(#\(vertex), \(direction.rawValue)\(labels.map { ":" + $0.joined(separator: "|") } ?? "")"
        + "\(excluding.isEmpty ? "" : " without " + excluding.map { "#\($0)" }.joined(separator: ", ")))"
    case .exists(let plan): "exists {\(inline(plan))}"
    case .count(let plan): "count {\(inline(plan))}"
    case .collect(let plan, let value): "collect {\(inline(plan))} \(describe(value))"
    case .alternatives, .comprehension, .quantifier, .reduce: describeForm(expression)
    }
  }

  private static func describeForm(_ expression: Expression) -> String {
    switch expression {
    case .alternatives(let subject, let alternatives, let otherwise):
      let branches = alternatives.map { " when \(describe($0.when)) then \(describe($0.then))" }.joined()
      let first = subject.map { " " + describe($0) } ?? ""
      return "case\(first)\(branches)\(otherwise.map { " else " + describe($0) } ?? "") end"
    case .comprehension(let slot, let source, let filter, let result):
      return "[#\(slot) in \(describe(source))\(condition(filter))\(result.map { " | " + describe($0) } ?? "")]"
    case .quantifier(let quantifier, let slot, let source, let predicate):
      return "\(quantifier.rawValue)(#\(slot) in \(describe(source))\(condition(predicate)))"
    case .reduce(let accumulator, let initial, let slot, let source, let step):
      return "reduce(#\(accumulator) = \(describe(initial)), #\(slot) in \(describe(source)) | \(describe(step)))"
    default: return ""
    }
  }

  private static func condition(_ filter: Expression?) -> String { filter.map { " where " + describe($0) } ?? "" }

  private static func list(_ expressions: [Expression]) -> String {
    expressions.map(describe).joined(separator: ", ")
  }

  /// The operators of an inner plan on one line, the first to run first.
  private static func inline(_ plan: Plan) -> String {
    let inputs = PlanText.inputs(plan)
    guard let first = inputs.first else { return PlanText.line(plan) }
    let others = inputs.dropFirst().map { " {\(inline($0))}" }.joined()
    return "\(inline(first)); \(PlanText.line(plan))\(others)"
  }

  private static func describe(_ symbol: UnaryOperator, _ operand: Expression) -> String {
    switch symbol {
    case .not: "not \(describe(operand))"
    case .negative: "-\(describe(operand))"
    case .positive: "+\(describe(operand))"
    case .isNull: "(\(describe(operand)) is null)"
    case .isNotNull: "(\(describe(operand)) is not null)"
    }
  }

  private static func text(_ symbol: BinaryOperator) -> String {
    switch symbol {
    case .and, .or, .xor, .in, .contains: symbol.rawValue
    case .equal: "="
    case .notEqual: "<>"
    case .less: "<"
    case .lessOrEqual: "<="
    case .greater: ">"
    case .greaterOrEqual: ">="
    case .add: "+"
    case .subtract: "-"
    case .multiply: "*"
    case .divide: "/"
    case .modulo: "%"
    case .power: "^"
    case .startsWith: "starts with"
    case .endsWith: "ends with"
    case .matches: "=~"
    }
  }

  private static func describe(_ value: Value) -> String {
    switch value {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .float(let value): "\(value)"
    case .string(let value): "'\(value)'"
    case .integer32(let value): "\(value)i"
    case .float32(let value): "\(value)f"
    case .list(let values): "[\(values.map(describe).joined(separator: ", "))]"
    case .set(let values): "{\(values.map(describe).joined(separator: ", "))}"
    case .token(let token): "T.\(token.rawValue)"
    case .vertex(let vertex): "vertex \(vertex.id)"
    case .edge(let edge): "edge \(edge.id)"
    case .map: "map"
    case .path: "path"
    case .property: "property"
    case .temporal: "temporal"
    }
  }
}
