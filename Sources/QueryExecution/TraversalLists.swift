import QueryAlgebra
import QueryValues

/// Functions of lists.
extension TraversalRunner {
  func list(_ function: ListFunction, _ operand: Operand, _ traverser: Traverser) throws(QueryError) -> Value? {
    let other: Value
    switch operand {
    case .value(let value): other = value
    case .traversal(let traversal):
      guard let value = try first(of: traversal, for: traverser)?.value else {
        throw QueryError(.argument, "The traversal in \(function.rawValue)() yields nothing. Use fold() in it.")
      }
      other = value
    }
    if function == .merge, case .map(let left) = traverser.value {
      guard case .map(let right) = other else { throw Self.notAList(function, other, isArgument: true) }
      return try BinaryFunction.addAll.apply(.map(left), .map(right))
    }
    guard let left = Self.elements(of: traverser.value) else {
      throw Self.notAList(function, traverser.value, isArgument: false)
    }
    guard let right = Self.elements(of: other) else { throw Self.notAList(function, other, isArgument: true) }
    try context.hold(left.count + right.count)
    defer { context.release(left.count + right.count) }
    switch function {
    case .combine: return .list(left + right)
    case .difference: return .set(Self.distinct(left.filter(Self.absent(from: right))))
    case .disjunct:
      return .set(Self.distinct(left.filter(Self.absent(from: right)) + right.filter(Self.absent(from: left))))
    case .intersect:
      let isAbsent = Self.absent(from: right)
      return .set(Self.distinct(left.filter { !isAbsent($0) }))
    case .merge: return .set(Self.distinct(left + right))
    case .product:
      let (count, overflow) = left.count.multipliedReportingOverflow(by: right.count)
      try context.hold(overflow ? .max / 2 : count)
      defer { context.release(overflow ? .max / 2 : count) }
      return .list(left.flatMap { first in right.map { .list([first, $0]) } })
    }
  }

  private static func absent(from values: [Value]) -> (Value) -> Bool {
    let present = Set(values.map(GroupingKey.init))
    return { !present.contains(GroupingKey($0)) }
  }

  private static func notAList(_ function: ListFunction, _ value: Value, isArgument: Bool) -> QueryError {
    QueryError(
      .argument,
      "\(isArgument ? "The argument of" : "The object before") \(function.rawValue)() must be a list, not \(value.typeName). Use fold() first."
    )
  }

  func conjoin(_ separator: String, _ value: Value) throws(QueryError) -> Value {
    guard let elements = Self.elements(of: value) else {
      throw QueryError(.argument, "conjoin() joins a list, not \(value.typeName). Use fold() first.")
    }
    let texts = elements.filter { !$0.isNull }.map { GremlinText.text(of: $0, context) }
    let size = texts.reduce(0) { $0 + $1.utf8.count + separator.utf8.count }
    guard size <= Self.textLimit else {
      throw QueryError(.memory, "conjoin() would make a text of more than \(Self.textLimit) bytes.")
    }
    return .string(texts.joined(separator: separator))
  }
}
