import QueryAlgebra
import QueryValues

/// Steps that send a traverser into other traversals.
extension TraversalRunner {
  func feedBranch(_ index: Int, _ step: Step, _ traverser: Traverser) throws(QueryError) -> Bool {
    switch step {
    case .union(let traversals):
      let state = branches(index, traversals)
      for position in state.branches.indices where try !enter(position, state, traverser) { return false }
      return true
    case .choose(let choice): return try feedChoice(index, choice, traverser)
    case .coalesce(let traversals): return try feedFirst(index, traversals, traverser)
    case .optional(let traversal):
      var found = false
      var more = true
      try results(of: traversal, for: traverser) { result throws(QueryError) in
        found = true
        more = try self.pass(index, result.times(traverser.bulk))
        return more
      }
      return found ? more : try pass(index, traverser)
    case .local(let traversal):
      var more = true
      try results(of: traversal, for: traverser) { result throws(QueryError) in
        more = try self.pass(index, result.times(traverser.bulk))
        return more
      }
      return more
    case .repeated(let loop): return try feedLoop(index, loop, traverser)
    case .match(let patterns): return try feedMatch(index, patterns, traverser)
    default: return true
    }
  }

  private func feedFirst(_ index: Int, _ traversals: [Traversal], _ traverser: Traverser) throws(QueryError) -> Bool {
    for traversal in traversals {
      var found = false
      var more = true
      try results(of: traversal, for: traverser) { result throws(QueryError) in
        found = true
        more = try self.emit(index, result.value, from: traverser.times(result.bulk))
        return more
      }
      if found { return more }
    }
    return true
  }

  /// The runners of traversals whose barriers see all traversers of the step.
  private func branches(_ index: Int, _ traversals: [Traversal]) -> StepState {
    let state = state(index)
    if state.branches.isEmpty {
      state.branches = traversals.map { traversal in
        TraversalRunner(traversal, context: context) { [unowned self, unowned state] result throws(QueryError) in
          let more = try self.pass(index, result)
          if !more { state.stopped = true }
          return more
        }
      }
    }
    return state
  }

  func finishBranches(_ index: Int) throws(QueryError) {
    guard let state = states[index] else { return }
    for position in state.branches.indices where state.entered.contains(position) {
      try state.branches[position].finish()
    }
    state.entered = []
  }

  /// Gives a traverser to a branch: barriers of branches that got none yield nothing. Returns whether more is wanted.
  private func enter(_ position: Int, _ state: StepState, _ traverser: Traverser) throws(QueryError) -> Bool {
    state.entered.insert(position)
    _ = try state.branches[position].push(traverser)
    return !state.stopped
  }

  private func feedChoice(_ index: Int, _ choice: Choice, _ traverser: Traverser) throws(QueryError) -> Bool {
    let state = branches(index, choice.options.map(\.traversal))
    var subject: Value? = traverser.value
    if let traversal = choice.subject { subject = try first(of: traversal, for: traverser)?.value }
    var matched = false
    for (position, option) in choice.options.enumerated() {
      guard try picks(option.pick, subject, traverser) else { continue }
      if case .any = option.pick {} else { matched = true }
      guard try enter(position, state, traverser) else { return false }
      if choice.firstOnly { return true }
    }
    if !matched, subject != nil {
      for (position, option) in choice.options.enumerated() {
        guard case .none = option.pick else { continue }
        return try enter(position, state, traverser)
      }
    }
    return matched || !choice.passesUnmatched ? true : try pass(index, traverser)
  }

  private func picks(_ pick: Choice.Pick, _ subject: Value?, _ traverser: Traverser) throws(QueryError) -> Bool {
    switch pick {
    case .value(let value): return subject.map { GremlinComparison.equals($0, value) } ?? false
    case .predicate(let predicate):
      return try subject.map { value throws(QueryError) in try predicate.test(value) ?? false } ?? false
    case .traversal(let traversal):
      guard let subject else { return false }
      return try holds(traversal, for: traverser.with(subject)) ?? false
    case .any: return true
    case .none: return false
    case .unproductive: return subject == nil
    }
  }
}
