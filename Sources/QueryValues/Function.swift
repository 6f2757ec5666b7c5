/// A function that a query calls by name.
public struct Function: Sendable {
  /// What computes the result. The number of arguments is that of `arity`.
  public typealias Body = @Sendable (_ arguments: [Value], _ context: FunctionContext) throws(QueryError) -> Value

  /// The name as users write it, such as `toInteger` or `duration.between`. Names are found in any case.
  public let name: String
  /// The numbers of arguments that are taken.
  public let arity: ClosedRange<Int>
  /// The arguments and the result, such as `(list :: LIST<ANY>) :: ANY`.
  public let signature: String
  /// What the function does, for `SHOW FUNCTIONS`.
  public let summary: String
  private let compute: Body

  /// Creates a function.
  init(_ name: String, _ arity: ClosedRange<Int>, _ signature: String, _ summary: String, _ body: @escaping Body) {
    self.name = name
    self.arity = arity
    self.signature = signature
    self.summary = summary
    self.compute = body
  }

  /// Calls the function.
  /// - Throws: A syntax error `InvalidNumberOfArguments`, or what the function throws.
  public func body(_ arguments: [Value], _ context: FunctionContext) throws(QueryError) -> Value {
    try checkCount(arguments.count)
    return try compute(arguments, context)
  }

  /// Rejects a number of arguments that is not taken.
  /// - Throws: A syntax error `InvalidNumberOfArguments`.
  public func checkCount(_ count: Int) throws(QueryError) {
    if arity.contains(count) { return }
    throw QueryError(
      .syntax, detail: "InvalidNumberOfArguments",
      "\(name)() is called with \(count) arguments; it is \(name)\(signature)")
  }
}

/// What functions need beside their arguments.
public struct FunctionContext: Sendable {
  /// The graph of the query.
  public var graph: any QueryGraph
  /// When the statement began, in seconds since 1970-01-01T00:00:00Z.
  public var seconds: Int64
  /// Nanoseconds of that second.
  public var nanoseconds: Int32
  /// Where `rand()` and `randomUUID()` take numbers from.
  public var random: RandomSource
  /// The time at the moment of a call, for `.realtime()`; nil takes the statement's time.
  public var clock: (@Sendable () -> (seconds: Int64, nanoseconds: Int32))?

  /// Creates a context.
  public init(
    graph: any QueryGraph, seconds: Int64, nanoseconds: Int32, random: RandomSource,
    clock: (@Sendable () -> (seconds: Int64, nanoseconds: Int32))? = nil
  ) {
    self.graph = graph
    self.seconds = seconds
    self.nanoseconds = nanoseconds
    self.random = random
    self.clock = clock
  }
}

/// The functions of both languages' expressions.
public enum Functions {
  /// All functions, sorted by name.
  public static let all: [Function] =
    (ElementFunctions.all + ListFunctions.all + ConversionFunctions.all + TextFunctions.all + MathFunctions.all
    + TemporalFunctions.all).sorted { $0.name.lowercased() < $1.name.lowercased() }

  private static let table: [String: Function] = Dictionary(
    uniqueKeysWithValues: (all + ElementFunctions.unsupported).map { ($0.name.lowercased(), $0) })

  /// The function of a name in lower case, such as `tointeger` or `duration.between`; nil if there is none.
  public static func named(_ name: String) -> Function? { table[name] }
}
