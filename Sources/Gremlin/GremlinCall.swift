import QueryAlgebra
import QueryValues

/// A step with the calls that modify it: `as`, `by`, `from`, `to`, `with`, `option`, `times`, `until`, `emit`.
struct GremlinCall {
  typealias Argument = Bytecode.Argument

  var name: String
  var arguments: [Argument]
  var labels: [String] = []
  var by: [[Argument]] = []
  var from: Argument?
  var to: Argument?
  var with: [[Argument]] = []
  var options: [[Argument]] = []
  /// The calls of `times`, `until` and `emit`, and whether they stand in front of `repeat`.
  var loop: [(call: Bytecode.Instruction, isFirst: Bool)] = []

  init(_ instruction: Bytecode.Instruction) {
    name = instruction.name
    arguments = instruction.arguments.map(Self.unbound)
  }

  /// The value behind a binding.
  static func unbound(_ argument: Argument) -> Argument {
    if case .binding(_, let argument) = argument { return unbound(argument) }
    return argument
  }

  /// The steps of a traversal with their modifiers.
  static func calls(of instructions: [Bytecode.Instruction]) throws(QueryError) -> [GremlinCall] {
    var calls: [GremlinCall] = []
    var first: [Bytecode.Instruction] = []
    for instruction in instructions {
      let arguments = instruction.arguments.map(unbound)
      switch instruction.name {
      case "as":
        if calls.isEmpty { calls.append(GremlinCall(Bytecode.Instruction("identity"))) }
        for argument in arguments { calls[calls.count - 1].labels.append(try argument.text("as")) }
      case "times", "until", "emit":
        if calls.last?.name == "repeat", first.isEmpty {
          calls[calls.count - 1].loop.append((instruction, isFirst: false))
        } else {
          first.append(instruction)
        }
      case "by", "with", "option", "from", "to":
        guard !calls.isEmpty else {
          throw QueryError(.syntax, "\(instruction.name)() modifies the step before it, and there is none.")
        }
        if instruction.name == "to", isStep(instruction) {
          calls.append(GremlinCall(instruction))
        } else {
          calls[calls.count - 1].modify(instruction.name, arguments)
        }
      default:
        var call = GremlinCall(instruction)
        if !first.isEmpty {
          guard call.name == "repeat" else { throw loopless(first[0].name) }
          call.loop = first.map { ($0, isFirst: true) }
          first = []
        }
        calls.append(call)
      }
    }
    if let call = first.first { throw loopless(call.name) }
    return calls
  }

  /// Whether `to` follows edges: its first argument is a direction.
  private static func isStep(_ instruction: Bytecode.Instruction) -> Bool {
    switch instruction.arguments.first.map(unbound) {
    case .value(.token(.out))?, .value(.token(.in))?, .constant("Direction", _)?: true
    default: false
    }
  }

  private static func loopless(_ name: String) -> QueryError {
    QueryError(.syntax, "\(name)() belongs in front of or behind repeat().")
  }

  private mutating func modify(_ name: String, _ arguments: [Argument]) {
    switch name {
    case "by": by.append(arguments)
    case "with": with.append(arguments)
    case "option": options.append(arguments)
    case "from": from = arguments.first
    default: to = arguments.first
    }
  }

  /// An error about the arguments of the step.
  func mistake(_ message: String) -> QueryError { QueryError(.syntax, "\(name)() \(message)") }

  /// Throws if there are modifiers that the step does not take.
  func reject(by: Bool = true, with: Bool = true, options: Bool = true, range: Bool = true) throws(QueryError) {
    if by, !self.by.isEmpty { throw mistake("does not take by(). Remove it.") }
    if with, !self.with.isEmpty { throw mistake("does not take with(). Remove it.") }
    if options, !self.options.isEmpty { throw mistake("does not take option(). Remove it.") }
    if range, from != nil || to != nil { throw mistake("does not take from() or to(). Remove it.") }
  }

  func count(_ expected: ClosedRange<Int>) throws(QueryError) {
    guard expected.contains(arguments.count) else {
      let wanted =
        expected.lowerBound == expected.upperBound
        ? "\(expected.lowerBound)" : "\(expected.lowerBound) to \(expected.upperBound)"
      throw mistake("takes \(wanted) arguments, not \(arguments.count).")
    }
  }

  /// Takes the scope from the front of the arguments; global without one.
  mutating func takeScope() -> Scope {
    guard case .constant("Scope", let name)? = arguments.first, let scope = Scope(rawValue: name) else {
      return .global
    }
    arguments.removeFirst()
    return scope
  }

  func integer(_ position: Int) throws(QueryError) -> Int64 {
    guard position < arguments.count else { throw mistake("needs a whole number.") }
    return try arguments[position].integer(name)
  }

  /// The arguments as keys; null names no property.
  func keys() throws(QueryError) -> [String] {
    var named = self
    named.arguments.removeAll { if case .value(.null) = $0 { true } else { false } }
    // No property has an empty key: it stands for null alone, where no key would mean all.
    return named.arguments.isEmpty && !arguments.isEmpty ? [""] : try named.texts()
  }

  /// All arguments as text.
  func texts() throws(QueryError) -> [String] {
    var texts: [String] = []
    for argument in arguments {
      if case .value(.list(let values)) = argument {
        for value in values { texts.append(try Argument.value(value).text(name)) }
      } else {
        texts.append(try argument.text(name))
      }
    }
    return texts
  }
}

extension Bytecode.Argument {
  func text(_ step: String) throws(QueryError) -> String {
    if case .value(.string(let text)) = self { return text }
    throw QueryError(.syntax, "\(step)() needs a text, not \(summary).")
  }

  func integer(_ step: String) throws(QueryError) -> Int64 {
    switch self {
    case .value(.integer(let number)): return number
    case .value(.integer32(let number)): return Int64(number)
    default: throw QueryError(.syntax, "\(step)() needs a whole number, not \(summary).")
    }
  }

  func value(_ step: String) throws(QueryError) -> Value {
    switch self {
    case .value(let value): return value
    case .binding(_, let argument): return try argument.value(step)
    case .constant(let type, let name) where type == "Scope" || type == "GType":
      throw QueryError(.syntax, "\(step)() needs a value, not \(type).\(name).")
    case .list(let elements):
      var values: [Value] = []
      for element in elements { values.append(try element.value(step)) }
      return .list(values)
    case .map(let entries):
      var map = ValueMap()
      for entry in entries { map[try entry.key.value(step)] = try entry.value.value(step) }
      return .map(map)
    default: throw QueryError(.syntax, "\(step)() needs a value, not \(summary).")
    }
  }

  /// How an error names the argument.
  var summary: String {
    switch self {
    case .value(let value): value.typeName
    case .traversal: "a traversal"
    case .predicate(_, let name, _): "the predicate \(name)"
    case .constant(let type, let name): "\(type).\(name)"
    case .list: "a list"
    case .map: "a map"
    case .strategy(let name, _): "the strategy \(name)"
    case .binding(let name, _): "the binding \(name)"
    case .lambda: "code"
    }
  }
}
