import QueryAlgebra
import QueryValues

extension GremlinCompiler {
  mutating func branchStep(_ call: GremlinCall) throws(QueryError) -> Step? {
    switch call.name {
    case "union": return .union(try traversals(call))
    case "coalesce": return .coalesce(try traversals(call))
    case "optional", "local":
      try call.count(1...1)
      let traversal = try traversal(call.arguments[0], of: call.name)
      return call.name == "local" ? .local(traversal) : .optional(traversal)
    case "choose", "branch": return .choose(try choice(call))
    case "repeat": return .repeated(try loop(call))
    case "match":
      need(.labels)
      var patterns: [MatchPattern] = []
      for argument in call.arguments {
        guard case .traversal(let bytecode) = argument else {
          throw call.mistake("takes patterns such as __.as('a').out().as('b').")
        }
        patterns.append(try pattern(bytecode.steps))
      }
      guard !patterns.isEmpty else { throw call.mistake("needs a pattern.") }
      return .match(patterns)
    default: return nil
    }
  }

  private mutating func choice(_ call: GremlinCall) throws(QueryError) -> Choice {
    guard let first = call.arguments.first else { throw call.mistake("needs a traversal or a predicate.") }
    guard call.arguments.count == 1 else { return try condition(call, first) }
    let subject: Traversal
    switch first {
    case .value(.token(let token)): subject = Traversal([TraversalStep(.view(.token(token)))])
    case .predicate: subject = Traversal()
    default: subject = try traversal(first, of: call.name)
    }
    var options: [Choice.Option] = []
    for option in call.options {
      guard let last = option.last else { throw call.mistake("has an option() without a traversal.") }
      let pick = option.count > 1 ? try pick(option[0]) : .any
      options.append(Choice.Option(pick, try traversal(last, of: "option")))
    }
    let isChoose = call.name == "choose"
    return Choice(subject: subject, firstOnly: isChoose, options: options, passesUnmatched: isChoose)
  }

  /// `choose(condition, then, otherwise)`.
  private mutating func condition(_ call: GremlinCall, _ first: Bytecode.Argument) throws(QueryError) -> Choice {
    try call.count(2...3)
    let pick: Choice.Pick =
      first.isPredicate ? .predicate(try predicate(first, "choose")) : .traversal(try traversal(first, of: "choose"))
    let options = [Choice.Option(pick, try traversal(call.arguments[1], of: "choose"))]
    guard call.arguments.count == 3 else {
      return Choice(subject: nil, firstOnly: true, options: options, passesUnmatched: true)
    }
    let otherwise = Choice.Option(.none, try traversal(call.arguments[2], of: "choose"))
    return Choice(subject: nil, firstOnly: true, options: options + [otherwise], passesUnmatched: false)
  }

  private mutating func pick(_ argument: Bytecode.Argument) throws(QueryError) -> Choice.Pick {
    switch argument {
    case .constant("Pick", "any"): return .any
    case .constant("Pick", "none"): return .none
    case .constant("Pick", "unproductive"): return .unproductive
    case .predicate: return .predicate(try predicate(argument, "option"))
    case .traversal: return .traversal(try traversal(argument, of: "option"))
    default: return .value(try argument.value("option"))
    }
  }

  private mutating func loop(_ call: GremlinCall) throws(QueryError) -> Loop {
    try call.count(1...2)
    let name = call.arguments.count == 2 ? try call.arguments[0].text("repeat") : nil
    var loop = Loop(body: try traversal(call.arguments[call.arguments.count - 1], of: "repeat"), name: name)
    guard !loop.body.steps.contains(where: { if case .inject = $0.operation { true } else { false } }) else {
      throw QueryError(.syntax, "The parent of inject()-step can not be repeat()-step. Inject before the loop.")
    }
    for (modifier, isFirst) in call.loop {
      switch modifier.name {
      case "times":
        loop.until = .times(try GremlinCall(modifier).integer(0))
        loop.untilFirst = isFirst
      case "until":
        loop.until = try condition(modifier)
        loop.untilFirst = isFirst
      default:
        loop.emit = modifier.arguments.isEmpty ? .always : try condition(modifier)
        loop.emitFirst = isFirst
      }
    }
    return loop
  }

  private mutating func condition(_ modifier: Bytecode.Instruction) throws(QueryError) -> Loop.Condition {
    guard let argument = modifier.arguments.first.map(GremlinCall.unbound) else {
      throw QueryError(.syntax, "\(modifier.name)() needs a traversal.")
    }
    if argument.isPredicate {
      return .traversal(Traversal([TraversalStep(.isValue(try predicate(argument, modifier.name)))]))
    }
    return .traversal(try traversal(argument, of: modifier.name))
  }
}
