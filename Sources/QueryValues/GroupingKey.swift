/// A value as a key of grouping, of DISTINCT and of maps: values are the same if both languages would count them once.
///
/// `null` is the same as `null`, NaN the same as NaN, and `1` the same as `1.0`.
public struct GroupingKey: Hashable, Sendable {
  /// The value.
  public let value: Value

  /// Creates a key of a value.
  public init(_ value: Value) { self.value = value }

  /// Whether both values count as one.
  public static func == (left: GroupingKey, right: GroupingKey) -> Bool { left.value.isSame(as: right.value) }

  /// Feeds what `isSame(as:)` compares.
  public func hash(into hasher: inout Hasher) { value.hashForGrouping(into: &hasher) }
}
