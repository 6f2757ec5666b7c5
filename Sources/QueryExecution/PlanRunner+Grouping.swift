import QueryAlgebra
import QueryValues

extension PlanRunner {
  /// Groups rows by keys. The result keeps, beside keys and aggregates, the row that the plan was given.
  func aggregate(
    _ input: Plan, _ keys: [(slot: Int, value: Expression)], _ aggregations: [Aggregation], _ yield: Yield
  ) throws(QueryError) -> Bool {
    let given = execution.row
    var groups: [RowKey: Int] = [:]
    var order: [(keys: [Value], accumulators: [Accumulator])] = []
    let fresh = aggregations.map { Accumulator($0.function, distinct: $0.distinct) }
    if keys.isEmpty { order.append(([], fresh)) }
    let before = execution.account.used
    _ = try run(input) { () throws(QueryError) in
      var position = 0
      if !keys.isEmpty {
        var values: [Value] = []
        for key in keys { values.append(try evaluate(key.value)) }
        let key = RowKey(values)
        if let known = groups[key] {
          position = known
        } else {
          try execution.account.hold(values.reduce(120 + 80 * fresh.count) { $0 + $1.estimatedBytes })
          position = order.count
          groups[key] = position
          order.append((values, fresh))
        }
      }
      for (index, aggregation) in aggregations.enumerated() {
        var arguments: [Value] = []
        for argument in aggregation.arguments { arguments.append(try evaluate(argument)) }
        if aggregation.distinct || aggregation.function.keepsValues, let value = arguments.first {
          try execution.account.hold(value.estimatedBytes)
        }
        try order[position].accumulators[index].add(arguments)
      }
      return true
    }
    defer { execution.account.release(execution.account.used - before) }
    for group in order {
      execution.row = given
      for (key, value) in zip(keys, group.keys) { execution.row[key.slot] = value }
      for (aggregation, accumulator) in zip(aggregations, group.accumulators) {
        execution.row[aggregation.slot] = try accumulator.result()
      }
      guard try yield() else { return false }
    }
    return true
  }

  func distinct(_ input: Plan, _ slots: [Int], _ yield: Yield) throws(QueryError) -> Bool {
    var seen: Set<RowKey> = []
    let before = execution.account.used
    defer { execution.account.release(execution.account.used - before) }
    return try run(input) { () throws(QueryError) in
      let key = RowKey(slots.map { execution.row[$0] })
      guard seen.insert(key).inserted else { return true }
      try execution.account.hold(key.values.reduce(80) { $0 + $1.estimatedBytes })
      return try yield()
    }
  }

  /// Sorts rows stably. With `first`, no more than twice that many rows are kept at a time.
  func sort(_ input: Plan, _ keys: [SortKey], first: Int?, _ yield: Yield) throws(QueryError) -> Bool {
    if first == 0 { return true }
    var kept: [SortedRow] = []
    var arrivals = 0
    let before = execution.account.used
    defer { execution.account.release(execution.account.used - before) }
    func precedes(_ left: SortedRow, _ right: SortedRow) -> Bool {
      for (index, key) in keys.enumerated() {
        let order = Value.order(left.keys[index], right.keys[index])
        if order != .equal { return (order == .greater) == key.descending }
      }
      return left.arrival < right.arrival
    }
    func trim(to count: Int) {
      kept.sort(by: precedes)
      guard kept.count > count else { return }
      execution.account.release(kept[count...].reduce(0) { $0 + $1.bytes })
      kept.removeSubrange(count...)
    }
    _ = try run(input) { () throws(QueryError) in
      var values: [Value] = []
      for key in keys { values.append(try evaluate(key.value)) }
      let row = execution.row
      let bytes = row.reduce(64) { $0 + $1.estimatedBytes }
      try execution.account.hold(bytes)
      kept.append(SortedRow(keys: values, row: row, arrival: arrivals, bytes: bytes))
      arrivals += 1
      if let first, kept.count >= max(first, 512).multipliedReportingOverflow(by: 2).partialValue, first < kept.count {
        trim(to: first)
      }
      return true
    }
    trim(to: first ?? kept.count)
    for row in kept {
      execution.row = row.row
      guard try yield() else { return false }
    }
    return true
  }
}

/// A row with what it is ordered by.
private struct SortedRow {
  let keys: [Value]
  let row: [Value]
  let arrival: Int
  let bytes: Int
}

/// Values as a key of grouping.
struct RowKey: Hashable {
  let values: [Value]

  init(_ values: [Value]) { self.values = values }

  static func == (left: RowKey, right: RowKey) -> Bool {
    zip(left.values, right.values).allSatisfy { $0.isSame(as: $1) }
  }

  func hash(into hasher: inout Hasher) {
    for value in values { value.hashForGrouping(into: &hasher) }
  }
}

extension AggregateFunction {
  /// Whether the function needs all values at its end.
  var keepsValues: Bool {
    switch self {
    case .collect, .continuousPercentile, .discretePercentile: true
    default: false
    }
  }
}
