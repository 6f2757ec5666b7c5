import QueryAlgebra
import QueryValues

/// Computes expressions for the current row of an execution.
struct ExpressionEvaluator {
  let execution: Execution

  /// The value of an expression.
  func evaluate(_ expression: Expression) throws(QueryError) -> Value {
    switch expression {
    case .literal(let value): return value
    case .parameter(let name): return try parameter(name)
    case .slot(let slot): return execution.row[slot]
    case .property(let base, let key): return try property(key, of: try evaluate(base))
    case .call(let name, let arguments): return try call(name, arguments)
    case .unary(let unary, let operand): return try apply(unary, try evaluate(operand))
    case .binary(let binary, let left, let right): return try apply(binary, left, right)
    case .list(let elements):
      var values: [Value] = []
      values.reserveCapacity(elements.count)
      for element in elements { values.append(try evaluate(element)) }
      return .list(values)
    case .map(let entries):
      var map = ValueMap()
      for (key, value) in entries { map[key] = try evaluate(value) }
      return .map(map)
    case .subscripted(let base, let index): return try subscripted(try evaluate(base), try evaluate(index))
    case .slice(let base, let from, let to):
      return try Lists.slice(try evaluate(base), from: try from.map(evaluate), to: try to.map(evaluate))
    case .alternatives(let subject, let cases, let otherwise):
      return try alternative(subject, cases, otherwise)
    case .comprehension(let slot, let list, let filter, let result):
      return try comprehension(slot, list, filter, result)
    case .quantifier(let quantifier, let slot, let list, let predicate):
      return try quantify(quantifier, slot, list, predicate)
    case .reduce(let accumulator, let initial, let slot, let list, let step):
      return try reduce(accumulator, initial, slot, list, step)
    case .hasLabels(let element, let labels): return try hasLabels(try evaluate(element), labels)
    case .exists(let plan):
      var found = false
      _ = try PlanRunner(execution: execution).run(plan) { () throws(QueryError) in
        found = true
        return false
      }
      return .boolean(found)
    case .count(let plan):
      var count: Int64 = 0
      _ = try PlanRunner(execution: execution).run(plan) { () throws(QueryError) in
        count += 1
        return true
      }
      return .integer(count)
    case .collect(let plan, let result): return try collect(plan, result)
    case .path(let slots): return try path(slots)
    case .degree(let slot, let direction, let labels, let excluding):
      return try PlanRunner(execution: execution).degree(slot, direction, labels, excluding)
    }
  }

  private func parameter(_ name: String) throws(QueryError) -> Value {
    guard let value = execution.parameters[name] else {
      throw QueryError(
        .parameter, detail: "MissingParameter",
        "the query uses the parameter $\(name), which the request does not give")
    }
    return value
  }

  private func call(_ name: String, _ arguments: [Expression]) throws(QueryError) -> Value {
    // The later arguments of coalesce are not evaluated if an earlier one has a value.
    if name == "coalesce" {
      for argument in arguments {
        let value = try evaluate(argument)
        if !value.isNull { return value }
      }
      return .null
    }
    guard let function = Functions.named(name) else {
      throw QueryError(.syntax, detail: "UnknownFunction", "there is no function \(name)()")
    }
    var values: [Value] = []
    for argument in arguments { values.append(try evaluate(argument)) }
    return try function.body(values, execution.functions)
  }

  private func property(_ key: String, of base: Value) throws(QueryError) -> Value {
    switch base {
    case .vertex(let vertex):
      execution.names.key(key).map { execution.graph.property($0, of: vertex) } ?? .null
    case .edge(let edge):
      execution.names.key(key).map { execution.graph.property($0, of: edge) } ?? .null
    default: try Components.property(key, of: base)
    }
  }

  private func subscripted(_ base: Value, _ index: Value) throws(QueryError) -> Value {
    switch (base, index) {
    case (.vertex, .string(let key)), (.edge, .string(let key)): try property(key, of: base)
    default: try Lists.subscripted(base, index)
    }
  }

  private func alternative(
    _ subject: Expression?, _ cases: [(when: Expression, then: Expression)], _ otherwise: Expression?
  ) throws(QueryError) -> Value {
    let compared = try subject.map(evaluate)
    for (when, then) in cases {
      let condition = try evaluate(when)
      let holds = compared.map { $0.equals(condition) == true } ?? condition.isTrue
      if holds { return try evaluate(then) }
    }
    return try otherwise.map(evaluate) ?? .null
  }

