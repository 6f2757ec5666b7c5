import QueryAlgebra
import QueryValues

/// Steps that hand on each traverser and do something beside.
extension TraversalRunner {
  func feedSideEffect(_ index: Int, _ step: Step, _ traverser: Traverser) throws(QueryError) -> Bool {
    switch step {
    case .aggregate(let name, let by, let scope):
      let value = try project(by, traverser)
      try context.hold(Int(traverser.bulk))
      guard scope == .global else {
        try add(value.map { Array(repeating: $0, count: Int(traverser.bulk)) } ?? [], to: name)
        return try pass(index, traverser)
      }
      let state = state(index)
      try context.hold()
      if let value { state.values += Array(repeating: value, count: Int(traverser.bulk)) }
      state.held.append(traverser)
      return true
    case .sideEffect(let traversal):
      try results(of: traversal, for: traverser) { _ throws(QueryError) in true }
      return try pass(index, traverser)
    case .updateSack(let function, let by):
      guard let value = try project(by, traverser) else { return true }
      var next = traverser
      next.sack = try function.apply(traverser.sack ?? .null, value)
      return try pass(index, next)
    case .subgraph(let name):
      guard case .edge = traverser.value else {
        throw QueryError(.argument, "subgraph() reads edges, not \(traverser.value.typeName). Use outE() before it.")
      }
      try context.hold()
      try add([traverser.value], to: name)
      return try pass(index, traverser)
    default: return true
    }
  }

  /// Adds values to a side effect.
  func add(_ values: [Value], to name: String) throws(QueryError) {
    var effect = context.sideEffects[name] ?? SideEffect(.list([]))
    context.sideEffects[name] = nil
    if effect.reducer == .assign {
      effect.value = .list(values)
    } else if let reducer = effect.reducer, reducer != .addAll {
      for value in values { effect.value = try reducer.apply(effect.value, value) }
    } else {
      switch effect.value {
      case .list(var list):
        effect.value = .null
        list += values
        effect.value = .list(list)
      case .set(let set): effect.value = .set(Self.distinct(set + values))
      default:
        throw QueryError(
          .argument, "aggregate('\(name)') needs a collection, but the side effect holds \(effect.value.typeName).")
      }
    }
    context.sideEffects[name] = effect
  }

  /// The value of a side effect; nil if there is none.
  func sideEffectValue(_ name: String) throws(QueryError) -> Value? {
    guard let effect = context.sideEffects[name] else { return nil }
    if let group = effect.group { return try group.finish(context, into: effect.value) }
    return effect.tree?.value ?? effect.value
  }

  /// The value of a side effect, or a map of several.
  func capped(_ names: [String]) throws(QueryError) -> Value {
    if names.count == 1 { return try existingSideEffect(names[0]) }
    var map = ValueMap()
    for name in names { map[name] = try existingSideEffect(name) }
    return .map(map)
  }

  private func existingSideEffect(_ name: String) throws(QueryError) -> Value {
    if let value = try sideEffectValue(name) { return value }
    throw QueryError(
      .argument, "No step makes the side effect '\(name)'. Name it in aggregate('\(name)') or group('\(name)').")
  }
}

extension Traversal {
  /// The side effects that steps make, with their values before anything is added.
  var sideEffects: [(name: String, value: Value)] { steps.flatMap(\.operation.sideEffects) }
}

extension Step {
  fileprivate var sideEffects: [(name: String, value: Value)] {
    switch self {
    case .aggregate(let name, _, _), .subgraph(let name): return [(name, .list([]))]
    case .groupCount(let name?, _), .tree(let name?, _): return [(name, .map(ValueMap()))]
    case .group(let specification):
      return (specification.name.map { [($0, .map(ValueMap()))] } ?? []) + specification.value.sideEffects
    case .repeated(let loop): return loop.body.sideEffects
    case .sideEffect(let traversal), .local(let traversal), .optional(let traversal), .flatMap(let traversal),
      .map(let traversal), .filter(let traversal), .not(let traversal):
      return traversal.sideEffects
    case .union(let traversals), .coalesce(let traversals), .and(let traversals), .or(let traversals):
      return traversals.flatMap(\.sideEffects)
    case .choose(let choice): return choice.options.flatMap(\.traversal.sideEffects)
    case .match(let patterns): return patterns.flatMap(\.sideEffects)
    default: return []
    }
  }
}

extension MatchPattern {
  fileprivate var sideEffects: [(name: String, value: Value)] {
    switch self {
    case .traversal(_, let traversal, _): traversal.sideEffects
    case .predicate: []
    case .and(let patterns), .or(let patterns): patterns.flatMap(\.sideEffects)
    case .not(let pattern), .condition(let pattern): pattern.sideEffects
    }
  }
}
