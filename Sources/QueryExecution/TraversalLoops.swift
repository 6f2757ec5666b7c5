import QueryAlgebra
import QueryValues

/// The state of a loop.
final class LoopState {
  /// The steps of a turn.
  var body: TraversalRunner?
  /// The traversers that take the next turn.
  var frontier: [Traverser] = []
  /// How many turns were taken.
  var turns = 0
  /// What the turn yielded.
  var results: [Traverser] = []
  private var positions: [GroupingKey: Int] = [:]

  /// Adds a traverser to those of the next turn; equal ones become one.
  func add(_ traverser: Traverser, _ context: TraversalContext) throws(QueryError) {
    if case .vertex = traverser.value, traverser.sack == nil || context.sack?.merge != nil {
      let key = GroupingKey(traverser.value)
      if let position = positions[key] {
        if try frontier[position].merge(traverser, context) { return }
      } else {
        positions[key] = frontier.count
      }
    }
    try context.hold()
    frontier.append(traverser)
  }

  /// Takes the traversers of the next turn.
  func takeFrontier() -> [Traverser] {
    defer {
      frontier = []
      positions = [:]
    }
    return frontier
  }
}

/// Loops: all traversers take a turn before the first takes the next one.
extension TraversalRunner {
  func feedLoop(_ index: Int, _ loop: Loop, _ traverser: Traverser) throws(QueryError) -> Bool {
    let state = state(index)
    let loopState = loopState(state, loop)
    var entering = traverser
    entering.loops.append(Traverser.LoopCounter(name: loop.name, count: 0))
    try begin(index, loop, entering, state)
    // Steps that remember traversers must see those of all turns in order: then the turns wait for the last traverser.
    // Otherwise a batch of traversers takes its turns together, so that equal ones become one.
    let waits = loop.body.remembers || context.history != .all && loopState.frontier.count < Self.batch
    if !waits { try turn(index, loop, loopState, state) }
    return !state.stopped
  }

  private static let batch = 2500

  func finishLoop(_ index: Int, _ loop: Loop) throws(QueryError) {
    guard let state = states[index], let loopState = state.loop else { return }
    try turn(index, loop, loopState, state)
  }

  private func loopState(_ state: StepState, _ loop: Loop) -> LoopState {
    if let existing = state.loop { return existing }
    let loopState = LoopState()
    loopState.body = TraversalRunner(loop.body, context: context) {
      [unowned loopState, context] result throws(QueryError) in
      try context.hold()
      loopState.results.append(result)
      return true
    }
    state.loop = loopState
    return loopState
  }

  /// Tests what comes before a turn, and lets the traverser take it.
  private func begin(_ index: Int, _ loop: Loop, _ traverser: Traverser, _ state: StepState) throws(QueryError) {
    if loop.untilFirst, try met(loop.until, traverser) { return try leave(index, traverser, state) }
    try state.loop?.add(traverser, context)
    if loop.emitFirst, try met(loop.emit, traverser) { try leave(index, traverser, state) }
  }

  private func turn(_ index: Int, _ loop: Loop, _ loopState: LoopState, _ state: StepState) throws(QueryError) {
    while !loopState.frontier.isEmpty, !state.stopped, let body = loopState.body {
      let frontier = loopState.takeFrontier()
      for traverser in frontier where try !body.push(traverser) { break }
      try body.finish()
      context.release(frontier.count + loopState.results.count)
      let results = loopState.results
      loopState.results = []
      for var result in results where !state.stopped {
        if result.loops.isEmpty { result.loops = frontier[0].loops }
        result.loops[result.loops.count - 1].count += 1
        try end(index, loop, result, state)
      }
      try context.checkEnd()
      loopState.turns += 1
      if loopState.turns % 64 == 0 { try checkNesting(results) }
    }
  }

  /// A loop may nest a value in another one at each turn; what nests too deep cannot be compared, shown or released.
  private func checkNesting(_ results: [Traverser]) throws(QueryError) {
    guard results.contains(where: { $0.value.nests(deeperThan: Value.deepestNesting / 2) }) else { return }
    throw QueryError(
      .memory, "A loop nests collections deeper than \(Value.deepestNesting / 2) levels. Unfold them in the loop.")
  }

  /// Tests what comes behind a turn.
  private func end(_ index: Int, _ loop: Loop, _ traverser: Traverser, _ state: StepState) throws(QueryError) {
    if !loop.untilFirst, try met(loop.until, traverser) { return try leave(index, traverser, state) }
    if !loop.untilFirst, !loop.emitFirst {
      try state.loop?.add(traverser, context)
    } else {
      try begin(index, loop, traverser, state)
    }
    if !loop.emitFirst, try met(loop.emit, traverser) { try leave(index, traverser, state) }
  }

  private func leave(_ index: Int, _ traverser: Traverser, _ state: StepState) throws(QueryError) {
    guard !state.stopped else { return }
    var leaving = traverser
    leaving.loops.removeLast()
    if try !pass(index, leaving) { state.stopped = true }
  }

  private func met(_ condition: Loop.Condition?, _ traverser: Traverser) throws(QueryError) -> Bool {
    switch condition {
    case nil: false
    case .always: true
    case .times(let times): (traverser.loops.last?.count ?? 0) >= times
    case .traversal(let traversal): try holds(traversal, for: traverser) ?? false
    }
  }
}

extension Traversal {
  /// Whether a step remembers the traversers that it has seen.
  var remembers: Bool {
    steps.contains { step in
      switch step.operation {
      case .dedup(_, _, .global), .range(_, _, .global), .order(_, .global), .reduce(_, .global), .fold, .group,
        .groupCount,
        .tree, .cap, .barrier, .tail(_, .global), .sample(_, _, .global), .aggregate, .inject:
        true
      case .union(let traversals): traversals.contains(where: \.remembers)
      case .choose(let choice): choice.options.contains(where: \.traversal.remembers)
      case .repeated(let loop): loop.body.remembers
      default: false
      }
    }
  }
}
