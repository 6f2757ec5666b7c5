import Cypher
import Gremlin
import QueryAlgebra
import QueryExecution
import QueryValues
import Synchronization
import Workers

/// Answers queries over one graph, on threads of a pool.
public final class GraphQueryService: QueryService {
  /// The graph that is queried.
  public let graph: any QueryGraph
  private let pool: WorkerPool
  private let limits: Limits
  private let plans: PlanCache
  private let running = Atomic<Int>(0)

  /// What queries may use.
  public struct Limits: Sendable {
    /// The time of a query for which the client sets none, and the most that a client may set.
    public var timeout: Duration
    /// The bytes that rows kept by one query may take.
    public var memory: Int
    /// The number of queries that run or wait for their readers.
    public var queries: Int

    /// Creates limits.
    public init(timeout: Duration = .seconds(240), memory: Int = 1 << 30, queries: Int = 64) {
      self.timeout = timeout
      self.memory = memory
      self.queries = queries
    }
  }

  /// Creates a service for a graph.
  public init(graph: any QueryGraph, pool: WorkerPool, limits: Limits = Limits()) {
    self.graph = graph
    self.pool = pool
    self.limits = limits
    plans = PlanCache(capacity: 256)
  }

  /// Compiles a statement and begins to run it.
  /// - Throws: `QueryError` for a statement that cannot run, or if as many queries run as may.
  public func open(_ statement: Statement) async throws(QueryError) -> any QueryCursor {
    switch statement.body {
    case .cypher(let text): try cypher(text, statement)
    case .gremlin(let text):
      try gremlin(try GremlinParser.parse(text, bindings: statement.parameters), statement)
    case .bytecode(let bytecode): try gremlin(bytecode, statement)
    }
  }

  private func gremlin(_ bytecode: Bytecode, _ statement: Statement) throws(QueryError) -> any QueryCursor {
    var query = try GremlinCompiler.compile(bytecode)
    guard query.mode == .run else {
      throw QueryError(
        .unsupported, "explain() and profile() of Gremlin are not supported. Run the traversal without them")
    }
    let asked = query.timeout.map { Duration.milliseconds($0) } ?? statement.timeout
    let timeout = min(asked ?? limits.timeout, limits.timeout)
    query.timeout = timeout.components.seconds * 1000 + timeout.components.attoseconds / 1_000_000_000_000_000
    return try start(["value", "bulk"], timeout) {
      [graph, limits, query] (cancellation, _, sink) throws(QueryError) in
      // An object that waits takes about 64 bytes.
      let execution = TraversalExecution(
        query, graph: graph, limits: TraversalLimits(held: limits.memory / 64),
        isCancelled: { cancellation.isCancelled })
      try execution.run { (value, bulk) throws(QueryError) in try sink([value, .integer(bulk)]) }
      return nil
    }
  }

  private func cypher(_ text: String, _ statement: Statement) throws(QueryError) -> any QueryCursor {
    let query: Query
    if let known = plans[text] {
      query = known
    } else {
      query = try CypherCompiler.compile(text, catalogue: .standard).countingByDegree
      plans[text] = query
    }
    if query.mode == .explain { return ExplainedQuery(query) }
    let functions = FunctionContext.now(graph)
    return try start(query.columns.map(\.name), statement.timeout) {
      [graph, limits] (cancellation, deadline, sink) throws(QueryError) in
      try query.run(
        on: graph, parameters: statement.parameters, functions: functions,
        limits: ExecutionLimits(memory: limits.memory, deadline: deadline), cancellation: cancellation, sink)
    }
  }

  private typealias Sink = ([Value]) throws(QueryError) -> Bool

  /// Begins to run a query, if not too many run.
  private func start(
    _ columns: [String], _ timeout: Duration?,
    _ body:
      @escaping @Sendable (Cancellation, ContinuousClock.Instant, @escaping Sink) throws(QueryError)
      -> PlanDescription?
  ) throws(QueryError) -> any QueryCursor {
    guard running.wrappingAdd(1, ordering: .relaxed).newValue <= limits.queries else {
      running.wrappingSubtract(1, ordering: .relaxed)
      throw QueryError(
        .memory, "\(limits.queries) queries run already. Read their results or cancel them, and try again")
    }
    let cancellation = Cancellation()
    let deadline = ContinuousClock.now + min(timeout ?? limits.timeout, limits.timeout)
    return RowStream(columns: columns, pool: pool, cancellation: cancellation) { [self] (sink) throws(QueryError) in
      defer { running.wrappingSubtract(1, ordering: .relaxed) }
      return try body(cancellation, deadline, sink)
    }
  }
}

/// The plans of texts that came before. The oldest is forgotten first.
private final class PlanCache: Sendable {
  private struct State {
    var plans: [String: Query] = [:]
    var order: [String] = []
  }

  private let capacity: Int
  private let state = Mutex(State())
  /// Longer texts carry data; they do not come again.
  private static let longestText = 10_000

  init(capacity: Int) { self.capacity = capacity }

  subscript(text: String) -> Query? {
    get { state.withLock { $0.plans[text] } }
    set {
      guard let newValue, text.utf8.count <= Self.longestText else { return }
      state.withLock { state in
        if state.plans.updateValue(newValue, forKey: text) == nil { state.order.append(text) }
        if state.order.count > capacity { state.plans.removeValue(forKey: state.order.removeFirst()) }
      }
    }
  }
}

/// A query that is shown instead of run: no rows, and its plan.
private final class ExplainedQuery: QueryCursor {
  let columns: [String]
  let plan: PlanDescription?

  init(_ query: Query) {
    columns = query.columns.map(\.name)
    plan = PlanDescription(query.plan)
  }

  func next(_ count: Int) async throws(QueryError) -> [[Value]] { [] }

  func cancel() {}
}
