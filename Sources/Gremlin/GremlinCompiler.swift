import QueryAlgebra
import QueryValues

/// Makes a traversal that can run of the steps that a script or a driver called.
///
/// Checks names and arguments of steps, binds modifiers such as `by` to their steps, and applies strategies. Steps that write or
/// need a graph computer, and code, are rejected by name.
public struct GremlinCompiler {
  /// The deepest nesting of traversals: what runs a traversal recurses as deep.
  static let depthLimit = 64

  var query = TraversalQuery(Traversal())
  var strategies = GremlinStrategies()
  var depth = 0
  private var stepCount = 0

  /// Compiles a traversal.
  /// - Throws: `QueryError` of the kind `syntax` for wrong steps and arguments, `unsupported` for what is rejected by name.
  public static func compile(_ bytecode: Bytecode) throws(QueryError) -> TraversalQuery {
    var compiler = GremlinCompiler()
    compiler.query.history = .none
    for instruction in bytecode.source { try compiler.applySource(instruction) }
    guard let start = bytecode.steps.first, startSteps.contains(start.name) else {
      throw QueryError(
        .syntax,
        "A traversal begins with V(), E(), inject() or union(), not with \(bytecode.steps.first?.name ?? "nothing").")
    }
    compiler.query.traversal = try compiler.traversal(compiler.withoutTerminal(bytecode.steps))
    return compiler.query
  }

  private static let startSteps: Set<String> = [
    "V", "E", "inject", "union", "call", "io", "addV", "addE", "mergeV", "mergeE", "tx",
  ]

  /// Takes `explain()` and `profile()` from the end.
  private mutating func withoutTerminal(_ steps: [Bytecode.Instruction]) -> [Bytecode.Instruction] {
    switch steps.last?.name {
    case "explain": query.mode = .explain
    case "profile" where steps.last?.arguments.isEmpty == true: query.mode = .profile
    default: return steps
    }
    return Array(steps.dropLast())
  }

  /// Compiles the steps of a traversal.
  mutating func traversal(_ instructions: [Bytecode.Instruction]) throws(QueryError) -> Traversal {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else {
      throw QueryError(.syntax, "Traversals are nested deeper than \(Self.depthLimit) levels.")
    }
    if let connected = try connective(instructions) { return connected }
    return try traversal(GremlinCall.calls(of: instructions))
  }

  mutating func traversal(_ calls: [GremlinCall]) throws(QueryError) -> Traversal {
    var steps: [TraversalStep] = []
    stepCount += calls.count
    guard stepCount <= GremlinParser.stepLimit else {
      throw QueryError(.syntax, "The traversal has more than \(GremlinParser.stepLimit) steps.")
    }
    for call in calls {
      var made = try self.steps(call)
      if !call.labels.isEmpty {
        need(.labels)
        if made.isEmpty { made = [TraversalStep(.identity)] }
        made[made.count - 1].labels += call.labels
      }
      steps += made
    }
    return Traversal(steps)
  }

  /// Compiles the infix forms `a.and().b` and `a.or().b`; `or` binds less. Nil if there are none.
  private mutating func connective(_ instructions: [Bytecode.Instruction]) throws(QueryError) -> Traversal? {
    for name in ["or", "and"] {
      guard instructions.contains(where: { $0.name == name && $0.arguments.isEmpty }) else { continue }
      let start = instructions.lastIndex { Self.startSteps.contains($0.name) && $0.name != "union" }.map { $0 + 1 } ?? 0
      let head = Array(instructions[..<start])
      var parts: [Traversal] = []
      for part in instructions[start...].split(
        omittingEmptySubsequences: false, whereSeparator: { $0.name == name && $0.arguments.isEmpty })
      {
        guard !part.isEmpty else {
          throw QueryError(.syntax, "\(name)() needs steps on both sides, or traversals in it.")
        }
        parts.append(try traversal(Array(part)))
      }
      let step = TraversalStep(name == "or" ? .or(parts) : .and(parts))
      return Traversal(try head.isEmpty ? [step] : traversal(head).steps + [step])
    }
    return nil
  }

  /// Notes what a step reads of histories.
  mutating func need(_ need: TraversalQuery.HistoryNeed) { query.history = max(query.history, need) }

  /// Compiles an argument that is an anonymous traversal.
  mutating func traversal(_ argument: Bytecode.Argument, of step: String) throws(QueryError) -> Traversal {
    switch argument {
    case .traversal(let bytecode):
      guard bytecode.source.isEmpty else {
        throw QueryError(.syntax, "The traversal in \(step)() begins with __, without with…().")
      }
      return try traversal(bytecode.steps)
    case .lambda: throw Self.lambda(step)
    default: throw QueryError(.syntax, "\(step)() needs a traversal such as __.out(), not \(argument.summary).")
    }
  }

  mutating func traversals(_ call: GremlinCall) throws(QueryError) -> [Traversal] {
    var traversals: [Traversal] = []
    for argument in call.arguments { traversals.append(try traversal(argument, of: call.name)) }
    return traversals
  }

  static func lambda(_ step: String) -> QueryError {
    QueryError(
      .unsupported, "\(step)() was given code, which would run in the server and is not supported. Write it as steps.")
  }
}
