import QueryValues

/// The text of plans, for EXPLAIN and for tests: one operator a line, inputs indented below.
///
/// Slots are written `#0`. The text is made for people; its form may change.
public struct PlanText {
  private var lines: [String] = []

  /// The text of a query: its plan, and its columns with their slots.
  public static func describe(_ query: Query) -> String {
    let columns = query.columns.map { "\($0.name)=#\($0.slot)" }.joined(separator: ", ")
    return "Return \(columns)\n" + describe(query.plan, indent: 1)
  }

  /// The text of a plan.
  public static func describe(_ plan: Plan, indent: Int = 0) -> String {
    var text = PlanText()
    text.add(plan, indent)
    return text.lines.joined(separator: "\n")
  }

  /// The line of the plan's outermost operator.
  public static func line(_ plan: Plan) -> String {
    switch plan {
    case .argument: "Argument"
    case .measured(let plan, _): line(plan)
    case .scanVertices(_, let slot, let labels): "ScanVertices #\(slot)\(labels.map { ":" + describe($0) } ?? "")"
    case .seekVertices(_, let slot, let label, let key, let value):
      "SeekVertices #\(slot):\(label) \(key) = \(ExpressionText.describe(value))"
    case .vertexByID(_, let slot, let value): "VertexByID #\(slot) = \(ExpressionText.describe(value))"
    case .scanEdges(_, let slot, let labels): "ScanEdges #\(slot)\(types(labels))"
    case .expand(_, let expansion): "Expand \(describe(expansion, ""))"
    case .expandVariable(_, let expansion, let length): "ExpandVariable \(describe(expansion, bounds(length)))"
    case .shortestPaths(_, let paths):
      "\(paths.all ? "AllShortestPaths" : "ShortestPath") \(describe(paths.expansion, bounds(paths.length)))"
    case .filter(_, let condition): "Filter \(ExpressionText.describe(condition))"
    case .assign(_, let values): "Assign " + assignments(values)
    case .unwind(_, let slot, let list): "Unwind #\(slot) in \(ExpressionText.describe(list))"
    case .aggregate(_, let keys, let aggregations):
      "Aggregate [\(assignments(keys))] \(aggregations.map(describe).joined(separator: ", "))"
    case .sort(_, let keys):
      "Sort " + keys.map { ExpressionText.describe($0.value) + ($0.descending ? " DESC" : "") }.joined(separator: ", ")
    case .skip(_, let count): "Skip \(ExpressionText.describe(count))"
    case .limit(_, let count): "Limit \(ExpressionText.describe(count))"
    case .distinct(_, let slots): "Distinct \(list(slots))"
    case .union: "Union"
    case .apply: "Apply"
    case .optional(_, _, let nulls): "Optional \(list(nulls))"
    case .procedure(_, let name, let arguments, let results):
      "Procedure \(name)(\(arguments.map(ExpressionText.describe).joined(separator: ", "))) "
        + results.map { "#\($0.slot)=\($0.name)" }.joined(separator: ", ")
    case .create(_, let creations): "Create " + creations.map(describe).joined(separator: ", ")
    }
  }

  /// The plans that an operator reads, the one that gives it rows first.
  public static func inputs(_ plan: Plan) -> [Plan] {
    switch plan {
    case .argument: []
    case .measured(let plan, _): inputs(plan)
    case .scanVertices(let input, _, _), .seekVertices(let input, _, _, _, _), .vertexByID(let input, _, _),
      .scanEdges(let input, _, _), .expand(let input, _), .expandVariable(let input, _, _),
      .shortestPaths(let input, _), .filter(let input, _), .assign(let input, _), .unwind(let input, _, _),
      .aggregate(let input, _, _), .sort(let input, _), .skip(let input, _), .limit(let input, _),
      .distinct(let input, _), .procedure(let input, _, _, _), .create(let input, _):
      [input]
    case .union(let plans): plans
    case .apply(let outer, let inner), .optional(let outer, let inner, _): [outer, inner]
    }
  }

  /// The text of a label expression, as Cypher writes it.
  public static func describe(_ labels: LabelExpression) -> String {
    switch labels {
    case .label(let label): label
    case .any: "%"
    case .and(let left, let right): "(\(describe(left))&\(describe(right)))"
    case .or(let left, let right): "(\(describe(left))|\(describe(right)))"
    case .not(let inner): "!\(describe(inner))"
    }
  }

  private mutating func add(_ plan: Plan, _ indent: Int) {
    lines.append(String(repeating: "  ", count: indent) + PlanText.line(plan))
    let inputs = PlanText.inputs(plan)
    // A chain of operators stands in one column; what runs for each row is indented.
    var isChain = true
    if case .union = plan { isChain = false }
    for (index, input) in inputs.enumerated() { add(input, isChain && index == 0 ? indent : indent + 1) }
  }

  private static func describe(_ expansion: Expansion, _ bounds: String) -> String {
    let edge = "[\(expansion.edge.map { "#\($0)" } ?? "")\(types(expansion.labels))\(bounds)]"
    let left = expansion.direction == .in ? "<-" : "-"
    let right = expansion.direction == .out ? "->" : "-"
    let bound = expansion.intoBound ? " into" : ""
    let distinct = expansion.distinctFrom.isEmpty ? "" : " distinct from \(list(expansion.distinctFrom))"
    return "(#\(expansion.from))\(left)\(edge)\(right)(#\(expansion.to))\(bound)\(distinct)"
  }

  private static func bounds(_ length: VariableLength) -> String {
    var text = "*\(length.minimum)..\(length.maximum.map { "\($0)" } ?? "")"
    if length.reversed { text += " reversed" }
    if let (slot, condition) = length.condition { text += " where #\(slot): \(ExpressionText.describe(condition))" }
    return text
  }

  private static func describe(_ aggregation: Aggregation) -> String {
    let arguments = aggregation.arguments.map(ExpressionText.describe).joined(separator: ", ")
    let name = aggregation.function.rawValue
    return "#\(aggregation.slot)=\(name)(\(aggregation.distinct ? "distinct " : "")\(arguments))"
  }

  private static func describe(_ creation: Creation) -> String {
    switch creation {
    case .vertex(let slot, let labels, let properties):
      "(#\(slot)\(labels.map { ":" + $0 }.joined())\(properties.map { " " + ExpressionText.describe($0) } ?? ""))"
    case .edge(let slot, let from, let to, let label, let properties):
      "(#\(from))-[#\(slot):\(label)\(properties.map { " " + ExpressionText.describe($0) } ?? "")]->(#\(to))"
    }
  }

  private static func types(_ labels: [String]?) -> String { labels.map { ":" + $0.joined(separator: "|") } ?? "" }

  private static func list(_ slots: [Int]) -> String { slots.map { "#\($0)" }.joined(separator: ", ") }

  private static func assignments(_ values: [(slot: Int, value: Expression)]) -> String {
    values.map { "#\($0.slot)=\(ExpressionText.describe($0.value))" }.joined(separator: ", ")
  }
}
