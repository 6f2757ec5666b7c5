import QueryAlgebra
import QueryValues

/// What several steps take: projections, predicates, identifiers, operators.
extension GremlinCompiler {
  /// Compiles the arguments of `by`; an order is not among them.
  mutating func projection(_ arguments: [Bytecode.Argument], _ step: String) throws(QueryError) -> Projection {
    let projection = try plainProjection(arguments, step)
    return strategies.makesProductive(projection) ? .orNull(projection) : projection
  }

  private mutating func plainProjection(_ arguments: [Bytecode.Argument], _ step: String) throws(QueryError)
    -> Projection
  {
    guard let argument = arguments.first else { return .identity }
    guard arguments.count == 1 else { throw QueryError(.syntax, "by() of \(step)() takes one argument.") }
    switch argument {
    case .value(.string(let key)): return .property(key)
    case .value(.token(let token)): return .token(token)
    case .value(.null): return .identity
    case .constant("Column", let name):
      if let column = Column(rawValue: name) { return .column(column) }
    case .traversal: return .traversal(try traversal(argument, of: "by"))
    case .lambda: throw Self.lambda("by")
    default: break
    }
    throw QueryError(.syntax, "by() of \(step)() takes a key, a token or a traversal, not \(argument.summary).")
  }

  mutating func projections(_ call: GremlinCall) throws(QueryError) -> [Projection] {
    var projections: [Projection] = []
    for arguments in call.by { projections.append(try projection(arguments, call.name)) }
    return projections
  }

  /// The only projection of a step.
  mutating func projection(_ call: GremlinCall) throws(QueryError) -> Projection {
    guard call.by.count <= 1 else { throw call.mistake("takes one by() only.") }
    return try call.by.first.map { arguments throws(QueryError) in try projection(arguments, call.name) } ?? .identity
  }

  mutating func pathRange(_ call: GremlinCall) throws(QueryError) -> PathRange {
    need(.all)
    return PathRange(
      from: try call.from.map { label throws(QueryError) in try label.text("from") },
      to: try call.to.map { label throws(QueryError) in try label.text("to") }, by: try projections(call))
  }

  mutating func operand(_ argument: Bytecode.Argument, _ step: String) throws(QueryError) -> Operand {
    if case .traversal = argument { return .traversal(try traversal(argument, of: step)) }
    return .value(try argument.value(step))
  }

  func binaryFunction(_ argument: Bytecode.Argument, _ step: String) throws(QueryError) -> BinaryFunction {
    if case .constant("Operator", let name) = argument, let function = BinaryFunction(rawValue: name) {
      return function
    }
    if case .value(.string(let name)) = argument, let function = BinaryFunction(rawValue: name) { return function }
    if case .lambda = argument { throw Self.lambda(step) }
    throw QueryError(.syntax, "\(step)() takes an operator such as Operator.sum, not \(argument.summary).")
  }

  /// The identifiers that arguments name, or one list of them; null names nothing.
  func identifiers(_ call: GremlinCall) throws(QueryError) -> [Value] {
    var identifiers: [Value] = []
    for argument in call.arguments { identifiers.append(try argument.value(call.name)) }
    if identifiers.count == 1 {
      switch identifiers[0] {
      case .list(let values), .set(let values): identifiers = values
      default: break
      }
    }
    return identifiers.compactMap(Self.identifier)
  }

  /// The identifier that a value means: digits and elements stand for their number.
  static func identifier(_ value: Value) -> Value? {
    switch value {
    case .null: nil
    case .string(let text): Int64(text).map { .integer($0) } ?? value
    case .vertex(let vertex): .integer(vertex.id)
    case .edge(let edge): .integer(edge.id)
    default: value
    }
  }

  // Predicates.

  /// A predicate, or equality with a value.
  func predicate(_ argument: Bytecode.Argument, _ step: String) throws(QueryError) -> Predicate {
    switch GremlinCall.unbound(argument) {
    case .predicate(let type, let name, let arguments): return try predicate(type, name, arguments, step)
    case .lambda: throw Self.lambda(step)
    default: return .equal(try argument.value(step))
    }
  }

  private func predicate(
    _ type: String, _ name: String, _ arguments: [Bytecode.Argument], _ step: String
  ) throws(QueryError) -> Predicate {
    switch name {
    case "and", "or":
      var parts: [Predicate] = []
      for argument in arguments { parts.append(try predicate(argument, step)) }
      return name == "and" ? .and(parts) : .or(parts)
    case "not", "negate":
      guard arguments.count == 1 else { throw QueryError(.syntax, "not() takes one predicate.") }
      return .not(try predicate(arguments[0], step))
    case "within", "without":
      let values = try members(arguments, name)
      return name == "within" ? .within(values) : .without(values)
    case "typeOf": return .hasType(try typeName(arguments))
    case "expr":
      throw QueryError(
        .unsupported, "expr() is not supported in \(step)(). Write the condition as steps, or use Cypher.")
    default: break
    }
    var values: [Value] = []
    for argument in arguments { values.append(try argument.value(name)) }
    if name == "between" || name == "inside" || name == "outside" {
      if values.count == 1, case .list(let pair) = values[0] { values = pair }
      return try interval(name, values)
    }
    guard values.count == 1 else { throw QueryError(.syntax, "\(name)() takes one value, not \(values.count).") }
    return try simple(name, values[0])
  }

  private func interval(_ name: String, _ values: [Value]) throws(QueryError) -> Predicate {
    guard values.count == 2 else { throw QueryError(.syntax, "\(name)() takes two values, not \(values.count).") }
    switch name {
    case "between": return .and([.greaterOrEqual(values[0]), .less(values[1])])
    case "inside": return .and([.greater(values[0]), .less(values[1])])
    default: return .or([.less(values[0]), .greater(values[1])])
    }
  }

  private func simple(_ name: String, _ value: Value) throws(QueryError) -> Predicate {
    switch name {
    case "eq": return .equal(value)
    case "neq": return .notEqual(value)
    case "lt": return .less(value)
    case "lte": return .lessOrEqual(value)
    case "gt": return .greater(value)
    case "gte": return .greaterOrEqual(value)
    default: break
    }
    guard case .string(let text) = value else {
      throw QueryError(.syntax, "\(name)() takes a text, not \(value.typeName).")
    }
    switch name {
    case "startingWith": return .startsWith(text, negated: false)
    case "notStartingWith": return .startsWith(text, negated: true)
    case "endingWith": return .endsWith(text, negated: false)
    case "notEndingWith": return .endsWith(text, negated: true)
    case "containing": return .contains(text, negated: false)
    case "notContaining": return .contains(text, negated: true)
    case "regex": return .matches(text, negated: false)
    case "notRegex": return .matches(text, negated: true)
    default: throw QueryError(.syntax, "\(name)() is no predicate. Use those of P and TextP.")
    }
  }

  private func members(_ arguments: [Bytecode.Argument], _ name: String) throws(QueryError) -> [Value] {
    var values: [Value] = []
    for argument in arguments { values.append(try argument.value(name)) }
    if values.count == 1 {
      if case .list(let elements) = values[0] { return elements }
      if case .set(let elements) = values[0] { return elements }
    }
    return values
  }

  private func typeName(_ arguments: [Bytecode.Argument]) throws(QueryError) -> String {
    switch arguments.first {
    case .constant("GType", let name)?: return name
    case .value(.string(let name))? where GremlinNames.constants["GType"]?.contains(name.uppercased()) == true:
      return name.uppercased()
    default: throw QueryError(.syntax, "typeOf() takes a constant such as GType.INT.")
    }
  }
}
