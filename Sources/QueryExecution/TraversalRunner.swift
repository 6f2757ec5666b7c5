import QueryAlgebra
import QueryValues

/// Runs the steps of one traversal, at the top or inside of a step.
final class TraversalRunner {
  typealias Sink = (Traverser) throws(QueryError) -> Bool

  let context: TraversalContext
  let steps: [TraversalStep]
  /// What steps remember between traversers; made when a step first needs it.
  var states: [StepState?]
  let sink: Sink
  /// Whether the traversal is the condition of a filter: there, a comparison of values that cannot be compared ends the condition
  /// without an answer.
  let isCondition: Bool

  init(_ traversal: Traversal, context: TraversalContext, isCondition: Bool = false, sink: @escaping Sink) {
    self.context = context
    self.isCondition = isCondition
    self.sink = sink
    steps = traversal.steps
    states = Array(repeating: nil, count: steps.count)
  }

  /// Moves a traverser through all steps. Returns false if nothing more is wanted.
  func push(_ traverser: Traverser) throws(QueryError) -> Bool { try feed(0, traverser) }

  /// Ends the input: barriers hand on what they hold.
  func finish() throws(QueryError) {
    for index in steps.indices { try flush(index) }
  }

  func state(_ index: Int) -> StepState {
    if let state = states[index] { return state }
    let state = StepState()
    states[index] = state
    return state
  }

  /// Gives a traverser to a step.
  func feed(_ index: Int, _ traverser: Traverser) throws(QueryError) -> Bool {
    guard index < steps.count else { return try sink(traverser) }
    try context.tick()
    let operation = steps[index].operation
    switch operation {
    case .vertices, .edges, .inject: return try feedStart(index, operation, traverser)
    case .adjacent, .incident, .ends, .properties, .unfold, .flatMap, .walk:
      return try feedFlatMap(index, operation, traverser)
    case .union, .choose, .coalesce, .optional, .local, .repeated, .match:
      return try feedBranch(index, operation, traverser)
    case .aggregate, .sideEffect, .updateSack, .subgraph: return try feedSideEffect(index, operation, traverser)
    case .order(_, .global), .reduce(_, .global), .fold, .group, .groupCount, .tree, .cap, .barrier, .hasNext, .fail,
      .tail(_, .global), .sample(_, _, .global):
      return try feedBarrier(index, operation, traverser)
    case .has, .hasProperty, .hasTraversal, .hasKey, .hasValue, .isValue, .filter, .not, .and, .or, .wherePredicate,
      .wherePattern, .pathFilter, .coin, .quantifier, .discard:
      return try accepts(index, operation, traverser) ? pass(index, traverser) : true
    case .dedup(_, _, .global):
      var single = traverser
      single.bulk = 1
      return try accepts(index, operation, traverser) ? pass(index, single) : true
    case .range(let from, let to, .global): return try feedRange(index, from, to, traverser)
    case .timeLimit(let milliseconds): return try feedTimeLimit(index, milliseconds, traverser)
    case .identity: return try pass(index, traverser)
    default: return try map(index, operation, traverser)
    }
  }

  /// Hands on a traverser whose object did not change.
  func pass(_ index: Int, _ traverser: Traverser) throws(QueryError) -> Bool {
    let labels = steps[index].labels
    guard !labels.isEmpty else { return try feed(index + 1, traverser) }
    var labelled = traverser
    labelled.history =
      context.history == .all
      ? traverser.history?.labelled(labels) : History(traverser.value, labels: labels, previous: traverser.history)
    return try feed(index + 1, labelled)
  }

  /// Hands on a traverser with a new object.
  func emit(_ index: Int, _ value: Value, from traverser: Traverser) throws(QueryError) -> Bool {
    try feed(index + 1, extended(traverser, value, labels: steps[index].labels))
  }

  func extended(_ traverser: Traverser, _ value: Value, labels: [String]) -> Traverser {
    var next = traverser
    next.value = value
    next.isSeed = false
    next.isEntry = false
    if context.history == .all || !labels.isEmpty {
      next.history = History(value, labels: labels, previous: traverser.history)
    }
    return next
  }

  /// Hands on an object that stands for many traversers, and so has no history.
  func emitReduced(_ index: Int, _ value: Value) throws(QueryError) -> Bool {
    let seed = Traverser(value: .null, sack: context.sack?.initial)
    return try feed(index + 1, extended(seed, value, labels: steps[index].labels))
  }

  private func feedRange(
    _ index: Int, _ from: Int64, _ to: Int64?, _ traverser: Traverser
  ) throws(QueryError) -> Bool {
    let state = state(index)
    let first = state.count
    let last = first.addingReportingOverflow(traverser.bulk).partialValue
    if let to, first >= to { return false }
    state.count = last
    guard last > from else { return true }
    var part = traverser
    part.bulk = min(last, to ?? last) - max(first, from)
    let more = try pass(index, part)
    if let to, last >= to { return false }
    return more
  }

  private func feedTimeLimit(
    _ index: Int, _ milliseconds: Int64, _ traverser: Traverser
  ) throws(QueryError) -> Bool {
    let state = state(index)
    let now = ContinuousClock.now
    let deadline = state.deadline ?? now + .milliseconds(milliseconds)
    state.deadline = deadline
    return now > deadline ? false : try pass(index, traverser)
  }
}

/// What a step remembers between traversers.
final class StepState {
  var count: Int64 = 0
  var held: [Traverser] = []
  var seen: Set<GroupingKey> = []
  var values: [Value] = []
  var value: Value?
  var group: GroupState?
  var accumulator: ReductionState?
  var positions: [GroupingKey: Int] = [:]
  var counts = ValueMap()
  var branches: [TraversalRunner] = []
  /// Which branches have been given a traverser.
  var entered: Set<Int> = []
  var deadline: ContinuousClock.Instant?
  /// Whether the steps behind want no more.
  var stopped = false
  var loop: LoopState?
  var tree: TreeNode?
  /// Whether a side effect has been made.
  var started = false
}
