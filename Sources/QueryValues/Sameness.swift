extension Value {
  /// Whether grouping, DISTINCT and keys of maps take two values for one.
  ///
  /// Numbers are the same if they are numerically equal, whatever their width; NaN is the same as NaN and null as null. Texts are
  /// the same if their Unicode scalars are. Sets are the same in any order.
  public func isSame(as other: Value) -> Bool {
    switch (self, other) {
    case (.null, .null): return true
    case (.boolean(let left), .boolean(let right)): return left == right
    case (.integer(let left), .integer(let right)): return left == right
    case (.string(let left), .string(let right)): return Text.same(left, right)
    case (.list(let left), .list(let right)): return Self.same(left, right)
    case (.map(let left), .map(let right)): return Self.same(left, right)
    case (.vertex(let left), .vertex(let right)): return left == right
    case (.edge(let left), .edge(let right)): return left.id == right.id
    case (.path(let left), .path(let right)):
      return left === right || (left.labels == right.labels && Self.same(left.objects, right.objects))
    case (.temporal(let left), .temporal(let right)): return left == right
    case (.set(let left), .set(let right)):
      return left.count == right.count && Set(left.map(GroupingKey.init)) == Set(right.map(GroupingKey.init))
    case (.property(let left), .property(let right)): return left.isSame(as: right)
    case (.token(let left), .token(let right)): return left == right
    default:
      guard let left = number, let right = other.number else { return false }
      return (left.isNaN && right.isNaN) || Number.compare(left, right) == .equal
    }
  }

  /// Feeds a hasher such that values that are the same feed the same.
  public func hashForGrouping(into hasher: inout Hasher) {
    switch self {
    case .null: hasher.combine(0 as UInt8)
    case .boolean(let value): hasher.combine(value)
    case .integer(let value): hasher.combine(value)
    case .integer32(let value): hasher.combine(Int64(value))
    case .float(let value): Self.hash(value, into: &hasher)
    case .float32(let value): Self.hash(Double(value), into: &hasher)
    case .string(let value): Text.hash(value, into: &hasher)
    case .list(let values): Self.hash(values, discriminator: 1, into: &hasher)
    case .map(let map):
      hasher.combine(map.count)
      hasher.combine(Self.unorderedHash(map.entries.lazy.map { [$0.key, $0.value] }))
    case .vertex(let vertex): hasher.combine(vertex)
    case .edge(let edge): hasher.combine(edge.id)
    case .path(let path): Self.hash(path.objects, discriminator: 2, into: &hasher)
    case .temporal(let temporal): hasher.combine(temporal)
    case .set(let values): hasher.combine(Self.unorderedHash(values.lazy.map { [$0] }))
    case .property(let property):
      Text.hash(property.key, into: &hasher)
      property.value.hashForGrouping(into: &hasher)
    case .token(let token): hasher.combine(token)
    }
  }

  private static func same(_ left: [Value], _ right: [Value]) -> Bool {
    guard left.count == right.count else { return false }
    for index in left.indices where !left[index].isSame(as: right[index]) { return false }
    return true
  }

  private static func same(_ left: ValueMap, _ right: ValueMap) -> Bool {
    left.count == right.count
      && left.entries.allSatisfy { entry in right[entry.key].map { entry.value.isSame(as: $0) } ?? false }
  }

  private static func hash(_ value: Double, into hasher: inout Hasher) {
    if let whole = Int64(exactly: value) {
      hasher.combine(whole)
    } else {
      hasher.combine(value.isNaN ? Double.nan.bitPattern : value.bitPattern)
    }
  }

  private static func hash(_ values: [Value], discriminator: UInt8, into hasher: inout Hasher) {
    hasher.combine(discriminator)
    hasher.combine(values.count)
    for value in values { value.hashForGrouping(into: &hasher) }
  }

  /// A hash of groups of values that does not depend on the order of the groups.
  private static func unorderedHash(_ groups: some Sequence<[Value]>) -> Int {
    groups.reduce(0) { sum, group in
      var hasher = Hasher()
      for value in group { value.hashForGrouping(into: &hasher) }
      return sum &+ hasher.finalize()
    }
  }
}

extension Property {
  /// Whether two properties are the same: of vertices, those with the same owner, key and value; of edges, those with the same
  /// key and value, as TinkerPop defines it.
  public func isSame(as other: Property) -> Bool {
    guard Text.same(key, other.key), value.isSame(as: other.value) else { return false }
    switch (owner, other.owner) {
    case (.vertex(let left), .vertex(let right)): return left == right
    case (.vertex, _), (_, .vertex): return false
    default: return true
    }
  }
}

extension Temporal: Hashable {
  /// Whether both are of the same type with the same components; of zoned values, the same offset and zone, too.
  public static func == (left: Temporal, right: Temporal) -> Bool {
    switch (left, right) {
    case (.date(let left), .date(let right)): return left == right
    case (.localTime(let left), .localTime(let right)): return left == right
    case (.time(let left, let leftOffset), .time(let right, let rightOffset)):
      return left == right && leftOffset == rightOffset
    case (.localDateTime(let left, let leftNanoseconds), .localDateTime(let right, let rightNanoseconds)):
      return left == right && leftNanoseconds == rightNanoseconds
    case (.dateTime(let left), .dateTime(let right)):
      return left.seconds == right.seconds && left.nanoseconds == right.nanoseconds && left.offset == right.offset
        && left.zone == right.zone
    case (.duration(let left), .duration(let right)):
      return left.months == right.months && left.days == right.days && left.seconds == right.seconds
        && left.nanoseconds == right.nanoseconds
    default: return false
    }
  }

  /// Feeds the components, except those that follow from the others.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .date(let days): hasher.combine(days)
    case .localTime(let nanoseconds): hasher.combine(nanoseconds)
    case .time(let nanoseconds, let offset):
      hasher.combine(nanoseconds)
      hasher.combine(offset)
    case .localDateTime(let seconds, let nanoseconds):
      hasher.combine(seconds)
      hasher.combine(nanoseconds)
    case .dateTime(let value):
      hasher.combine(value.seconds)
      hasher.combine(value.nanoseconds)
    case .duration(let value):
      hasher.combine(value.months)
      hasher.combine(value.days)
      hasher.combine(value.seconds)
      hasher.combine(value.nanoseconds)
    }
  }
}
