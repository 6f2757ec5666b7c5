import JSON

/// The id of a node: any value that the client's networkx library accepts and the protocol carries.
///
/// Ids are equal when they are equal in Python: `1`, `1.0` and `True` are one node. A graph keeps the form in which it first
/// saw an id. Texts are equal when their bytes are.
public enum NodeID: Sendable {
  /// Python's None, which is an id only within a tuple.
  case null
  /// A truth value.
  case bool(Bool)
  /// An integer.
  case integer(Int64)
  /// A floating-point number.
  case double(Double)
  /// A text.
  case text(String)
  /// A tuple of ids.
  case tuple([NodeID])

  /// The integer that the id equals; nil if there is none.
  public var integer: Int64? {
    switch self {
    case .bool(let value): value ? 1 : 0
    case .integer(let value): value
    case .double(let value): Int64(exactly: value)
    case .null, .text, .tuple: nil
    }
  }
}

extension NodeID: Hashable {
  /// Compares two ids as Python does.
  public static func == (left: NodeID, right: NodeID) -> Bool {
    switch (left, right) {
    case (.integer(let a), .integer(let b)): a == b
    case (.text(let a), .text(let b)): a.utf8.elementsEqual(b.utf8)
    case (.tuple(let a), .tuple(let b)): a == b
    case (.null, .null): true
    case (.double(let a), .double(let b)): a == b
    default: left.integer.map { $0 == right.integer } ?? false
    }
  }

  /// Hashes equal ids to equal values.
  public func hash(into hasher: inout Hasher) {
    if let integer {
      hasher.combine(integer)
      return
    }
    switch self {
    case .text(var text): text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    case .double(let value): hasher.combine(value)
    case .tuple(let elements): hasher.combine(elements)
    case .null, .bool, .integer: hasher.combine(false)
    }
  }
}

extension NodeID {
  /// Creates an id from JSON; nil for objects, which are no ids.
  public init?(_ value: JSONValue) {
    switch value {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .integer(value)
    case .double(let value): self = .double(value)
    case .string(let text): self = .text(text)
    case .array(let elements):
      let ids = elements.compactMap { NodeID($0) }
      guard ids.count == elements.count else { return nil }
      self = .tuple(ids)
    case .object: return nil
    }
  }

  /// The id as JSON; a tuple is an array.
  public var json: JSONValue {
    switch self {
    case .null: .null
    case .bool(let value): .bool(value)
    case .integer(let value): .integer(value)
    case .double(let value): .double(value)
    case .text(let text): .string(text)
    case .tuple(let elements): .array(elements.map(\.json))
    }
  }

  /// The bytes of memory that the id takes beyond its own size.
  var heapBytes: Int {
    switch self {
    case .text(let text): text.utf8.count > 15 ? text.utf8.count + 32 : 0
    case .tuple(let elements): 32 + elements.reduce(0) { $0 + MemoryLayout<NodeID>.stride + $1.heapBytes }
    case .null, .bool, .integer, .double: 0
    }
  }
}
