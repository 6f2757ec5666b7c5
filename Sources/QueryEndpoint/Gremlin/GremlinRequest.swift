import FoundationEssentials
import QueryAlgebra
import QueryValues

/// A message of a Gremlin client.
struct GremlinRequest: Sendable {
  /// The number by which the client knows the answers.
  let id: UUID
  /// What is to be done.
  let operation: Operation

  enum Operation: Sendable {
    case query(Statement, Settings)
    /// An answer to a challenge.
    case authentication(QueryCredentials)
    case closeSession
    /// A request that cannot be carried out, with its status.
    case rejected(GremlinStatus.Code, String)
  }

  struct Settings: Sendable, Equatable {
    /// The number of results in a response; nil for the server's choice.
    var batchSize: Int?
    /// Whether each result is wrapped in a traverser with its bulk.
    var hasTraversers = false
    /// Whether elements come with their properties rather than as references.
    var hasProperties = false
  }

  /// Reads what a request asks for.
  /// - Parameter problem: Why a value of the arguments cannot be used.
  init(id: UUID, operation: String, processor: String, arguments: [String: Bytecode.Argument], problem: QueryError?) {
    self.id = id
    if let problem {
      self.operation = .rejected(.invalidArguments, problem.message)
    } else {
      do throws(QueryError) {
        self.operation = try Self.operation(operation, processor, arguments)
      } catch {
        self.operation = .rejected(.invalidArguments, error.message)
      }
    }
  }

  private static func operation(_ name: String, _ processor: String, _ arguments: [String: Bytecode.Argument])
    throws(QueryError) -> Operation
  {
    switch (name, processor) {
    case ("authentication", _): return .authentication(try credentials(arguments["sasl"]))
    case ("close", "session"): return .closeSession
    case ("eval", ""), ("eval", "session"):
      guard case .value(.string(let script))? = arguments["gremlin"] else {
        throw QueryError(.argument, "The argument 'gremlin' of eval is not text; send the script in it")
      }
      try checkLanguage(arguments["language"])
      return try query(.gremlin(script), arguments, hasTraversers: false)
    case ("bytecode", "traversal"), ("bytecode", "session"):
      guard case .traversal(let bytecode)? = arguments["gremlin"] else {
        throw QueryError(.argument, "The argument 'gremlin' of bytecode is no traversal")
      }
      return try query(.bytecode(bytecode), arguments, hasTraversers: true)
    default:
      throw QueryError(
        .argument, "The operation '\(name)' of the processor '\(processor)' is not supported; use eval or bytecode")
    }
  }

  private static func query(_ body: Statement.Body, _ arguments: [String: Bytecode.Argument], hasTraversers: Bool)
    throws(QueryError) -> Operation
  {
    try checkAliases(arguments["aliases"])
    var settings = Settings(hasTraversers: hasTraversers)
    if let size = try integer("batchSize", arguments) {
      guard size > 0 else { throw QueryError(.argument, "The argument 'batchSize' is not positive") }
      settings.batchSize = Int(min(size, 1_000_000))
    }
    if case .value(.string("all"))? = arguments["materializeProperties"] { settings.hasProperties = true }
    var timeout: Duration?
    let name = arguments["evaluationTimeout"] == nil ? "scriptEvaluationTimeout" : "evaluationTimeout"
    if let limit = try integer(name, arguments), limit > 0 { timeout = .milliseconds(min(limit, 3_155_760_000_000)) }
    return .query(Statement(body, parameters: try bindings(arguments["bindings"]), timeout: timeout), settings)
  }

  private static func bindings(_ argument: Bytecode.Argument?) throws(QueryError) -> [String: Value] {
    switch argument {
    case nil, .value(.null)?: return [:]
    case .value(.map(let map))?:
      var bindings: [String: Value] = [:]
      for (key, value) in map.entries {
        guard case .string(let name) = key else { throw QueryError(.argument, "The name of a binding is not text") }
        bindings[name] = value
      }
      return bindings
    default:
      throw QueryError(
        .argument, "The bindings of a script are no map of names to values; write traversals into the script")
    }
  }

  private static func checkAliases(_ argument: Bytecode.Argument?) throws(QueryError) {
    guard case .value(.map(let aliases))? = argument else { return }
    for (name, source) in aliases.entries {
      guard case .string("g") = name, case .string("g") = source else {
        throw QueryError(.argument, "There is no traversal source by that alias: this endpoint has 'g' alone")
      }
    }
  }

  private static func checkLanguage(_ argument: Bytecode.Argument?) throws(QueryError) {
    switch argument {
    case nil, .value(.null)?: return
    case .value(.string(let language))? where language.contains("gremlin"): return
    default:
      throw QueryError(.argument, "The argument 'language' names no Gremlin; send gremlin-groovy or gremlin-lang")
    }
  }

  private static func integer(_ name: String, _ arguments: [String: Bytecode.Argument]) throws(QueryError) -> Int64? {
    switch arguments[name] {
    case nil, .value(.null)?: return nil
    case .value(.integer(let number))?: return number
    case .value(.integer32(let number))?: return Int64(number)
    default: throw QueryError(.argument, "The argument '\(name)' is no integer")
    }
  }

  /// Reads SASL PLAIN (RFC 4616): an authorization identity, the name and the password, with zero bytes between them.
  private static func credentials(_ argument: Bytecode.Argument?) throws(QueryError) -> QueryCredentials {
    guard case .value(.string(let text))? = argument, let bytes = Data(base64Encoded: text) else {
      throw QueryError(.argument, "The argument 'sasl' is not base64; authenticate with SASL PLAIN")
    }
    let parts = bytes.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let name = String(validating: parts[1], as: UTF8.self),
      let password = String(validating: parts[2], as: UTF8.self)
    else { throw QueryError(.argument, "The argument 'sasl' is no answer of SASL PLAIN") }
    return QueryCredentials(scheme: "basic", principal: name, credentials: password)
  }
}
