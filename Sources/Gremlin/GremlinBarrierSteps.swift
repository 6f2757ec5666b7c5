import QueryAlgebra
import QueryValues

extension GremlinCompiler {
  mutating func barrierStep(_ original: GremlinCall) throws(QueryError) -> Step? {
    var call = original
    switch call.name {
    case "count", "sum", "min", "max", "mean":
      let scope = call.takeScope()
      try call.count(0...0)
      return .reduce(Reduction(rawValue: call.name) ?? .count, scope)
    case "fold":
      guard !call.arguments.isEmpty else { return .fold(seed: nil, nil) }
      try call.count(2...2)
      return .fold(seed: try call.arguments[0].value("fold"), try binaryFunction(call.arguments[1], "fold"))
    case "order":
      let scope = call.takeScope()
      return .order(try orderKeys(call), scope)
    case "group": return .group(try groupSpecification(call))
    case "groupCount": return .groupCount(try name(call), by: try projection(call))
    case "tree":
      need(.all)
      return .tree(try name(call), by: try projections(call))
    case "cap":
      guard !call.arguments.isEmpty else { throw call.mistake("needs the name of a side effect.") }
      return .cap(try call.texts())
    case "barrier":
      guard let argument = call.arguments.first else { return .barrier(normalizesSacks: false) }
      if case .constant("Barrier", "normSack") = argument { return .barrier(normalizesSacks: true) }
      _ = try argument.integer("barrier")
      return .barrier(normalizesSacks: false)
    case "fail":
      return .fail(
        try call.arguments.first.map { text throws(QueryError) in try text.text("fail") } ?? "fail() step triggered")
    // What ends a script.
    case "hasNext": return .hasNext
    case "toList": return .identity
    case "next", "tryNext": return .range(from: 0, to: call.arguments.isEmpty ? 1 : try call.integer(0), .global)
    case "toSet": return .dedup(labels: [], by: [], .global)
    case "toBulkSet": return .identity
    default: return nil
    }
  }

  private func name(_ call: GremlinCall) throws(QueryError) -> String? {
    try call.count(0...1)
    return try call.arguments.first.map { name throws(QueryError) in try name.text(call.name) }
  }

  private mutating func orderKeys(_ call: GremlinCall) throws(QueryError) -> [OrderKey] {
    var keys: [OrderKey] = []
    for arguments in call.by {
      var rest = arguments
      var direction = OrderKey.Direction.ascending
      if case .constant("Order", let name)? = rest.last {
        direction = name == "shuffle" ? .shuffle : name == "desc" || name == "decr" ? .descending : .ascending
        rest.removeLast()
      }
      keys.append(OrderKey(try projection(rest, "order"), direction))
    }
    return keys.isEmpty ? [OrderKey(.identity, .ascending)] : keys
  }

  private mutating func groupSpecification(_ call: GremlinCall) throws(QueryError) -> GroupSpecification {
    guard call.by.count <= 2 else { throw call.mistake("takes two by() only: one for keys and one for values.") }
    let key = try call.by.first.map { arguments throws(QueryError) in try projection(arguments, "group") } ?? .identity
    let value = call.by.count > 1 ? try projection(call.by[1], "group") : .identity
    let name = try name(call)
    if case .traversal(let traversal) = value {
      return GroupSpecification(name: name, key: key, value: traversal, reduces: traversal.hasBarrier)
    }
    let folded = Traversal([TraversalStep(.view(value)), TraversalStep(.fold(seed: nil, nil))])
    return GroupSpecification(name: name, key: key, value: folded, reduces: true)
  }

  mutating func sideEffectStep(_ original: GremlinCall) throws(QueryError) -> Step? {
    var call = original
    switch call.name {
    case "aggregate", "store":
      let scope = call.takeScope()
      try call.count(1...1)
      return .aggregate(
        try call.arguments[0].text(call.name), by: try projection(call), call.name == "store" ? .local : scope)
    case "sideEffect":
      try call.count(1...1)
      return .sideEffect(try traversal(call.arguments[0], of: "sideEffect"))
    case "subgraph":
      try call.count(1...1)
      return .subgraph(try call.arguments[0].text("subgraph"))
    case "inject":
      var values: [Value] = []
      for argument in call.arguments { values.append(try argument.value("inject")) }
      return .inject(values)
    default: return nil
    }
  }
}

extension Traversal {
  /// Whether a step of its own waits for all traversers.
  fileprivate var hasBarrier: Bool {
    steps.contains { step in
      switch step.operation {
      case .order(_, .global), .reduce(_, .global), .fold, .group, .groupCount, .tree, .cap, .barrier,
        .tail(_, .global),
        .sample(_, _, .global), .aggregate(_, _, .global), .dedup(_, _, .global):
        true
      default: false
      }
    }
  }
}