  private func elements(_ list: Expression) throws(QueryError) -> [Value]? {
    switch try evaluate(list) {
    case .null: return nil
    case .list(let values), .set(let values): return values
    case let value:
      throw QueryError(.type, detail: "InvalidArgumentType", "a list is needed here, not \(value.typeName)")
    }
  }

  private func comprehension(
    _ slot: Int, _ list: Expression, _ filter: Expression?, _ result: Expression?
  ) throws(QueryError) -> Value {
    guard let elements = try elements(list) else { return .null }
    var results: [Value] = []
    for element in elements {
      try execution.check()
      execution.row[slot] = element
      if let filter, try !evaluate(filter).isTrue { continue }
      results.append(try result.map(evaluate) ?? element)
    }
    return .list(results)
  }

  private func quantify(
    _ quantifier: Quantifier, _ slot: Int, _ list: Expression, _ predicate: Expression
  ) throws(QueryError) -> Value {
    guard let elements = try elements(list) else { return .null }
    var holds = 0
    var unknown = 0
    for element in elements {
      try execution.check()
      execution.row[slot] = element
      switch try evaluate(predicate) {
      case .boolean(true): holds += 1
      case .null: unknown += 1
      default: break
      }
    }
    switch quantifier {
    case .all: return holds + unknown < elements.count ? .boolean(false) : unknown > 0 ? .null : .boolean(true)
    case .any: return holds > 0 ? .boolean(true) : unknown > 0 ? .null : .boolean(false)
    case .none: return holds > 0 ? .boolean(false) : unknown > 0 ? .null : .boolean(true)
    case .single: return holds > 1 ? .boolean(false) : unknown > 0 ? .null : .boolean(holds == 1)
    }
  }

  private func reduce(
    _ accumulator: Int, _ initial: Expression, _ slot: Int, _ list: Expression, _ step: Expression
  ) throws(QueryError) -> Value {
    var result = try evaluate(initial)
    guard let elements = try elements(list) else { return .null }
    for (index, element) in elements.enumerated() {
      try execution.check()
      execution.row[accumulator] = result
      execution.row[slot] = element
      result = try evaluate(step)
      // Each step may wrap the result once more; comparing and releasing a value recurse as deep as it nests.
      if index % 64 == 63, result.nests(deeperThan: Value.deepestNesting) {
        throw QueryError(
          .argument, "reduce() makes a value that nests deeper than \(Value.deepestNesting) levels")
      }
    }
    return result
  }

  private func collect(_ plan: Plan, _ result: Expression) throws(QueryError) -> Value {
    var values: [Value] = []
    _ = try PlanRunner(execution: execution).run(plan) { () throws(QueryError) in
      let value = try evaluate(result)
      try execution.account.hold(value.estimatedBytes)
      values.append(value)
      return true
    }
    return .list(values)
  }

  private func hasLabels(_ element: Value, _ labels: LabelExpression) throws(QueryError) -> Value {
    switch element {
    case .null: return .null
    case .vertex(let vertex):
      return .boolean(LabelCondition(labels, execution.names).admits(execution.graph.labels(of: vertex)))
    case .edge(let edge):
      let label = execution.graph.edgeLabels[execution.graph.label(of: edge)]
      return .boolean(labels.holds({ $0 == label }, any: { true }))
    case let value:
      throw QueryError(
        .type, detail: "InvalidArgumentType", "nodes and relationships have labels, \(value.typeName) has none")
    }
  }

  /// The path through the elements of slots; null if one of them is null.
  private func path(_ slots: [Int]) throws(QueryError) -> Value {
    var objects: [Value] = []
    var end: Vertex?
    for slot in slots {
      switch execution.row[slot] {
      case .vertex(let vertex):
        // After a list of edges, the vertex at its end is there already.
        if end != vertex || objects.isEmpty || objects.last.isEdge { objects.append(.vertex(vertex)) }
        end = vertex
      case .edge(let edge): objects.append(.edge(edge))
      case .list(let edges):
        for case .edge(let edge) in edges {
          guard let here = end else { break }
          let other = edge.source == here ? edge.target : edge.source
          objects.append(.edge(edge))
          objects.append(.vertex(other))
          end = other
        }
      case .null: return .null
      case let value: throw QueryError(.internal, "a path has an element that is \(value.typeName)")
      }
    }
    return .path(Path(objects: objects))
  }
}

extension Value? {
  fileprivate var isEdge: Bool {
    if case .edge? = self { true } else { false }
  }
}
