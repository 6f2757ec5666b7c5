/// The slots that expressions and plans name, so that a condition runs as soon as its variables are bound.
public struct SlotUse {
  private var slots: Set<Int> = []

  /// The slots that an expression names, those of its inner plans included.
  public static func of(_ expression: Expression) -> Set<Int> {
    var use = SlotUse()
    use.add(expression)
    return use.slots
  }

  private mutating func add(_ expression: Expression?) {
    switch expression {
    case nil, .literal, .parameter: break
    case .slot(let slot): slots.insert(slot)
    case .property(let base, _), .unary(_, let base), .hasLabels(let base, _): add(base)
    case .call(_, let operands), .list(let operands): operands.forEach { add($0) }
    case .binary(_, let left, let right), .subscripted(let left, let right):
      add(left)
      add(right)
    case .map(let entries): entries.forEach { add($0.value) }
    case .slice(let base, let from, let to): [base, from, to].forEach { add($0) }
    case .alternatives(let subject, let alternatives, let otherwise):
      add(subject)
      alternatives.forEach {
        add($0.when)
        add($0.then)
      }
      add(otherwise)
    case .comprehension(_, let list, let filter, let result): [list, filter, result].forEach { add($0) }
    case .quantifier(_, _, let list, let predicate):
      add(list)
      add(predicate)
    case .reduce(_, let initial, _, let list, let step): [initial, list, step].forEach { add($0) }
    case .exists(let plan), .count(let plan): add(plan)
    case .collect(let plan, let value):
      add(plan)
      add(value)
    case .path(let elements): slots.formUnion(elements)
    case .degree(let vertex, _, _, let excluding): slots.formUnion([vertex] + excluding)
    }
  }

  private mutating func add(_ plan: Plan) {
    switch plan {
    case .argument: break
    case .measured(let input, _): add(input)
    case .scanVertices(let input, _, _), .scanEdges(let input, _, _): add(input)
    case .seekVertices(let input, _, _, _, let value), .vertexByID(let input, _, let value),
      .filter(let input, let value), .unwind(let input, _, let value), .skip(let input, let value),
      .limit(let input, let value):
      add(input)
      add(value)
    case .expand(let input, let expansion):
      add(input)
      add(expansion)
    case .expandVariable(let input, let expansion, let length):
      add(input)
      add(expansion)
      add(length.condition?.1)
    case .shortestPaths(let input, let paths):
      add(input)
      add(paths.expansion)
      add(paths.length.condition?.1)
    case .assign(let input, let values):
      add(input)
      values.forEach { add($0.value) }
    case .aggregate(let input, let keys, let aggregations):
      add(input)
      keys.forEach { add($0.value) }
      aggregations.forEach { $0.arguments.forEach { add($0) } }
    case .sort(let input, let keys):
      add(input)
      keys.forEach { add($0.value) }
    case .distinct(let input, let distinct):
      add(input)
      slots.formUnion(distinct)
    case .union(let plans): plans.forEach { add($0) }
    case .apply(let outer, let inner), .optional(let outer, let inner, _):
      add(outer)
      add(inner)
    case .procedure(let input, _, let arguments, _):
      add(input)
      arguments.forEach { add($0) }
    case .create(let input, _): add(input)
    }
  }

  private mutating func add(_ expansion: Expansion) {
    slots.insert(expansion.from)
    slots.insert(expansion.to)
    slots.formUnion(expansion.distinctFrom)
  }
}
