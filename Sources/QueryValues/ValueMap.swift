/// Values by key, in the order in which the keys came.
///
/// Keys are text for Cypher, values of any kind for Gremlin. Keys are equal as `Value.isSame(as:)` says.
public struct ValueMap: Sendable {
  private var order: [Value]
  private var values: [Value]
  private var positions: [GroupingKey: Int]

  /// Creates a map without entries.
  public init() {
    order = []
    values = []
    positions = [:]
  }

  /// Creates a map of entries; a later entry of the same key wins and keeps the earlier place.
  public init(_ entries: some Sequence<(String, Value)>) {
    self.init()
    for (key, value) in entries { self[.string(key)] = value }
  }

  /// The number of entries.
  public var count: Int { order.count }

  /// The keys in order.
  public var keys: [Value] { order }

  /// The entries in order.
  public var entries: [(key: Value, value: Value)] { Array(zip(order, values).map { (key: $0, value: $1) }) }

  /// The value of a key. Assigning nil does nothing to other entries and removes the key.
  public subscript(key: Value) -> Value? {
    get { positions[GroupingKey(key)].map { values[$0] } }
    set {
      let grouping = GroupingKey(key)
      if let position = positions[grouping] {
        if let newValue { values[position] = newValue } else { remove(at: position) }
      } else if let newValue {
        positions[grouping] = order.count
        order.append(key)
        values.append(newValue)
      }
    }
  }

  /// The value of a text key.
  public subscript(key: String) -> Value? {
    get { self[.string(key)] }
    set { self[.string(key)] = newValue }
  }

  private mutating func remove(at position: Int) {
    order.remove(at: position)
    values.remove(at: position)
    positions = [:]
    for (index, key) in order.enumerated() { positions[GroupingKey(key)] = index }
  }
}
