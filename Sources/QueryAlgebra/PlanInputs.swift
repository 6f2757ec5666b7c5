import QueryValues

extension Plan {
  /// The plan with its direct inputs replaced.
  public func mappingInputs(_ change: (Plan) -> Plan) -> Plan {
    switch self {
    case .argument: self
    case .scanVertices(let input, let slot, let labels): .scanVertices(change(input), slot: slot, labels: labels)
    case .seekVertices(let input, let slot, let label, let key, let value):
      .seekVertices(change(input), slot: slot, label: label, key: key, value: value)
    case .vertexByID(let input, let slot, let ids): .vertexByID(change(input), slot: slot, ids)
    case .scanEdges(let input, let slot, let labels): .scanEdges(change(input), slot: slot, labels: labels)
    case .expand(let input, let expansion): .expand(change(input), expansion)
    case .expandVariable(let input, let expansion, let length): .expandVariable(change(input), expansion, length)
    case .shortestPaths(let input, let search): .shortestPaths(change(input), search)
    case .filter(let input, let condition): .filter(change(input), condition)
    case .assign(let input, let values): .assign(change(input), values)
    case .unwind(let input, let slot, let list): .unwind(change(input), slot: slot, list)
    case .aggregate(let input, let keys, let aggregations): .aggregate(change(input), keys: keys, aggregations)
    case .sort(let input, let keys): .sort(change(input), keys)
    case .skip(let input, let count): .skip(change(input), count)
    case .limit(let input, let count): .limit(change(input), count)
    case .distinct(let input, let slots): .distinct(change(input), slots: slots)
    case .union(let plans): .union(plans.map(change))
    case .apply(let input, let inner): .apply(change(input), change(inner))
    case .optional(let input, let inner, let nulls): .optional(change(input), change(inner), nulls: nulls)
    case .create(let input, let creations): .create(change(input), creations)
    case .procedure(let input, let name, let arguments, let results):
      .procedure(change(input), name: name, arguments: arguments, results: results)
    case .measured(let input, let number): .measured(change(input), number)
    }
  }

  /// The plan with an operator behind each of its operators that counts rows, numbered from 0 in the order of `PlanText`.
  public func measured() -> (plan: Plan, count: Int) {
    var next = 0
    func measure(_ plan: Plan) -> Plan {
      let number = next
      next += 1
      return .measured(plan.mappingInputs(measure), number)
    }
    return (measure(self), next)
  }
}

extension PlanDescription {
  /// The description of a plan.
  /// - Parameter rows: How many rows each operator yielded, in the order of `Plan.measured()`; nil if the plan did not run.
  public init(_ plan: Plan, rows: [Int64]? = nil) {
    var next = 0
    func describe(_ plan: Plan) -> PlanDescription {
      let number = next
      next += 1
      let words = PlanText.line(plan).split(separator: " ", maxSplits: 1).map(String.init)
      let details: [(key: String, value: Value)] = words.count > 1 ? [("Details", .string(words[1]))] : []
      return PlanDescription(
        name: words[0], details: details, identifiers: [], rows: rows?[number], hits: nil,
        children: PlanText.inputs(plan).map(describe))
    }
    self = describe(plan)
  }
}
