import QueryAlgebra
import QueryValues

/// Reads a script of Gremlin: what a Groovy server would run, without Groovy.
///
/// A script is a traversal from `g`, after assignments of values to names. Code (closures, loops, methods of Java) is rejected.
public struct GremlinParser {
  /// The deepest nesting of traversals, lists and parentheses.
  static let depthLimit = 64
  /// The largest number of steps in a script.
  static let stepLimit = 1000

  var tokens: [GremlinToken]
  var position = 0
  var depth = 0
  private var steps = 0
  /// The names that the request binds, and those that the script assigns.
  var names: [String: Bytecode.Argument]

  private init(_ text: String, _ bindings: [String: Value]) throws(QueryError) {
    tokens = try GremlinLexer.tokens(of: text)
    names = bindings.mapValues { .value($0) }
  }

  /// Reads a script. A call that ends it, such as `next()` or `toSet()`, is the last step of the result.
  /// - Parameter bindings: The values of names that the script does not define.
  /// - Throws: `QueryError` of the kind `syntax` with the place of the mistake, or `unsupported` for code and writing.
  public static func parse(_ text: String, bindings: [String: Value] = [:]) throws(QueryError) -> Bytecode {
    var parser = try GremlinParser(text, bindings)
    return try parser.readScript()
  }

  private mutating func readScript() throws(QueryError) -> Bytecode {
    var result: Bytecode?
    while true {
      while isSymbol(";") || peek.kind == .lineEnd { position += 1 }
      if peek.kind == .end { break }
      guard result == nil else {
        throw error("A script must be one traversal. Send the traversals in requests of their own.")
      }
      if try !readAssignment() { result = try readQuery() }
      guard peek.kind == .end || peek.kind == .lineEnd || isSymbol(";") else {
        throw unexpected("the end of the statement")
      }
    }
    guard let result else { throw error("The script has no traversal. Begin with g.V() or g.E().") }
    return result
  }

  private mutating func readAssignment() throws(QueryError) -> Bool {
    var ahead = position
    if case .name("def") = tokens[ahead].kind { ahead += 1 }
    guard case .name(let name) = tokens[ahead].kind, tokens[ahead + 1].kind == .symbol("="),
      tokens[ahead + 2].kind != .symbol("=")
    else { return false }
    position = ahead + 2
    names[name] = try readArgument()
    return true
  }

  private mutating func readQuery() throws(QueryError) -> Bytecode {
    guard case .name("g") = peek.kind else {
      throw error("A traversal begins with g, not with \(peek.spelling).")
    }
    position += 1
    var bytecode = Bytecode()
    while takeSymbol(".") {
      let instruction = try readInstruction()
      if bytecode.steps.isEmpty, Self.sourceSteps.contains(instruction.name) {
        bytecode.source.append(instruction)
      } else {
        bytecode.steps.append(instruction)
      }
    }
    guard !bytecode.steps.isEmpty else { throw error("The traversal has no steps. Begin with g.V() or g.E().") }
    return bytecode
  }

  /// Reads `name(arguments)`.
  private mutating func readInstruction() throws(QueryError) -> Bytecode.Instruction {
    guard case .name(let name) = peek.kind else { throw unexpected("the name of a step") }
    steps += 1
    guard steps <= Self.stepLimit else { throw error("The script has more than \(Self.stepLimit) steps.") }
    position += 1
    guard isSymbol("(") else {
      if isSymbol("{") { throw lambda() }
      throw error("The step \(name) has no arguments. Write \(name)().")
    }
    return Bytecode.Instruction(name, try readArguments())
  }

  /// Reads the steps of an anonymous traversal; the first one's name comes next.
  mutating func readTraversal() throws(QueryError) -> Bytecode {
    var bytecode = Bytecode()
    repeat { bytecode.steps.append(try readInstruction()) } while takeSymbol(".")
    return bytecode
  }

  /// Reads `(argument, …)`.
  mutating func readArguments() throws(QueryError) -> [Bytecode.Argument] {
    try expect("(")
    var arguments: [Bytecode.Argument] = []
    if takeSymbol(")") { return arguments }
    repeat { arguments.append(try readArgument()) } while takeSymbol(",")
    try expect(")")
    return arguments
  }

  static let sourceSteps: Set<String> = [
    "with", "withBulk", "withComputer", "withPath", "withRemote", "withSack", "withSideEffect", "withStrategies",
    "withoutStrategies",
  ]

  // Words.

  var peek: GremlinToken { tokens[position] }

  func isSymbol(_ symbol: Character) -> Bool { peek.kind == .symbol(symbol) }

  mutating func takeSymbol(_ symbol: Character) -> Bool {
    guard isSymbol(symbol) else { return false }
    position += 1
    return true
  }

  mutating func expect(_ symbol: Character) throws(QueryError) {
    guard takeSymbol(symbol) else { throw unexpected("'\(symbol)'") }
  }

  func unexpected(_ wanted: String) -> QueryError { error("Expected \(wanted) instead of \(peek.spelling).") }

  func error(_ message: String) -> QueryError { GremlinLexer.error(message, peek.offset) }

  func lambda() -> QueryError {
    QueryError(
      .unsupported, "Code in braces would run in the server and is not supported. Write it as steps.",
      offset: peek.offset)
  }
}
