import QueryAlgebra
import QueryValues

/// The steps by name.
extension GremlinCompiler {
  /// Compiles a call.
  mutating func steps(_ call: GremlinCall) throws(QueryError) -> [TraversalStep] {
    try call.reject(
      by: !Self.modulated.contains(call.name), with: !Self.configured.contains(call.name),
      options: call.name != "choose" && call.name != "branch", range: !Self.ranged.contains(call.name))
    if let steps = try elementSteps(call) { return steps }
    let step: Step
    if let branch = try branchStep(call) {
      step = branch
    } else if let filter = try filterStep(call) {
      step = filter
    } else if let map = try mapStep(call) {
      step = map
    } else if let barrier = try barrierStep(call) {
      step = barrier
    } else if let sideEffect = try sideEffectStep(call) {
      step = sideEffect
    } else if let function = try functionStep(call) {
      step = function
    } else {
      throw Self.unknown(call.name)
    }
    return [TraversalStep(step)]
  }

  private static let modulated: Set<String> = [
    "aggregate", "cyclicPath", "dedup", "format", "group", "groupCount", "math", "order", "path", "project",
    "propertyMap",
    "sack", "sample", "select", "simplePath", "store", "tree", "valueMap", "where",
  ]
  private static let configured: Set<String> = [
    "index", "propertyMap", "valueMap", "out", "in", "both", "outE", "inE", "bothE",
  ]
  private static let ranged: Set<String> = ["path", "simplePath", "cyclicPath"]

  private static func unknown(_ name: String) -> QueryError {
    if writing.contains(name) {
      return QueryError(
        .unsupported, "\(name)() writes, and this graph is read-only. Change the graph through its session.")
    }
    if computing.contains(name) {
      return QueryError(
        .unsupported, "\(name)() needs a graph computer, which is not supported. Use the algorithms of the session.")
    }
    if outside.contains(name) {
      return QueryError(.unsupported, "\(name)() reaches outside of the graph and is not supported.")
    }
    return QueryError(.syntax, "There is no step \(name)() in Gremlin 3.7. Check the spelling.")
  }

  private static let writing: Set<String> = [
    "addV", "addE", "mergeV", "mergeE", "property", "drop", "addLabel", "dropLabel", "dropLabels",
  ]
  private static let computing: Set<String> = [
    "pageRank", "peerPressure", "connectedComponent", "shortestPath", "program", "withComputer",
  ]
  private static let outside: Set<String> = ["call", "io", "read", "write", "tx"]

  // Elements.

  private mutating func elementSteps(_ call: GremlinCall) throws(QueryError) -> [TraversalStep]? {
    switch call.name {
    case "V":
      return strategies.filterVertices([
        TraversalStep(.vertices(ids: call.arguments.isEmpty ? nil : try identifiers(call)))
      ])
    case "E":
      return strategies.filterEdges([TraversalStep(.edges(ids: call.arguments.isEmpty ? nil : try identifiers(call)))])
    case "out", "in", "both", "outE", "inE", "bothE", "to", "toE": return try adjacency(call)
    case "outV", "inV", "bothV", "otherV", "endV":
      try call.count(0...0)
      try call.reject()
      let ends: [String: EdgeEnd] = ["outV": .out, "inV": .in, "bothV": .both, "otherV": .other, "endV": .last]
      if call.name == "otherV" { need(.all) }
      return strategies.filterVertices([TraversalStep(.ends(ends[call.name] ?? .last))])
    default: return nil
    }
  }

  private mutating func adjacency(_ original: GremlinCall) throws(QueryError) -> [TraversalStep] {
    var call = original
    var direction: EdgeDirection = call.name.hasPrefix("out") ? .out : call.name.hasPrefix("in") ? .in : .both
    if call.name.hasPrefix("to") { direction = try takeDirection(&call) }
    let labels = try call.texts()
    if let bounds = labels.first.flatMap(Self.bounds) {
      return strategies.filterVertices([TraversalStep(try walk(call, direction, bounds, Array(labels.dropFirst())))])
    }
    try call.reject()
    try strategies.checkLabels(labels, call.name)
    if call.name.hasSuffix("E") { return strategies.filterEdges([TraversalStep(.incident(direction, labels: labels))]) }
    guard strategies.edges != nil else {
      return strategies.filterVertices([TraversalStep(.adjacent(direction, labels: labels))])
    }
    // Filtered edges are passed inside, so that the history holds the vertices alone.
    let end: EdgeEnd = direction == .out ? .in : direction == .in ? .out : .other
    if end == .other { need(.all) }
    let inner =
      strategies.filterEdges([TraversalStep(.incident(direction, labels: labels))]) + [TraversalStep(.ends(end))]
    return strategies.filterVertices([TraversalStep(.flatMap(Traversal(inner)))])
  }

  private func takeDirection(_ call: inout GremlinCall) throws(QueryError) -> EdgeDirection {
    guard !call.arguments.isEmpty else { throw call.mistake("needs a direction.") }
    switch call.arguments.removeFirst() {
    case .value(.token(.out)): return .out
    case .value(.token(.in)): return .in
    case .constant("Direction", "BOTH"): return .both
    default: throw call.mistake("needs a direction such as Direction.OUT.")
    }
  }

  /// The bounds in `'1..3'`; nil for a label.
  private static func bounds(_ text: String) -> (Int64, Int64)? {
    guard let dots = text.range(of: "..") else { return nil }
    let (first, last) = (text[..<dots.lowerBound], text[dots.upperBound...])
    guard let minimum = Int64(first), let maximum = Int64(last), minimum >= 0 else { return nil }
    return (minimum, maximum)
  }

  private func walk(
    _ call: GremlinCall, _ direction: EdgeDirection, _ bounds: (Int64, Int64), _ labels: [String]
  ) throws(QueryError) -> Step {
    guard strategies.edges == nil, strategies.vertices == nil else {
      throw QueryError(
        .unsupported, "Walks of variable length cannot be combined with strategies that filter. Use repeat().")
    }
    guard bounds.0 < bounds.1 else {
      throw call.mistake("needs bounds such as '1..3', the second of which is excluded.")
    }
    var walk = WalkStep(direction, labels: labels, minimum: bounds.0, maximum: bounds.1)
    for option in call.with {
      guard option.count == 2 else { throw call.mistake("takes with('PATH_OPT', …) and with('RESULT_OPT', …).") }
      let (name, value) = (try option[0].text("with"), try? option[1].text("with"))
      if name == "PATH_OPT", let kind = value.flatMap(WalkStep.Kind.init) {
        walk.kind = kind
      } else if name == "RESULT_OPT", let result = value.flatMap(WalkStep.Result.init) {
        walk.result = result
      } else {
        throw QueryError(.unsupported, "\(call.name)() does not take with('\(name)', …) of this value.")
      }
    }
    return .walk(walk)
  }
}

extension String {
  /// Where a text occurs first.
  func range(of other: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(other) { return start..<index(start, offsetBy: other.count) }
      start = index(after: start)
    }
    return nil
  }
}
