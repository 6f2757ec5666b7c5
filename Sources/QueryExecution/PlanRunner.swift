import QueryAlgebra
import QueryValues

/// Runs plans row by row: each operator calls the next one for each row that it yields.
///
/// It is the plain reading of the algebra: what it yields is what a plan means. Rows live in `Execution.row`; an operator that keeps
/// rows copies them.
struct PlanRunner {
  /// Receives a row; false wants no more of them.
  typealias Yield = () throws(QueryError) -> Bool

  let execution: Execution

  /// Yields the rows of a plan for the current row.
  /// - Returns: Whether the receiver wants more rows.
  func run(_ plan: Plan, _ yield: Yield) throws(QueryError) -> Bool {
    switch plan {
    case .argument: return try yield()
    case .scanVertices(let input, let slot, let labels):
      return try run(input) { () throws(QueryError) in try scanVertices(slot, labels, yield) }
    case .seekVertices(let input, let slot, let label, let key, let value):
      return try run(input) { () throws(QueryError) in try seekVertices(slot, label, key, value, yield) }
    case .vertexByID(let input, let slot, let ids):
      return try run(input) { () throws(QueryError) in try vertices(slot, identifiers: ids, yield) }
    case .scanEdges(let input, let slot, let labels):
      return try run(input) { () throws(QueryError) in try scanEdges(slot, labels, yield) }
    case .expand(let input, let expansion):
      return try run(input) { () throws(QueryError) in try expand(expansion, yield) }
    case .expandVariable(let input, let expansion, let length):
      return try run(input) { () throws(QueryError) in try expandTrails(expansion, length, yield) }
    case .shortestPaths(let input, let search):
      return try run(input) { () throws(QueryError) in try shortestPaths(search, yield) }
    case .filter(let input, let condition):
      return try run(input) { () throws(QueryError) in
        try evaluate(condition).isTrue ? try yield() : true
      }
    case .assign(let input, let assignments):
      return try run(input) { () throws(QueryError) in
        for (slot, value) in assignments { execution.row[slot] = try evaluate(value) }
        return try yield()
      }
    case .unwind(let input, let slot, let list):
      return try run(input) { () throws(QueryError) in try unwind(slot, list, yield) }
    case .aggregate(let input, let keys, let aggregations):
      return try aggregate(input, keys, aggregations, yield)
    case .sort(let input, let keys): return try sort(input, keys, first: nil, yield)
    case .skip(let input, let count): return try skip(input, count, yield)
    case .limit(.sort(let input, let keys), let count):
      return try sort(input, keys, first: try rowCount(count, clause: "LIMIT"), yield)
    case .limit(let input, let count): return try limit(input, count, yield)
    case .distinct(let input, let slots): return try distinct(input, slots, yield)
    case .union(let plans):
      for plan in plans {
        guard try run(plan, yield) else { return false }
      }
      return true
    case .apply(let input, let inner):
      return try run(input) { () throws(QueryError) in try run(inner, yield) }
    case .optional(let input, let inner, let nulls):
      return try run(input) { () throws(QueryError) in try optional(inner, nulls, yield) }
    case .create(let input, let creations):
      return try run(input) { () throws(QueryError) in try create(creations, yield) }
    case .measured(let input, let number):
      return try run(input) { () throws(QueryError) in
        execution.rowCounts[number] += 1
        return try yield()
      }
    case .procedure(let input, let name, let arguments, let results):
      return try run(input) { () throws(QueryError) in try call(name, arguments, results, yield) }
    }
  }

  /// The value of an expression for the current row.
  func evaluate(_ expression: Expression) throws(QueryError) -> Value {
    try ExpressionEvaluator(execution: execution).evaluate(expression)
  }

  private func unwind(_ slot: Int, _ list: Expression, _ yield: Yield) throws(QueryError) -> Bool {
    // The numbers of a range need not be a list first, however many they are.
    if case .call("range", let arguments) = list, let numbers = try range(arguments) {
      for number in numbers {
        try execution.check()
        execution.row[slot] = .integer(number)
        guard try yield() else { return false }
      }
      return true
    }
    let elements: [Value]
    switch try evaluate(list) {
    case .null: return true
    case .list(let values), .set(let values): elements = values
    case let value: elements = [value]
    }
    for element in elements {
      try execution.check()
      execution.row[slot] = element
      guard try yield() else { return false }
    }
    return true
  }

  /// The numbers of `range(first, last, step)`; nil for arguments that the function rejects or that overflow.
  private func range(_ arguments: [Expression]) throws(QueryError) -> StrideThrough<Int64>? {
    var bounds: [Int64] = []
    for argument in arguments {
      guard case .integer(let bound) = try evaluate(argument) else { return nil }
      bounds.append(bound)
    }
    guard bounds.count == 2 || bounds.count == 3, bounds.dropFirst(2).first != 0 else { return nil }
    let step = bounds.count == 3 ? bounds[2] : 1
    // Behind the last number, a stride adds the step once more.
    guard !bounds[1].addingReportingOverflow(step).overflow else { return nil }
    return stride(from: bounds[0], through: bounds[1], by: Int64.Stride(step))
  }

  private func optional(_ inner: Plan, _ nulls: [Int], _ yield: Yield) throws(QueryError) -> Bool {
    var found = false
    let goesOn = try run(inner) { () throws(QueryError) in
      found = true
      return try yield()
    }
    guard !found else { return goesOn }
    for slot in nulls { execution.row[slot] = .null }
    return try yield()
  }

  private func skip(_ input: Plan, _ count: Expression, _ yield: Yield) throws(QueryError) -> Bool {
    var remaining = try rowCount(count, clause: "SKIP")
    return try run(input) { () throws(QueryError) in
      guard remaining == 0 else {
        remaining -= 1
        return true
      }
      return try yield()
    }
  }

  private func limit(_ input: Plan, _ count: Expression, _ yield: Yield) throws(QueryError) -> Bool {
    var remaining = try rowCount(count, clause: "LIMIT")
    guard remaining > 0 else { return true }
    var wantsMore = true
    _ = try run(input) { () throws(QueryError) in
      remaining -= 1
      wantsMore = try yield()
      return wantsMore && remaining > 0
    }
    return wantsMore
  }

  private func rowCount(_ expression: Expression, clause: String) throws(QueryError) -> Int {
    let value = try evaluate(expression)
    guard case .integer(let count) = value else {
      throw QueryError(
        .syntax, detail: "InvalidArgumentType", "\(clause) takes a whole number, not \(value.typeName)")
    }
    guard count >= 0 else {
      throw QueryError(
        .syntax, detail: "NegativeIntegerArgument", "\(clause) takes a number of rows, which \(count) is not")
    }
    return Int(count)
  }
}
