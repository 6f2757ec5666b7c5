import JSON

/// The attributes of a node or an edge, in the order in which their names were first given. Names differ when their bytes do.
public typealias Attributes = [(key: String, value: JSONValue)]

extension Attributes {
  /// The number of names from which looking one up is worth a table.
  private static let manyNames = 16

  /// Sets attributes; those of the same name are replaced in place.
  mutating func merge(_ other: Attributes) {
    if isEmpty, other.count <= 1 {
      self = other
      return
    }
    guard count > Self.manyNames || other.count > Self.manyNames else {
      for (key, value) in other {
        if let place = firstIndex(where: { $0.key.utf8.elementsEqual(key.utf8) }) {
          self[place].value = value
        } else {
          append((key, value))
        }
      }
      return
    }
    var places: [NodeID: Int] = [:]
    for (place, attribute) in enumerated() { places[.text(attribute.key)] = place }
    for (key, value) in other {
      if let place = places[.text(key)] {
        self[place].value = value
      } else {
        places[.text(key)] = count
        append((key, value))
      }
    }
  }

  /// Returns the value of an attribute; nil if there is none.
  public func value(of key: String) -> JSONValue? { first { $0.key.utf8.elementsEqual(key.utf8) }?.value }

  /// The bytes of memory that the attributes take, roughly.
  var heapBytes: Int { isEmpty ? 0 : reduce(32) { $0 + 32 + JSONValue.string($1.key).heapBytes + $1.value.heapBytes } }
}

extension JSONValue {
  /// The bytes of memory that the value takes beyond its own size, roughly.
  fileprivate var heapBytes: Int {
    switch self {
    case .null, .bool, .integer, .double: 0
    case .string(let text): text.utf8.count > 15 ? text.utf8.count + 32 : 0
    case .array(let elements): elements.reduce(32) { $0 + 16 + $1.heapBytes }
    case .object(let members): members.heapBytes
    }
  }
}
