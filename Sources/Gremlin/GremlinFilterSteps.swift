import QueryAlgebra
import QueryValues

extension GremlinCompiler {
  mutating func filterStep(_ original: GremlinCall) throws(QueryError) -> Step? {
    var call = original
    switch call.name {
    case "has", "hasId", "hasLabel", "hasKey", "hasValue", "hasNot": return try hasStep(call)
    case "is":
      try call.count(1...1)
      return .isValue(try predicate(call.arguments[0], "is"))
    case "filter":
      try call.count(1...1)
      if case .predicate = call.arguments[0] { throw call.mistake("takes a traversal. Use is() for a predicate.") }
      return .filter(try traversal(call.arguments[0], of: "filter"))
    case "not":
      try call.count(1...1)
      return .not(try traversal(call.arguments[0], of: "not"))
    case "and": return .and(try traversals(call))
    case "or": return .or(try traversals(call))
    case "where": return try whereStep(call)
    case "dedup":
      let scope = call.takeScope()
      let labels = try call.texts()
      if !labels.isEmpty { need(.labels) }
      guard call.by.count <= max(1, labels.count) else {
        throw call.mistake("takes one by() for each label, or one only.")
      }
      return .dedup(labels: labels, by: try projections(call), scope)
    case "limit", "skip", "range", "tail", "sample": return try rangeStep(&call)
    case "coin":
      guard let probability = try call.arguments.first?.value("coin").number?.double else {
        throw call.mistake("needs a probability.")
      }
      return .coin(probability)
    case "simplePath", "cyclicPath": return .pathFilter(simple: call.name == "simplePath", try pathRange(call))
    case "all", "any": return .quantifier(call.name == "all" ? .all : .any, try onlyPredicate(call))
    case "none" where !call.arguments.isEmpty: return .quantifier(.none, try onlyPredicate(call))
    case "none", "discard", "iterate": return .discard
    case "timeLimit": return .timeLimit(try call.integer(0))
    default: return nil
    }
  }

  private func onlyPredicate(_ call: GremlinCall) throws(QueryError) -> Predicate {
    try call.count(1...1)
    return try predicate(call.arguments[0], call.name)
  }

  private func rangeStep(_ call: inout GremlinCall) throws(QueryError) -> Step {
    let scope = call.takeScope()
    switch call.name {
    case "tail":
      let count = call.arguments.isEmpty ? 1 : try call.integer(0)
      guard count >= 0 else { throw call.mistake("needs a number that is not negative.") }
      return .tail(count, scope)
    case "sample":
      var compiler = self
      return .sample(try call.integer(0), by: try compiler.projection(call), scope)
    case "limit", "skip":
      let count = try call.integer(0)
      guard count >= 0 || call.name == "limit" else { throw call.mistake("needs a number that is not negative.") }
      return call.name == "limit"
        ? .range(from: 0, to: count < 0 ? nil : count, scope) : .range(from: count, to: nil, scope)
    default:
      try call.count(2...2)
      let (from, to) = (try call.integer(0), try call.integer(1))
      guard to < 0 || from <= to else {
        throw QueryError(.argument, "Not a legal range: [\(from), \(to)]. The first number must not exceed the second.")
      }
      return .range(from: max(0, from), to: to < 0 ? nil : to, scope)
    }
  }

  // Has.

  private mutating func hasStep(_ call: GremlinCall) throws(QueryError) -> Step {
    try call.reject()
    switch call.name {
    case "hasNot":
      try call.count(1...1)
      return .hasProperty(try call.arguments[0].text("hasNot"), present: false)
    case "hasId":
      if call.arguments.count == 1, case .predicate = call.arguments[0] {
        return .has(.id, Self.identifying(try predicate(call.arguments[0], "hasId")))
      }
      return .has(.id, .within(try identifiers(call)))
    case "hasLabel", "hasKey", "hasValue":
      let condition: Predicate
      if call.arguments.count == 1 {
        condition = try predicate(call.arguments[0], call.name)
      } else {
        var parts: [Predicate] = []
        for argument in call.arguments { parts.append(try predicate(argument, call.name)) }
        condition = .or(parts)
      }
      let opened = Self.opened(condition)
      return call.name == "hasLabel"
        ? .has(.label, opened) : call.name == "hasKey" ? .hasKey(opened) : .hasValue(opened)
    default: break
    }
    try call.count(1...3)
    if case .value(.null) = call.arguments[0], call.arguments.count < 3 { return .discard }
    switch call.arguments.count {
    case 1:
      if case .value(.token) = call.arguments[0] { throw call.mistake("needs a value behind the token.") }
      return .hasProperty(try call.arguments[0].text("has"), present: true)
    case 2: return try has(key(call.arguments[0]), call.arguments[1])
    default:
      let label = Step.has(.label, try predicate(call.arguments[0], "has"))
      let rest = try has(key(call.arguments[1]), call.arguments[2])
      return .filter(Traversal([TraversalStep(label), TraversalStep(rest)]))
    }
  }

