import QueryAlgebra
import QueryValues

/// CALL of procedures.
extension Lowering {
  /// Lowers a call.
  /// - Parameter isAlone: Whether the call is the whole query, which returns all results then.
  mutating func lower(_ call: ProcedureCallSyntax, isAlone: Bool, isLast: Bool, _ state: inout State) throws(QueryError)
  {
    guard let signature = catalogue.procedure(call.name) else {
      throw QueryError(
        .procedure, detail: "ProcedureNotFound", "There is no procedure '\(call.name)'. SHOW PROCEDURES lists them.",
        offset: call.position.offset)
    }
    let arguments = try lowerArguments(call, signature, isAlone: isAlone, state.scope)
    let yields = try yields(of: call, signature, isAlone: isAlone)
    var results: [(name: String, slot: Int)] = []
    var columns: [Column] = []
    for yield in yields {
      guard let field = signature.results.first(where: { $0.name == yield.result }) else {
        throw QueryError(
          .syntax, detail: "UndefinedVariable",
          "The procedure '\(call.name)' yields no '\(yield.result)', but \(signature.results.map(\.name).joined(separator: ", ")).",
          offset: yield.variable.position.offset)
      }
      try rejectBound(yield.variable, in: state.scope)
      let variable = Variable(slot: newSlot(), type: field.type)
      results.append((field.name, variable.slot))
      state.scope[yield.variable.text] = variable
      columns.append(Column(name: yield.variable.text, variable: variable))
    }
    try finish(call, arguments, results, &state)
    if isAlone || isLast { state.columns = isAlone ? columns : [] }
    if isLast, !isAlone, !signature.results.isEmpty { throw inconclusive(call) }
  }

  private mutating func finish(
    _ call: ProcedureCallSyntax, _ arguments: [Expression], _ results: [(name: String, slot: Int)], _ state: inout State
  ) throws(QueryError) {
    let input = call.optional ? Plan.argument : state.plan
    var plan = Plan.procedure(input, name: call.name, arguments: arguments, results: results)
    if let filter = call.filter { plan = .filter(plan, try lowerCondition(filter, Context(state.scope))) }
    state.plan = call.optional ? .optional(state.plan, plan, nulls: results.map(\.slot)) : plan
  }

  private func inconclusive(_ call: ProcedureCallSyntax) -> QueryError {
    QueryError(
      .syntax, detail: "InvalidClauseComposition",
      "The query ends with CALL and returns nothing. Add YIELD and RETURN.", offset: call.position.offset)
  }

  private mutating func lowerArguments(
    _ call: ProcedureCallSyntax, _ signature: ProcedureSignature, isAlone: Bool, _ scope: Scope
  ) throws(QueryError) -> [Expression] {
    guard let arguments = call.arguments else {
      guard isAlone else {
        throw QueryError(
          .syntax, detail: "InvalidArgumentPassingMode",
          "Inside a query, CALL \(call.name) needs its arguments in parentheses.", offset: call.position.offset)
      }
      let required = signature.parameters.count - signature.optionalParameters
      return signature.parameters.prefix(required).map { .parameter($0.name) }
    }
    let range = signature.parameters.count - signature.optionalParameters...signature.parameters.count
    guard range.contains(arguments.count) else {
      throw QueryError(
        .syntax, detail: "InvalidNumberOfArguments",
        "The procedure '\(call.name)' takes \(range.upperBound) arguments, but \(arguments.count) are given.",
        offset: call.position.offset)
    }
    var values: [Expression] = []
    for (argument, field) in zip(arguments, signature.parameters) {
      if argument.aggregates { try rejectAggregation(in: argument) }
      let value = try lower(argument, Context(scope))
      guard field.type.admits(value.type) else {
        throw invalidType(
          "The argument '\(field.name)' of \(call.name)", field.type.name, value.type, argument.position)
      }
      values.append(value.expression)
    }
    return values
  }

  private func yields(of call: ProcedureCallSyntax, _ signature: ProcedureSignature, isAlone: Bool)
    throws(QueryError) -> [YieldSyntax]
  {
    if let yields = call.yields { return yields }
    guard isAlone || call.yieldsAll else { return [] }
    return signature.results.map {
      YieldSyntax(result: $0.name, variable: Name(text: $0.name, position: call.position))
    }
  }
}

extension CypherType {
  /// Whether a value of another type may be given where this type is expected.
  fileprivate func admits(_ other: CypherType) -> Bool {
    switch (self, other) {
    case (.any, _), (_, .any), (_, .null), (.float, .integer), (.list, .list): true
    default: self == other
    }
  }
}
