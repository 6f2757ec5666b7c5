import QueryAlgebra
import QueryValues

/// Steps of local scope: they work inside of each object.
extension TraversalRunner {
  func local(_ step: Step, _ traverser: Traverser) throws(QueryError) -> Value? {
    let value = traverser.value
    switch step {
    case .dedup: return Self.elements(of: value).map { .set(Self.distinct($0)) } ?? value
    case .range(let from, let to, _): return Self.part(value, from, to)
    case .tail(let count, _):
      let size = Int64(Self.size(of: value))
      return Self.part(value, max(0, size - count), size, isSingle: count == 1)
    case .sample(let count, _, _): return sampled(value, count)
    case .order(let keys, _): return try ordered(value, keys, traverser)
    case .reduce(let reduction, _): return try reduced(reduction, value)
    default:
      throw QueryError(.internal, "A step was given to the wrong interpreter: \(step).")
    }
  }

  static func distinct(_ values: [Value]) -> [Value] {
    var seen: Set<GroupingKey> = []
    return values.filter { seen.insert(GroupingKey($0)).inserted }
  }

  private static func size(of value: Value) -> Int {
    if case .map(let map) = value { map.count } else { elements(of: value)?.count ?? 1 }
  }

  /// The elements from a position to another one. A part of one position is the element itself, not a collection.
  private static func part(_ value: Value, _ from: Int64, _ to: Int64?, isSingle: Bool? = nil) -> Value? {
    let single = isSingle ?? (to.map { $0 - from == 1 } ?? false)
    func slice<T>(_ elements: [T]) -> ArraySlice<T> {
      let first = min(Int(clamping: from), elements.count)
      return elements[first..<max(first, min(to.map { Int(clamping: $0) } ?? elements.count, elements.count))]
    }
    switch value {
    case .map(let map):
      var part = ValueMap()
      for entry in slice(map.entries) { part[entry.key] = entry.value }
      return .map(part)
    case .list(let values):
      let part = slice(values)
      return single ? part.first : .list(Array(part))
    case .set(let values):
      let part = slice(values)
      return single ? part.first : .set(Array(part))
    case .path(let path):
      return .path(Path(objects: Array(slice(path.objects)), labels: Array(slice(path.labels))))
    default: return value
    }
  }

  private func sampled(_ value: Value, _ count: Int64) -> Value {
    let count = Int(clamping: count)
    switch value {
    case .list(let values):
      return values.count <= count ? value : .list(Array(values.shuffled(using: &context.random).prefix(count)))
    case .set(let values):
      return values.count <= count ? value : .set(Array(values.shuffled(using: &context.random).prefix(count)))
    case .map(let map):
      var part = ValueMap()
      for entry in map.entries.shuffled(using: &context.random).prefix(count) { part[entry.key] = entry.value }
      return .map(part)
    default: return value
    }
  }

  private func ordered(_ value: Value, _ keys: [OrderKey], _ traverser: Traverser) throws(QueryError) -> Value {
    switch value {
    case .list(let values): return .list(try sorted(values.map { traverser.with($0) }, keys).map(\.value))
    case .set(let values): return .list(try sorted(values.map { traverser.with($0) }, keys).map(\.value))
    case .map(let map):
      let entries = map.entries.map { entry in
        var single = ValueMap()
        single[entry.key] = entry.value
        var result = traverser.with(.map(single))
        result.isEntry = true
        return result
      }
      var result = ValueMap()
      for entry in try sorted(entries, keys) {
        if case .map(let single) = entry.value, let entry = single.entries.first { result[entry.key] = entry.value }
      }
      return .map(result)
    default: return value
    }
  }

  private func reduced(_ reduction: Reduction, _ value: Value) throws(QueryError) -> Value? {
    if reduction == .count { return .integer(Int64(Self.size(of: value))) }
    let values: [Value]
    if case .map(let map) = value {
      values = map.entries.map(\.value)
    } else {
      values = Self.elements(of: value) ?? [value]
    }
    var accumulator = ReductionState(reduction)
    for value in values { try accumulator.add(value, times: 1) }
    return accumulator.result
  }

  /// Traversers in an order; those of which a criterion yields nothing are left out.
  func sorted(_ traversers: [Traverser], _ keys: [OrderKey]) throws(QueryError) -> [Traverser] {
    if keys.last?.direction == .shuffle { return traversers.shuffled(using: &context.random) }
    var rows: [(traverser: Traverser, keys: [Value])] = []
    rows.reserveCapacity(traversers.count)
    for traverser in traversers {
      var values: [Value] = []
      for key in keys {
        guard let value = try project(key.by, traverser) else { break }
        // Keys of maps of elements are texts and tokens, which are ordered by name.
        if case .token(let token) = value { values.append(.string(token.rawValue)) } else { values.append(value) }
      }
      if values.count == keys.count { rows.append((traverser, values)) }
    }
    // Swift's sort is stable in practice but not by contract: positions decide ties.
    let order = rows.indices.sorted { left, right in
      for (position, key) in keys.enumerated() {
        let comparison = GremlinComparison.order(rows[left].keys[position], rows[right].keys[position])
        if comparison != .equal { return (comparison == .less) != (key.direction == .descending) }
      }
      return left < right
    }
    return order.map { rows[$0].traverser }
  }
}
