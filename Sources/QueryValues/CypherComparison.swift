extension Value {
  /// Whether two values are equal for `=` of Cypher; nil if that is unknown because of a null.
  ///
  /// Values of different types are unequal, numbers of all types are compared exactly, NaN equals nothing. Lists and maps are
  /// unequal if one pair of elements is, unknown if one pair is unknown, else equal.
  public static func equals(_ left: Value, _ right: Value) -> Bool? {
    switch (left, right) {
    case (.null, _), (_, .null): return nil
    case (.list(let left), .list(let right)), (.set(let left), .set(let right)): return equals(left, right)
    case (.map(let left), .map(let right)): return equals(left, right)
    default:
      if let left = left.number, let right = right.number { return Number.compare(left, right) == .equal }
      return left.isSame(as: right)
    }
  }

  /// Whether this value equals another one for `=` of Cypher; nil if that is unknown.
  public func equals(_ other: Value) -> Bool? { Self.equals(self, other) }

  /// Compares two values for `<`, `<=`, `>` and `>=` of Cypher; nil if they cannot be compared, which makes the operators null.
  ///
  /// Comparable are numbers with each other, texts, truth values, lists (element by element, then by length), and temporal values
  /// of the same type except durations. `unordered`, which NaN yields with numbers, makes all four operators false.
  public static func compare(_ left: Value, _ right: Value) -> Comparison? {
    switch (left, right) {
    case (.integer(let left), .integer(let right)): return Comparison(left, right)
    case (.string(let left), .string(let right)): return Text.compare(left, right)
    case (.boolean(let left), .boolean(let right)): return Comparison(left ? 1 : 0, right ? 1 : 0)
    case (.list(let left), .list(let right)): return compare(left, right)
    case (.temporal(let left), .temporal(let right)): return Temporal.compare(left, right)
    default:
      guard let left = left.number, let right = right.number else { return nil }
      return Number.compare(left, right)
    }
  }

  /// Whether `left < right` holds in Cypher; nil if that is unknown.
  public static func isLess(_ left: Value, _ right: Value) -> Bool? { compare(left, right).map { $0 == .less } }

  /// Whether `left <= right` holds in Cypher; nil if that is unknown.
  public static func isLessOrEqual(_ left: Value, _ right: Value) -> Bool? {
    compare(left, right).map { $0 == .less || $0 == .equal }
  }

  private static func equals(_ left: [Value], _ right: [Value]) -> Bool? {
    guard left.count == right.count else { return false }
    var result: Bool? = true
    for index in left.indices {
      switch equals(left[index], right[index]) {
      case false: return false
      case nil: result = nil
      default: break
      }
    }
    return result
  }

  private static func equals(_ left: ValueMap, _ right: ValueMap) -> Bool? {
    guard left.count == right.count else { return false }
    var result: Bool? = true
    for (key, value) in left.entries {
      guard let other = right[key] else { return false }
      switch equals(value, other) {
      case false: return false
      case nil: result = nil
      default: break
      }
    }
    return result
  }

  private static func compare(_ left: [Value], _ right: [Value]) -> Comparison? {
    for (left, right) in zip(left, right) {
      guard let comparison = compare(left, right) else { return nil }
      if comparison != .equal { return comparison }
    }
    return Comparison(left.count, right.count)
  }
}

extension Temporal {
  /// Compares two temporal values of one type; nil for values of different types and for durations, whose units have no fixed
  /// length. Values with an offset are compared as instants, then by offset and zone.
  static func compare(_ left: Temporal, _ right: Temporal) -> Comparison? {
    switch (left, right) {
    case (.date(let left), .date(let right)): return Comparison(left, right)
    case (.localTime(let left), .localTime(let right)): return Comparison(left, right)
    case (.time(let left, let leftOffset), .time(let right, let rightOffset)):
      return Comparison(utc(left, leftOffset), utc(right, rightOffset)).then(Comparison(leftOffset, rightOffset))
    case (.localDateTime(let left, let leftNanoseconds), .localDateTime(let right, let rightNanoseconds)):
      return Comparison(left, right).then(Comparison(leftNanoseconds, rightNanoseconds))
    case (.dateTime(let left), .dateTime(let right)):
      return Comparison(left.seconds, right.seconds).then(Comparison(left.nanoseconds, right.nanoseconds))
        .then(Comparison(left.offset, right.offset)).then(Text.compare(left.zone ?? "", right.zone ?? ""))
    default: return nil
    }
  }

  private static func utc(_ nanoseconds: Int64, _ offset: Int32) -> Int64 {
    nanoseconds - Int64(offset) * 1_000_000_000
  }
}
