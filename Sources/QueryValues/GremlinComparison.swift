/// Equality, comparison and order of Gremlin, as TinkerPop 3.7 defines them in its provider documentation
/// ("Gremlin Semantics": equality, comparability, orderability).
public enum GremlinComparison {
  /// Whether `P.eq` holds: numbers of all widths are compared numerically, null equals null, NaN equals nothing.
  public static func equals(_ left: Value, _ right: Value) -> Bool {
    switch (left, right) {
    case (.list(let left), .list(let right)): return equals(left, right)
    case (.path(let left), .path(let right)): return left.labels == right.labels && equals(left.objects, right.objects)
    case (.map(let left), .map(let right)):
      return left.count == right.count
        && left.entries.allSatisfy { entry in right[entry.key].map { equals(entry.value, $0) } ?? false }
    default:
      if let left = left.number, let right = right.number { return Number.compare(left, right) == .equal }
      return left.isSame(as: right)
    }
  }

  /// Compares for `P.lt`, `P.lte`, `P.gt` and `P.gte`; nil if the values are of different types or one is NaN, which is an error
  /// in Gremlin's three-valued logic: it filters, and so does its negation.
  public static func compare(_ left: Value, _ right: Value) -> Comparison? {
    switch (left, right) {
    case (.list(let left), .list(let right)): return compare(left, right)
    case (.path(let left), .path(let right)): return compare(left.objects, right.objects)
    default:
      guard rank(left) == rank(right) else { return nil }
      if let left = left.number, let right = right.number {
        let comparison = Number.compare(left, right)
        return comparison == .unordered ? nil : comparison
      }
      return order(left, right)
    }
  }

  /// The order of `order()`, which has a place for every value; never `unordered`.
  ///
  /// Ascending: null, truth values, numbers (NaN last), temporal values, texts, vertices, edges, properties of vertices, properties
  /// of edges, paths, sets, lists, maps, tokens. Properties of one vertex tie, so that they keep the order of their arrival.
  public static func order(_ left: Value, _ right: Value) -> Comparison {
    let ranks = Comparison(rank(left), rank(right))
    if ranks != .equal { return ranks }
    switch (left, right) {
    case (.string(let left), .string(let right)): return Text.compare(left, right)
    case (.boolean(let left), .boolean(let right)): return Comparison(left ? 1 : 0, right ? 1 : 0)
    case (.temporal(let left), .temporal(let right)): return Temporal.order(left, right)
    case (.vertex(let left), .vertex(let right)): return Comparison(left.id, right.id)
    case (.edge(let left), .edge(let right)): return Comparison(left.id, right.id)
    case (.property(let left), .property(let right)):
      if case .vertex = left.owner { return order(left.owner, right.owner) }
      return Text.compare(left.key, right.key).then(order(left.value, right.value))
    case (.path(let left), .path(let right)): return order(left.objects, right.objects)
    case (.set(let left), .set(let right)): return order(sorted(left), sorted(right))
    case (.list(let left), .list(let right)): return order(left, right)
    case (.map(let left), .map(let right)): return order(entries(left), entries(right))
    case (.token(let left), .token(let right)): return Text.compare(left.rawValue, right.rawValue)
    default:
      guard let left = left.number, let right = right.number else { return .equal }
      if left.isNaN || right.isNaN { return Comparison(left.isNaN ? 1 : 0, right.isNaN ? 1 : 0) }
      return Number.compare(left, right)
    }
  }

  private static func rank(_ value: Value) -> Int {
    switch value {
    case .null: 0
    case .boolean: 1
    case .integer, .float, .integer32, .float32: 2
    case .temporal: 3
    case .string: 4
    case .vertex: 5
    case .edge: 6
    case .property(let property): if case .vertex = property.owner { 7 } else { 8 }
    case .path: 9
    case .set: 10
    case .list: 11
    case .map: 12
    case .token: 13
    }
  }

  private static func equals(_ left: [Value], _ right: [Value]) -> Bool {
    left.count == right.count && zip(left, right).allSatisfy { equals($0, $1) }
  }

  private static func compare(_ left: [Value], _ right: [Value]) -> Comparison? {
    for (left, right) in zip(left, right) {
      guard let comparison = compare(left, right) else { return nil }
      if comparison != .equal { return comparison }
    }
    return Comparison(left.count, right.count)
  }

  private static func order(_ left: [Value], _ right: [Value]) -> Comparison {
    for (left, right) in zip(left, right) {
      let comparison = order(left, right)
      if comparison != .equal { return comparison }
    }
    return Comparison(left.count, right.count)
  }

  private static func sorted(_ values: [Value]) -> [Value] { values.sorted { order($0, $1) == .less } }

  /// Keys and values by turns, in the order of the keys.
  private static func entries(_ map: ValueMap) -> [Value] {
    map.entries.sorted { order($0.key, $1.key) == .less }.flatMap { [$0.key, $0.value] }
  }
}
