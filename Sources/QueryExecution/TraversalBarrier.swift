import QueryAlgebra
import QueryValues

/// Steps that hand on nothing before all traversers came.
extension TraversalRunner {
  func feedBarrier(_ index: Int, _ step: Step, _ traverser: Traverser) throws(QueryError) -> Bool {
    let state = state(index)
    switch step {
    case .order, .barrier, .tail, .sample: try hold(step, state, traverser)
    case .reduce(let reduction, _):
      if case .count = reduction {
        let (count, overflow) = state.count.addingReportingOverflow(traverser.bulk)
        guard !overflow else { throw Traverser.tooMany }
        state.count = count
      } else {
        if state.accumulator == nil { state.accumulator = ReductionState(reduction) }
        try state.accumulator?.add(traverser.value, times: traverser.bulk)
      }
    case .fold(let seed, let function):
      guard let function else {
        try context.hold(Int(traverser.bulk))
        for _ in 0..<traverser.bulk { state.values.append(traverser.value) }
        break
      }
      var value = state.value ?? seed ?? .null
      for _ in 0..<traverser.bulk { value = try function.apply(value, traverser.value) }
      state.value = value
    case .group(let specification): return try feedGroup(index, specification, state, traverser)
    case .groupCount(let name, let by): return try feedCounts(index, name, by, state, traverser)
    case .tree(let name, let by): return try feedTree(index, name, by, state, traverser)
    case .hasNext:
      state.count += 1
      return false
    case .fail(let message): throw QueryError(.argument, detail: "Fail", "fail() was reached: \(message)")
    default: break
    }
    return true
  }

  private func hold(_ step: Step, _ state: StepState, _ traverser: Traverser) throws(QueryError) {
    try context.hold()
    if case .barrier = step, try merge(traverser, into: state) { return }
    state.held.append(traverser)
    guard case .tail(let count, _) = step, state.held.count > Int(clamping: count) * 2 + 1000 else { return }
    let surplus = state.held.count - Int(clamping: count)
    state.held.removeFirst(surplus)
    context.release(surplus)
  }

  /// Merges a traverser into an equal one, if nothing tells them apart.
  private func merge(_ traverser: Traverser, into state: StepState) throws(QueryError) -> Bool {
    switch traverser.value {
    case .vertex, .edge, .string: break
    default: return false
    }
    guard traverser.sack == nil || context.sack?.merge != nil else { return false }
    let key = GroupingKey(traverser.value)
    guard let position = state.positions[key] else {
      state.positions[key] = state.held.count
      return false
    }
    guard try state.held[position].merge(traverser, context) else { return false }
    context.release(1)
    return true
  }

  /// Ends the input of a step.
  func flush(_ index: Int) throws(QueryError) {
    switch steps[index].operation {
    case .union, .choose: try finishBranches(index)
    case .range(_, _, .global): states[index]?.count = 0
    case .inject(let values): try flushInjected(index, values)
    case .repeated(let loop): try finishLoop(index, loop)
    case .reduce(let reduction, .global): try flushReduction(index, reduction)
    case .fold(let seed, let function): try flushFold(index, seed, function)
    case .order(let keys, .global):
      let held = takeHeld(index)
      try passAll(index, sorted(held, keys))
    case .tail(let count, .global): try passAll(index, Self.last(takeHeld(index), count))
    case .sample(let count, let by, .global): try passAll(index, sample(takeHeld(index), count, by))
    case .barrier(let normalizes):
      states[index]?.positions = [:]
      let held = takeHeld(index)
      try passAll(index, normalizes ? normalized(held) : held)
    case .aggregate(let name, _, .global):
      guard let state = states[index] else { return }
      let values = state.values
      state.values = []
      try add(values, to: name)
      try passAll(index, takeHeld(index))
    case .group(let specification) where specification.name == nil: try flushGroup(index, specification)
    case .group, .groupCount(.some, _), .tree(.some, _): try passAll(index, takeHeld(index))
    case .groupCount(nil, _):
      let counts = state(index).counts
      state(index).counts = ValueMap()
      _ = try emitReduced(index, .map(counts))
    case .tree(nil, _):
      let tree = state(index).tree ?? TreeNode()
      state(index).tree = nil
      _ = try emitReduced(index, tree.value)
    case .cap(let names): _ = try emitReduced(index, capped(names))
    case .hasNext: _ = try emitReduced(index, .boolean((states[index]?.count ?? 0) > 0))
    default: break
    }
  }

  private func takeHeld(_ index: Int) -> [Traverser] {
    guard let state = states[index] else { return [] }
    let held = state.held
    state.held = []
    context.release(held.count)
    return held
  }

  private func passAll(_ index: Int, _ traversers: [Traverser]) throws(QueryError) {
    for traverser in traversers where try !pass(index, traverser) { return }
  }

  private func flushReduction(_ index: Int, _ reduction: Reduction) throws(QueryError) {
    let state = state(index)
    if reduction == .count {
      let count = state.count
      state.count = 0
      _ = try emitReduced(index, .integer(count))
      return
    }
    let accumulator = state.accumulator
    state.accumulator = nil
    if let value = accumulator?.result { _ = try emitReduced(index, value) }
  }

  private func flushFold(_ index: Int, _ seed: Value?, _ function: BinaryFunction?) throws(QueryError) {
    let state = state(index)
    let value = function == nil ? .list(state.values) : state.value ?? seed ?? .null
    context.release(state.values.count)
    state.values = []
    state.value = nil
    _ = try emitReduced(index, value)
  }

  private static func last(_ traversers: [Traverser], _ count: Int64) -> [Traverser] {
    var result: [Traverser] = []
    var left = count
    for var traverser in traversers.reversed() where left > 0 {
      traverser.bulk = min(traverser.bulk, left)
      left -= traverser.bulk
      result.append(traverser)
    }
    return result.reversed()
  }

  private func sample(_ traversers: [Traverser], _ count: Int64, _ by: Projection) throws(QueryError) -> [Traverser] {
    var pool: [(traverser: Traverser, weight: Double)] = []
    for traverser in traversers {
      try context.hold(Int(traverser.bulk))
      defer { context.release(Int(traverser.bulk)) }
      if case .identity = by {
        for _ in 0..<traverser.bulk { pool.append((Self.single(traverser), 1)) }
      } else if let weight = try project(by, traverser)?.number?.double, weight >= 0 {
        for _ in 0..<traverser.bulk { pool.append((Self.single(traverser), weight)) }
      }
    }
    // Weighted sampling without replacement by exponential keys (Efraimidis and Spirakis).
    let keyed = pool.map { entry in
      (
        entry.traverser,
        -Double.random(in: Double.leastNonzeroMagnitude..<1, using: &context.random).logarithm / entry.weight
      )
    }
    let chosen = keyed.indices.sorted { keyed[$0].1 < keyed[$1].1 }.prefix(Int(clamping: count)).sorted()
    return chosen.map { keyed[$0].0 }
  }

  private static func single(_ traverser: Traverser) -> Traverser {
    var single = traverser
    single.bulk = 1
    return single
  }

  /// Divides sacks by their sum.
  private func normalized(_ traversers: [Traverser]) -> [Traverser] {
    let total = traversers.reduce(0.0) { $0 + ($1.sack?.number?.double ?? 0) * Double($1.bulk) }
    return traversers.map { traverser in
      var result = traverser
      // A sack is divided among the traversers that a later step may merge.
      result.sack = traverser.sack?.number.map { .float($0.double * Double(traverser.bulk) / total) } ?? traverser.sack
      result.bulk = 1
      return result
    }
  }
}
