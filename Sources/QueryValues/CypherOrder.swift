extension Value {
  /// The order of ORDER BY, `min` and `max` of Cypher, which has a place for every value; never `unordered`.
  ///
  /// Ascending: maps, vertices, edges, lists, paths, temporal values, texts, truth values, numbers, NaN, null.
  public static func order(_ left: Value, _ right: Value) -> Comparison {
    switch (left, right) {
    case (.integer(let left), .integer(let right)): return Comparison(left, right)
    case (.string(let left), .string(let right)): return Text.compare(left, right)
    default: break
    }
    let rank = left.cypherRank
    let ranks = Comparison(rank, right.cypherRank)
    return ranks == .equal ? orderWithinRank(left, right) : ranks
  }

  /// Whether the value comes before another one in ascending order.
  public func precedes(_ other: Value) -> Bool { Self.order(self, other) == .less }

  private var cypherRank: Int {
    switch self {
    case .map: 0
    case .vertex: 1
    case .edge: 2
    case .list, .set: 3
    case .path: 4
    case .temporal(let temporal): 5 + temporal.cypherRank
    case .property: 20
    case .token: 21
    case .string: 30
    case .boolean: 31
    case .integer, .float, .integer32, .float32: number!.isNaN ? 33 : 32
    case .null: 34
    }
  }

  private static func orderWithinRank(_ left: Value, _ right: Value) -> Comparison {
    switch (left, right) {
    case (.map(let left), .map(let right)): return order(left, right)
    case (.vertex(let left), .vertex(let right)): return Comparison(left.id, right.id)
    case (.edge(let left), .edge(let right)): return Comparison(left.id, right.id)
    case (.list(let left), .list(let right)), (.list(let left), .set(let right)), (.set(let left), .list(let right)),
      (.set(let left), .set(let right)):
      return order(left, right)
    case (.path(let left), .path(let right)): return order(left.objects, right.objects)
    case (.temporal(let left), .temporal(let right)): return Temporal.order(left, right)
    case (.property(let left), .property(let right)):
      return Text.compare(left.key, right.key).then(order(left.value, right.value))
    case (.token(let left), .token(let right)): return Text.compare(left.rawValue, right.rawValue)
    case (.boolean(let left), .boolean(let right)): return Comparison(left ? 1 : 0, right ? 1 : 0)
    default:
      guard let left = left.number, let right = right.number, !left.isNaN else { return .equal }
      return Number.compare(left, right)
    }
  }

  private static func order(_ left: [Value], _ right: [Value]) -> Comparison {
    for (left, right) in zip(left, right) {
      let comparison = order(left, right)
      if comparison != .equal { return comparison }
    }
    return Comparison(left.count, right.count)
  }

  /// Smaller maps first, then by the sorted keys, then by the values in the order of the keys.
  private static func order(_ left: ValueMap, _ right: ValueMap) -> Comparison {
    let sizes = Comparison(left.count, right.count)
    if sizes != .equal { return sizes }
    let leftEntries = left.entries.sorted { $0.key.precedes($1.key) }
    let rightEntries = right.entries.sorted { $0.key.precedes($1.key) }
    return order(leftEntries.map(\.key), rightEntries.map(\.key))
      .then(order(leftEntries.map(\.value), rightEntries.map(\.value)))
  }
}

extension Temporal {
  fileprivate var cypherRank: Int {
    switch self {
    case .dateTime: 0
    case .localDateTime: 1
    case .date: 2
    case .time: 3
    case .localTime: 4
    case .duration: 5
    }
  }

  /// The order of values of one type. Durations are ordered by their mean length: a month is 30.436875 days.
  static func order(_ left: Temporal, _ right: Temporal) -> Comparison {
    if case .duration(let left) = left, case .duration(let right) = right {
      return Comparison(left.meanSeconds, right.meanSeconds).then(Comparison(left.nanoseconds, right.nanoseconds))
        .then(Comparison(left.months, right.months)).then(Comparison(left.days, right.days))
    }
    return compare(left, right) ?? Comparison(left.cypherRank, right.cypherRank)
  }
}

extension DurationValue {
  /// Whole seconds if a month is a twelfth of 365.2425 days and a day has 86,400 seconds.
  var meanSeconds: Int128 { Int128(months) * 2_629_746 + Int128(days) * 86_400 + Int128(seconds) }
}
