import QueryValues

extension Query {
  /// The query with counts of expanded rows replaced by sums of degrees: the last step of a pattern that is only counted needs
  /// no row per edge.
  public var countingByDegree: Query {
    var query = self
    query.plan = plan.countingByDegree(&query.slots)
    return query
  }
}

extension Plan {
  fileprivate func countingByDegree(_ slots: inout Int) -> Plan {
    switch self {
    case .aggregate(.expand(let input, let expansion), let keys, let aggregations)
    where Self.isCounted(expansion, keys, aggregations):
      let degree = slots
      slots += 1
      let counted = Plan.assign(
        input.countingByDegree(&slots),
        [
          (
            slot: degree,
            value: .degree(
              of: expansion.from, expansion.direction, labels: expansion.labels, excluding: expansion.distinctFrom)
          )
        ])
      // A key without rows has no group.
      let rows =
        keys.isEmpty ? counted : .filter(counted, .binary(.greater, .slot(degree), .literal(.integer(0))))
      return .aggregate(
        rows, keys: keys,
        aggregations.map {
          Aggregation(slot: $0.slot, function: .sum, distinct: false, arguments: [.slot(degree)])
        })
    default: return mappingInputs { $0.countingByDegree(&slots) }
    }
  }

  /// Whether an aggregation counts the rows of an expansion and reads nothing of them.
  private static func isCounted(
    _ expansion: Expansion, _ keys: [(slot: Int, value: Expression)], _ aggregations: [Aggregation]
  ) -> Bool {
    let filled = Set([expansion.to] + (expansion.edge.map { [$0] } ?? []))
    return !expansion.intoBound && !aggregations.isEmpty
      && aggregations.allSatisfy { $0.function == .countAll }
      && keys.allSatisfy { SlotUse.of($0.value).isDisjoint(with: filled) }
  }
}
