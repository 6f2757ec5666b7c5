import QueryAlgebra
import QueryValues

/// What the steps of a running traversal share.
final class TraversalContext {
  let graph: any QueryGraph
  let history: TraversalQuery.HistoryNeed
  let countsBulk: Bool
  let sack: TraversalQuery.SackDefinition?
  /// The numbers of property keys and labels by name.
  let keys: [String: Int]
  let edgeLabels: [String: Int]
  var sideEffects: [String: SideEffect] = [:]
  var random: RandomNumbers
  let limits: TraversalLimits
  private let isCancelled: @Sendable () -> Bool
  private let deadline: ContinuousClock.Instant?
  private var ticks = 0
  private var held = 0

  init(
    _ query: TraversalQuery, graph: any QueryGraph, limits: TraversalLimits, isCancelled: @escaping @Sendable () -> Bool
  ) {
    self.graph = graph
    self.limits = limits
    self.isCancelled = isCancelled
    history = query.history
    countsBulk = query.countsBulk
    sack = query.sack
    keys = Dictionary(graph.propertyKeys.enumerated().map { ($1, $0) }) { first, _ in first }
    edgeLabels = Dictionary(graph.edgeLabels.enumerated().map { ($1, $0) }) { first, _ in first }
    random = RandomNumbers(seed: query.seed ?? UInt64.random(in: .min ... .max))
    deadline = query.timeout.map { ContinuousClock.now + .milliseconds($0) }
    for (name, value) in query.traversal.sideEffects { sideEffects[name] = SideEffect(value) }
    for definition in query.sideEffects {
      sideEffects[definition.name] = SideEffect(definition.initial, reducer: definition.reducer)
    }
  }

  /// Called for each traverser: throws if the query must end.
  func tick() throws(QueryError) {
    ticks += 1
    guard ticks & 1023 == 0 else { return }
    try checkEnd()
  }

  func checkEnd() throws(QueryError) {
    if isCancelled() { throw QueryError(.cancelled, "The query was cancelled.") }
    if let deadline, ContinuousClock.now > deadline {
      throw QueryError(.timeout, "The query took longer than it may. Narrow it, or set a longer evaluationTimeout.")
    }
  }

  /// Counts traversers and values that wait in barriers.
  func hold(_ count: Int = 1) throws(QueryError) {
    held += count
    guard held > limits.held else { return }
    throw QueryError(
      .memory,
      "The query would hold more than \(limits.held) objects at once. Filter earlier, or count instead of collecting.")
  }

  func release(_ count: Int) { held -= count }

  /// The text that names the label of a vertex.
  func label(of vertex: Vertex) -> String {
    graph.labels(of: vertex).map { graph.vertexLabels[$0] }.joined(separator: "::")
  }

  func label(of edge: Edge) -> String { graph.edgeLabels[graph.label(of: edge)] }

  /// The property of an element; nil if it has none.
  func property(_ key: String, of element: Value) -> Value? {
    guard let number = keys[key] else { return nil }
    let value: Value
    switch element {
    case .vertex(let vertex): value = graph.property(number, of: vertex)
    case .edge(let edge): value = graph.property(number, of: edge)
    default: return nil
    }
    return value.isNull ? nil : value
  }

  /// The properties of an element with the given keys, in the order of the graph; all for no keys.
  func properties(of element: Value, keys wanted: [String]) -> [(key: String, value: Value)] {
    let all: [(key: Int, value: Value)]
    switch element {
    case .vertex(let vertex): all = graph.properties(of: vertex)
    case .edge(let edge): all = graph.properties(of: edge)
    default: return []
    }
    let named = all.map { (key: graph.propertyKeys[$0.key], value: $0.value) }
    return wanted.isEmpty ? named : named.filter { wanted.contains($0.key) }
  }
}

/// A named value that steps add to.
struct SideEffect {
  var value: Value
  var reducer: BinaryFunction?
  /// The state of a group or a tree, whose value is made when it is read.
  var group: GroupState?
  var tree: TreeNode?

  init(_ value: Value, reducer: BinaryFunction? = nil) {
    self.value = value
    self.reducer = reducer
  }
}

/// How much a traversal may hold.
public struct TraversalLimits: Sendable {
  /// The largest number of objects that wait in barriers, side effects and loops.
  public var held: Int

  /// Creates limits.
  public init(held: Int = 50_000_000) { self.held = held }
}

/// Random numbers of a seed (SplitMix64, by Steele, Lea and Flood).
struct RandomNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
