import QueryAlgebra
import QueryValues

/// Turns the text of a Cypher query into a plan.
///
/// The language is openCypher 9 and what Neo4j 5 users write beside it, without clauses that write.
public enum CypherCompiler {
  /// The longest text of a query, in bytes of UTF-8.
  public static let maximumTextSize = 1 << 20

  /// Which clauses that write are compiled.
  public enum Writes: Sendable {
    /// None: each is rejected by its name.
    case rejected
    /// CREATE, for graphs in memory that take new elements.
    case create
  }

  /// Compiles a query.
  ///
  /// - Parameters:
  ///   - text: The text of the query.
  ///   - catalogue: The functions and procedures that the query may call.
  ///   - writes: Which clauses that write are compiled.
  /// - Returns: The plan with its columns. `EXPLAIN` and `PROFILE` are told by the mode.
  /// - Throws: `QueryError` of the kind `syntax`, `type`, `procedure`, `argument` or `unsupported`, with the detail of
  ///   openCypher's compatibility kit and the position of the mistake.
  public static func compile(_ text: String, catalogue: CypherCatalogue, writes: Writes = .rejected) throws(QueryError)
    -> Query
  {
    guard text.utf8.count <= maximumTextSize else {
      throw QueryError(
        .argument, "The query is longer than \(maximumTextSize) bytes. Pass large values as parameters.")
    }
    var parser = try Parser(Array(text.unicodeScalars))
    let parsed = try parser.parseText(defaultDatabase: catalogue.database)
    var lowering = Lowering(catalogue: catalogue, creates: writes == .create)
    var query = try lowering.lower(parsed.query)
    query.mode = parsed.mode
    return query
  }
}

/// The functions and procedures that queries may call.
public struct CypherCatalogue: Sendable {
  /// The name that USE may give.
  public var database: String
  /// How many arguments a function takes, by its name in lower case; nil if there is no such function. Functions of many rows
  /// (`AggregateFunction`) are not asked for.
  public var arity: @Sendable (_ function: String) -> ClosedRange<Int>?
  /// What a procedure takes and yields; nil if there is no such procedure.
  public var procedure: @Sendable (_ name: String) -> ProcedureSignature?

  /// Creates a catalogue.
  public init(
    database: String = "neo4j", arity: @escaping @Sendable (_ function: String) -> ClosedRange<Int>?,
    procedure: @escaping @Sendable (_ name: String) -> ProcedureSignature?
  ) {
    self.database = database
    self.arity = arity
    self.procedure = procedure
  }
}

/// What a procedure takes and yields.
public struct ProcedureSignature: Sendable {
  /// The parameters in order.
  public var parameters: [Field]
  /// The results in order.
  public var results: [Field]
  /// How many parameters, counted from the end, may be left out.
  public var optionalParameters: Int

  /// A parameter or a result.
  public struct Field: Sendable {
    /// The name.
    public var name: String
    /// The type.
    public var type: CypherType

    /// Creates a field.
    public init(_ name: String, _ type: CypherType = .any) {
      self.name = name
      self.type = type
    }
  }

  /// Creates a signature.
  public init(parameters: [Field] = [], results: [Field] = [], optionalParameters: Int = 0) {
    self.parameters = parameters
    self.results = results
    self.optionalParameters = optionalParameters
  }
}

/// What is known of a value before a query runs. Any type includes null.
public indirect enum CypherType: Sendable, Hashable {
  /// Nothing is known.
  case any
  /// The value is null.
  case null
  /// A truth value.
  case boolean
  /// A whole number.
  case integer
  /// A floating-point number.
  case float
  /// A text.
  case string
  /// A list of elements of a type.
  case list(CypherType)
  /// A map.
  case map
  /// A node.
  case node
  /// A relationship.
  case relationship
  /// A path.
  case path

  /// The type of values that are of this type or of another one.
  func joined(with other: CypherType) -> CypherType {
    if self == other || other == .null { return self }
    if self == .null { return other }
    if case .list(let left) = self, case .list(let right) = other { return .list(left.joined(with: right)) }
    return .any
  }

  /// The name in messages.
  var name: String {
    switch self {
    case .any: "a value"
    case .null: "null"
    case .boolean: "a boolean"
    case .integer: "an integer"
    case .float: "a float"
    case .string: "a string"
    case .list: "a list"
    case .map: "a map"
    case .node: "a node"
    case .relationship: "a relationship"
    case .path: "a path"
    }
  }
}
