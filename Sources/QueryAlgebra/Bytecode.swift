import QueryValues

/// A Gremlin traversal as the steps that were called, in order.
///
/// Both ways in yield it: the bytecode of a driver is decoded to it, and the text of a script is parsed to it.
public struct Bytecode: Sendable {
  /// The calls that configure the source: `withStrategies`, `withSack`, `with`…
  public var source: [Instruction]
  /// The calls that are steps: `V`, `out`, `has`…
  public var steps: [Instruction]

  /// Creates a traversal.
  public init(source: [Instruction] = [], steps: [Instruction] = []) {
    self.source = source
    self.steps = steps
  }

  /// A call with its arguments.
  public struct Instruction: Sendable {
    /// The name of the step, as Gremlin writes it in Java: `has`, `valueMap`, `in`.
    public var name: String
    /// The arguments in order.
    public var arguments: [Argument]

    /// Creates a call.
    public init(_ name: String, _ arguments: [Argument] = []) {
      self.name = name
      self.arguments = arguments
    }
  }

  /// An argument of a step.
  public indirect enum Argument: Sendable {
    /// A value.
    case value(Value)
    /// An anonymous traversal.
    case traversal(Bytecode)
    /// A predicate, such as `P.gt(1)` or `TextP.startingWith("a")`; `and` and `or` have predicates as operands, `not` one.
    case predicate(type: String, name: String, [Argument])
    /// A constant of an enumeration: `Order.desc`, `Scope.local`, `Pop.all`, `Column.keys`, `Operator.sum`, `Pick.any`,
    /// `Barrier.normSack`, `Merge.onCreate`, `Cardinality.single`, `DT.day`. Constants of `T` and `Direction` are tokens.
    case constant(type: String, name: String)
    /// A list whose elements are no plain values.
    case list([Argument])
    /// A map whose keys or values are no plain values.
    case map([(key: Argument, value: Argument)])
    /// A strategy of `withStrategies` with its settings.
    case strategy(name: String, [(key: String, value: Argument)])
    /// A value that a driver binds to a name.
    case binding(name: String, Argument)
    /// Code in a language of the server; it is always rejected.
    case lambda(language: String)
  }
}
