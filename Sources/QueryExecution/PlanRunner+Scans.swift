import QueryAlgebra
import QueryValues

extension PlanRunner {
  func scanVertices(_ slot: Int, _ labels: LabelExpression?, _ yield: Yield) throws(QueryError) -> Bool {
    let condition = labels.map { LabelCondition($0, execution.names) } ?? .any
    var goesOn = true
    func visit(_ vertex: Vertex) throws(QueryError) -> Bool {
      try execution.check()
      execution.row[slot] = .vertex(vertex)
      goesOn = try yield()
      return goesOn
    }
    switch condition {
    case .none: break
    case .any: try execution.graph.scanVertices(label: nil, visit)
    case .label(let number): try execution.graph.scanVertices(label: number, visit)
    case .composed:
      let graph = execution.graph
      try graph.scanVertices(label: nil) { (vertex: Vertex) throws(QueryError) in
        try execution.check()
        return condition.admits(graph.labels(of: vertex)) ? try visit(vertex) : true
      }
    }
    return goesOn
  }

  func seekVertices(
    _ slot: Int, _ label: String, _ key: String, _ value: Expression, _ yield: Yield
  ) throws(QueryError) -> Bool {
    guard let label = execution.names.vertexLabel(label), let key = execution.names.key(key) else { return true }
    let wanted = try evaluate(value)
    let graph = execution.graph
    if let vertices = graph.vertices(label: label, key: key, value: wanted) {
      for vertex in vertices {
        execution.row[slot] = .vertex(vertex)
        guard try yield() else { return false }
      }
      return true
    }
    var goesOn = true
    try graph.scanVertices(label: label) { (vertex: Vertex) throws(QueryError) in
      try execution.check()
      guard graph.property(key, of: vertex).equals(wanted) == true else { return true }
      execution.row[slot] = .vertex(vertex)
      goesOn = try yield()
      return goesOn
    }
    return goesOn
  }

  func vertices(_ slot: Int, identifiers: Expression, _ yield: Yield) throws(QueryError) -> Bool {
    let wanted: [Value]
    switch try evaluate(identifiers) {
    case .list(let values), .set(let values): wanted = values
    case let value: wanted = [value]
    }
    var seen: Set<Int64> = []
    for value in wanted {
      guard let id = value.elementID, seen.insert(id).inserted, let vertex = execution.graph.vertex(id: id) else {
        continue
      }
      execution.row[slot] = .vertex(vertex)
      guard try yield() else { return false }
    }
    return true
  }

  func scanEdges(_ slot: Int, _ labels: [String]?, _ yield: Yield) throws(QueryError) -> Bool {
    var goesOn = true
    func visit(_ edge: Edge) throws(QueryError) -> Bool {
      try execution.check()
      execution.row[slot] = .edge(edge)
      goesOn = try yield()
      return goesOn
    }
    guard let numbers = execution.names.edgeLabels(labels) else {
      try execution.graph.scanEdges(label: nil, visit)
      return goesOn
    }
    for number in numbers where goesOn { try execution.graph.scanEdges(label: number, visit) }
    return goesOn
  }
}

extension Value {
  /// The identifier of an element that a value names: a whole number, or the text of one.
  var elementID: Int64? {
    switch self {
    case .integer(let id): id
    case .integer32(let id): Int64(id)
    case .string(let text): Int64(text)
    case .float(let number): Int64(exactly: number)
    default: nil
    }
  }
}

/// A condition on labels, with the numbers of one graph.
enum LabelCondition {
  /// No element satisfies the condition.
  case none
  /// Each element satisfies the condition.
  case any
  /// The elements with one label satisfy it.
  case label(Int)
  /// The elements whose labels are admitted satisfy it.
  case composed(LabelExpression, GraphNames)

  init(_ expression: LabelExpression, _ names: GraphNames) {
    switch expression {
    case .label(let name): self = names.vertexLabel(name).map { .label($0) } ?? .none
    case .any: self = .composed(expression, names)
    default: self = .composed(expression, names)
    }
  }

  /// Whether an element with labels satisfies the condition.
  func admits(_ labels: [Int]) -> Bool {
    switch self {
    case .none: false
    case .any: true
    case .label(let number): labels.contains(number)
    case .composed(let expression, let names):
      expression.holds { name in
        names.vertexLabel(name).map(labels.contains) ?? false
      } any: {
        !labels.isEmpty
      }
    }
  }
}

extension LabelExpression {
  /// Whether the condition holds for an element of which `has` knows the labels.
  func holds(_ has: (String) -> Bool, any: () -> Bool) -> Bool {
    switch self {
    case .label(let name): has(name)
    case .any: any()
    case .and(let left, let right): left.holds(has, any: any) && right.holds(has, any: any)
    case .or(let left, let right): left.holds(has, any: any) || right.holds(has, any: any)
    case .not(let operand): !operand.holds(has, any: any)
    }
  }
}
