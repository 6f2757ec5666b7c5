import QueryValues

/// What an endpoint asks to be answered.
public struct Statement: Sendable {
  /// The query in the form in which it came.
  public enum Body: Sendable {
    /// The text of a Cypher query.
    case cypher(String)
    /// The text of a Gremlin script.
    case gremlin(String)
    /// A Gremlin traversal that a driver built.
    case bytecode(Bytecode)
  }

  /// The query.
  public var body: Body
  /// The values of its parameters (bindings), by name.
  public var parameters: [String: Value]
  /// How long the query may take; nil for the server's limit.
  public var timeout: Duration?

  /// Creates a statement.
  public init(_ body: Body, parameters: [String: Value] = [:], timeout: Duration? = nil) {
    self.body = body
    self.parameters = parameters
    self.timeout = timeout
  }
}

/// Answers queries over one graph.
public protocol QueryService: Sendable {
  /// The graph: endpoints read the labels and properties of returned elements from it.
  var graph: any QueryGraph { get }

  /// Compiles a statement and begins to run it.
  func open(_ statement: Statement) async throws(QueryError) -> any QueryCursor
}

/// The rows of a running query. One caller uses a cursor; `cancel` may come from any thread.
public protocol QueryCursor: Sendable {
  /// The names of the columns. A Gremlin traversal has one column, `value`; an optional second one, `bulk`, says how often a
  /// value comes.
  var columns: [String] { get }

  /// The next rows: at least one and at most `count`, or none at the end. Suspends until they are there.
  func next(_ count: Int) async throws(QueryError) -> [[Value]]

  /// Ends the query; `next` throws `QueryError.Kind.cancelled` from then on. Returns at once.
  func cancel()

  /// The plan of a query that asked for it; nil for others. Read after the last row.
  var plan: PlanDescription? { get }
}

extension QueryCursor {
  /// No plan.
  public var plan: PlanDescription? { nil }
}
