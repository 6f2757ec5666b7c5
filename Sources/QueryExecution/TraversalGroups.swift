import QueryAlgebra
import QueryValues

/// A group that is being made.
final class GroupState {
  let specification: GroupSpecification
  var keys: [Value] = []
  var groups: [GroupingKey: Group] = [:]

  init(_ specification: GroupSpecification) { self.specification = specification }

  final class Group {
    /// Reduces what comes; nil for a side effect, which may be read before all came.
    var runner: TraversalRunner?
    var results: [Value] = []
    /// What came, for a side effect.
    var held: [Traverser] = []
  }

  /// The map. A group of which the value traversal yields nothing is left out.
  /// - Parameter initial: A map that the groups are merged into.
  func finish(_ context: TraversalContext, into initial: Value = .null) throws(QueryError) -> Value {
    var map = ValueMap()
    if case .map(let entries) = initial { map = entries }
    for key in keys {
      guard let group = groups[GroupingKey(key)] else { continue }
      let runner = group.runner ?? reducer(of: group, context)
      for traverser in group.held where try !runner.push(traverser) { break }
      try runner.finish()
      if let value = group.results.first {
        if case .list(let first)? = map[key], case .list(let second) = value {
          map[key] = .list(first + second)
        } else {
          map[key] = value
        }
      }
      group.results = []
    }
    return .map(map)
  }

  func reducer(of group: Group, _ context: TraversalContext) -> TraversalRunner {
    TraversalRunner(specification.value, context: context) { [unowned group] result throws(QueryError) in
      group.results.append(result.value)
      return false
    }
  }
}

extension TraversalRunner {
  func feedGroup(
    _ index: Int, _ specification: GroupSpecification, _ state: StepState, _ traverser: Traverser
  ) throws(QueryError) -> Bool {
    let group: GroupState
    if let name = specification.name {
      var effect = context.sideEffects[name] ?? SideEffect(.map(ValueMap()))
      group = effect.group ?? GroupState(specification)
      effect.group = group
      context.sideEffects[name] = effect
    } else {
      group = state.group ?? GroupState(specification)
      state.group = group
    }
    if let key = try project(specification.key, traverser) { try add(traverser, to: group, key) }
    return try wait(specification.name, state, traverser)
  }

  private func add(_ traverser: Traverser, to state: GroupState, _ key: Value) throws(QueryError) {
    let group: GroupState.Group
    if let existing = state.groups[GroupingKey(key)] {
      group = existing
    } else {
      try context.hold()
      group = GroupState.Group()
      state.groups[GroupingKey(key)] = group
      state.keys.append(key)
      if state.specification.name == nil { group.runner = state.reducer(of: group, context) }
    }
    guard let runner = group.runner else {
      try context.hold()
      group.held.append(traverser)
      return
    }
    if state.specification.reduces || group.results.isEmpty { _ = try runner.push(traverser) }
  }

  func flushGroup(_ index: Int, _ specification: GroupSpecification) throws(QueryError) {
    let state = state(index)
    let group = state.group ?? GroupState(specification)
    state.group = nil
    _ = try emitReduced(index, group.finish(context))
  }

  func feedCounts(
    _ index: Int, _ name: String?, _ by: Projection, _ state: StepState, _ traverser: Traverser
  ) throws(QueryError) -> Bool {
    let key = try project(by, traverser)
    guard let name else {
      if let key { try Self.count(key, traverser.bulk, &state.counts) }
      return true
    }
    var effect = context.sideEffects[name] ?? SideEffect(.map(ValueMap()))
    guard case .map(var counts) = effect.value else {
      throw QueryError(
        .argument, "groupCount('\(name)') needs a map, but the side effect holds \(effect.value.typeName).")
    }
    context.sideEffects[name] = nil
    effect.value = .null
    if let key { try Self.count(key, traverser.bulk, &counts) }
    effect.value = .map(counts)
    context.sideEffects[name] = effect
    return try wait(name, state, traverser)
  }

  /// Keeps a traverser until its side effect has been made of all of them.
  private func wait(_ name: String?, _ state: StepState, _ traverser: Traverser) throws(QueryError) -> Bool {
    guard name != nil else { return true }
    try context.hold()
    state.held.append(traverser)
    return true
  }

  private static func count(_ key: Value, _ bulk: Int64, _ counts: inout ValueMap) throws(QueryError) {
    counts[key] =
      try counts[key].map { count throws(QueryError) in
        try BinaryFunction.sum.apply(count, .integer(bulk))
      } ?? .integer(bulk)
  }
}

/// A node of a tree of histories.
final class TreeNode {
  var keys: [Value] = []
  var children: [GroupingKey: TreeNode] = [:]

  /// Adds a history.
  func add(_ objects: some Sequence<Value>) {
    var node = self
    for object in objects {
      let key = GroupingKey(object)
      if let child = node.children[key] {
        node = child
      } else {
        let child = TreeNode()
        node.children[key] = child
        node.keys.append(object)
        node = child
      }
    }
  }

  /// Maps of objects to maps.
  var value: Value {
    var map = ValueMap()
    for key in keys { map[key] = children[GroupingKey(key)]?.value }
    return .map(map)
  }
}

extension TraversalRunner {
  func feedTree(
    _ index: Int, _ name: String?, _ by: [Projection], _ state: StepState, _ traverser: Traverser
  ) throws(QueryError) -> Bool {
    var objects: [Value] = []
    for (position, entry) in (traverser.history?.entries ?? []).enumerated() {
      let projection = by.isEmpty ? .identity : by[position % by.count]
      if let object = try project(projection, traverser.with(entry.value)) { objects.append(object) }
    }
    guard objects.count < 500 else {
      throw QueryError(.memory, "tree() would be deeper than 500 levels. Limit the traversal before it.")
    }
    try context.hold(objects.count)
    guard let name else {
      let tree = state.tree ?? TreeNode()
      state.tree = tree
      tree.add(objects)
      return true
    }
    var effect = context.sideEffects[name] ?? SideEffect(.map(ValueMap()))
    let tree = effect.tree ?? TreeNode()
    effect.tree = tree
    context.sideEffects[name] = effect
    tree.add(objects)
    return try wait(name, state, traverser)
  }
}
