import QueryAlgebra
import QueryValues
import Workers

/// What one run of a query may use.
public struct ExecutionLimits: Sendable {
  /// The largest number of bytes that rows kept by the query may take, as `MemoryAccount` estimates them.
  public var memory: Int
  /// When the query must have ended; nil for no deadline.
  public var deadline: ContinuousClock.Instant?

  /// Creates limits.
  public init(memory: Int = 1 << 30, deadline: ContinuousClock.Instant? = nil) {
    self.memory = memory
    self.deadline = deadline
  }
}

/// One run of a query: its graph, parameters, row, and what it may use. Confined to the thread that runs it.
final class Execution {
  let graph: any QueryGraph
  let parameters: [String: Value]
  let functions: FunctionContext
  /// The graph's names; made again when a query has added elements.
  var names: GraphNames
  let cancellation: Cancellation
  var account: MemoryAccount
  /// The slots of the current row.
  var row: [Value]
  /// How many rows each measured operator yielded.
  var rowCounts: [Int64]
  private let deadline: ContinuousClock.Instant?
  private var checks = 0

  /// Prepares a run.
  init(
    graph: any QueryGraph, parameters: [String: Value], functions: FunctionContext, slots: Int,
    measured: Int, limits: ExecutionLimits, cancellation: Cancellation
  ) {
    self.graph = graph
    self.parameters = parameters
    self.functions = functions
    self.names = GraphNames(graph)
    self.cancellation = cancellation
    self.account = MemoryAccount(limit: limits.memory)
    self.deadline = limits.deadline
    self.row = Array(repeating: .null, count: slots)
    self.rowCounts = Array(repeating: 0, count: measured)
  }

  /// Ends the query if somebody asked for it or its time is over. Called once per element that is visited; it looks at the
  /// clock once in 256 calls.
  func check() throws(QueryError) {
    checks &+= 1
    guard checks & 255 == 0 else { return }
    if cancellation.isCancelled {
      throw QueryError(.cancelled, "the query was cancelled")
    }
    if let deadline, ContinuousClock.now >= deadline {
      throw QueryError(
        .timeout,
        "the query did not end within its time limit. Narrow it, or ask for more time with the request's timeout")
    }
  }
}

/// The numbers of labels and property keys, by name.
struct GraphNames {
  private let vertexLabels: [String: Int]
  private let edgeLabels: [String: Int]
  private let keys: [String: Int]

  init(_ graph: any QueryGraph) {
    func numbered(_ names: [String]) -> [String: Int] {
      Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }
    vertexLabels = numbered(graph.vertexLabels)
    edgeLabels = numbered(graph.edgeLabels)
    keys = numbered(graph.propertyKeys)
  }

  func vertexLabel(_ name: String) -> Int? { vertexLabels[name] }
  func edgeLabel(_ name: String) -> Int? { edgeLabels[name] }
  func key(_ name: String) -> Int? { keys[name] }

  /// The numbers of edge labels; names that the graph does not have are left out. Nil stays nil: any label.
  func edgeLabels(_ names: [String]?) -> [Int]? {
    guard let names else { return nil }
    var numbers: [Int] = []
    for name in names {
      if let number = edgeLabels[name], !numbers.contains(number) { numbers.append(number) }
    }
    return numbers
  }
}

/// The memory that a query holds, estimated, with its limit.
struct MemoryAccount {
  let limit: Int
  private(set) var used = 0

  init(limit: Int) { self.limit = limit }

  /// Counts bytes that the query begins to hold.
  /// - Throws: `QueryError` of kind `memory` if the limit does not admit them.
  mutating func hold(_ bytes: Int) throws(QueryError) {
    used += bytes
    guard used <= limit else {
      throw QueryError(
        .memory,
        "the query needs more than its \(limit) bytes for rows that it sorts, groups or collects. Narrow it, return fewer "
          + "columns, or raise the limit")
    }
  }

  /// Counts bytes that the query holds no longer.
  mutating func release(_ bytes: Int) { used -= bytes }
}

extension Value {
  /// About how many bytes a kept value takes.
  var estimatedBytes: Int {
    switch self {
    case .string(let text): 40 + text.utf8.count
    case .list(let values), .set(let values): values.reduce(56) { $0 + $1.estimatedBytes }
    case .map(let map): map.entries.reduce(120) { $0 + 64 + $1.key.estimatedBytes + $1.value.estimatedBytes }
    case .path(let path): path.objects.reduce(80) { $0 + $1.estimatedBytes }
    default: 40
    }
  }
}