  private func key(_ argument: Bytecode.Argument) throws(QueryError) -> ElementKey {
    switch argument {
    case .value(.token(.id)): return .id
    case .value(.token(.label)): return .label
    case .value(.string(let key)): return .property(key)
    default: throw QueryError(.syntax, "has() needs a key, T.id or T.label, not \(argument.summary).")
    }
  }

  private mutating func has(_ key: ElementKey, _ argument: Bytecode.Argument) throws(QueryError) -> Step {
    if case .traversal = argument { return .hasTraversal(key, try traversal(argument, of: "has")) }
    let condition = try predicate(argument, "has")
    return .has(key, key == .id ? Self.identifying(condition) : condition)
  }

  /// The predicate with identifiers as numbers.
  private static func identifying(_ predicate: Predicate) -> Predicate {
    func identifier(_ value: Value) -> Value { self.identifier(value) ?? value }
    switch predicate {
    case .equal(.list(let values)): return .within(values.map(identifier))
    case .equal(let value): return .equal(identifier(value))
    case .notEqual(let value): return .notEqual(identifier(value))
    case .within(let values): return .within(values.map(identifier))
    case .without(let values): return .without(values.map(identifier))
    case .and(let parts): return .and(parts.map(identifying))
    case .or(let parts): return .or(parts.map(identifying))
    case .not(let part): return .not(identifying(part))
    default: return predicate
    }
  }

  /// The predicate with a list as its elements.
  private static func opened(_ predicate: Predicate) -> Predicate {
    if case .equal(.list(let values)) = predicate { return .within(values) }
    return predicate
  }

  // Where.

  private mutating func whereStep(_ call: GremlinCall) throws(QueryError) -> Step {
    try call.count(1...2)
    if call.arguments.count == 2 || call.arguments[0].isPredicate {
      need(.labels)
      let start = call.arguments.count == 2 ? try call.arguments[0].text("where") : nil
      guard let last = call.arguments.last, last.isPredicate else { throw call.mistake("needs a predicate of labels.") }
      return .wherePredicate(start: start, try predicate(last, "where"), by: try projections(call))
    }
    guard case .traversal(let bytecode) = call.arguments[0] else {
      throw call.mistake("needs a predicate or a traversal.")
    }
    guard Self.usesLabels(bytecode.steps) else { return .filter(try traversal(call.arguments[0], of: "where")) }
    need(.labels)
    return .wherePattern(try pattern(bytecode.steps))
  }

  /// Whether the traversal of `where` begins or ends at a label.
  private static func usesLabels(_ steps: [Bytecode.Instruction]) -> Bool {
    if steps.first?.name == "as" || steps.last?.name == "as" { return true }
    guard steps.count == 1, ["and", "or", "not"].contains(steps[0].name) else { return false }
    return steps[0].arguments.contains { if case .traversal(let inner) = $0 { usesLabels(inner.steps) } else { false } }
  }

  /// Compiles a pattern between labels.
  mutating func pattern(_ steps: [Bytecode.Instruction]) throws(QueryError) -> MatchPattern {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else {
      throw QueryError(.syntax, "Patterns are nested deeper than \(Self.depthLimit) levels.")
    }
    if let first = steps.first, let pattern = try connected(first, steps.dropFirst()) { return pattern }
    var rest = steps[...]
    var start: String?
    var end: String?
    if rest.first?.name == "as", let label = rest.popFirst()?.arguments.first { start = try label.text("as") }
    if rest.last?.name == "as", let label = rest.popLast()?.arguments.first { end = try label.text("as") }
    if let start, end == nil, let first = rest.first, rest.count == 1, first.name == "where",
      let argument = first.arguments.first.map(GremlinCall.unbound), argument.isPredicate, first.arguments.count == 1
    {
      return .predicate(start: start, try predicate(argument, "where"), by: [])
    }
    return .traversal(start: start, try traversal(Array(rest)), end: end)
  }

  private mutating func connected(
    _ first: Bytecode.Instruction, _ modifiers: ArraySlice<Bytecode.Instruction>
  ) throws(QueryError) -> MatchPattern? {
    guard modifiers.allSatisfy({ $0.name == "by" }) else { return nil }
    var patterns: [MatchPattern] = []
    switch first.name {
    case "and", "or", "not":
      guard modifiers.isEmpty, !first.arguments.isEmpty else { return nil }
      for argument in first.arguments {
        guard case .traversal(let bytecode) = GremlinCall.unbound(argument) else { return nil }
        patterns.append(try pattern(bytecode.steps))
      }
      return first.name == "and" ? .and(patterns) : first.name == "or" ? .or(patterns) : .not(patterns[0])
    case "where":
      switch GremlinCall.unbound(first.arguments[0]) {
      case .traversal(let bytecode): return .condition(try pattern(bytecode.steps))
      case .value(.string(let start)) where first.arguments.count == 2:
        var by: [Projection] = []
        for modifier in modifiers { by.append(try projection(modifier.arguments, "where")) }
        return .predicate(start: start, try predicate(first.arguments[1], "where"), by: by)
      default: return nil
      }
    default: return nil
    }
  }
}

extension Bytecode.Argument {
  var isPredicate: Bool { if case .predicate = self { true } else { false } }
}
