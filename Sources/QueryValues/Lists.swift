/// The operators on lists and sets, and `[ ]` of maps and temporal values.
public enum Lists {
  /// `element IN list`; null if it is unknown.
  /// - Throws: A type error if the second operand is no list.
  public static func membership(_ element: Value, _ list: Value) throws(QueryError) -> Value {
    let elements: [Value]
    switch list {
    case .null: return .null
    case .list(let values), .set(let values): elements = values
    default: throw .wrongType("IN", takes: "a list on its right", not: list)
    }
    var unknown = false
    for candidate in elements {
      switch Value.equals(element, candidate) {
      case true: return .boolean(true)
      case nil: unknown = true
      default: break
      }
    }
    return unknown ? .null : .boolean(false)
  }

  /// `base[index]`: an element of a list, counted from the end if negative; an entry of a map or a component of a temporal value by
  /// its name. Null behind the ends and for nulls.
  /// - Throws: A type error for a base without parts and an index of the wrong type.
  public static func subscripted(_ base: Value, _ index: Value) throws(QueryError) -> Value {
    switch base {
    case .null: return .null
    case .list(let values), .set(let values):
      if index.isNull { return .null }
      guard case .whole(let position) = index.number else {
        throw .wrongType("The index of a list", takes: "an integer", not: index)
      }
      let offset = position < 0 ? position + Int64(values.count) : position
      return offset >= 0 && offset < values.count ? values[Int(offset)] : .null
    case .map, .vertex, .edge, .temporal:
      if index.isNull { return .null }
      guard case .string(let key) = index else {
        throw QueryError(
          .type, detail: "MapElementAccessByNonString",
          "\(base.typeName) is accessed with \(index.typeName); use a text as key")
      }
      return try Components.property(key, of: base)
    default: throw .wrongType("[ ]", takes: "a list, a map, a node or a relationship", not: base)
    }
  }

  /// `base[from..to]`: the elements from one position up to and without another one. Positions count from the end if negative;
  /// those beyond the ends are the ends. Null if one of the operands is.
  /// - Throws: A type error for a base that is no list and a position that is no integer.
  public static func slice(_ base: Value, from: Value?, to: Value?) throws(QueryError) -> Value {
    let values: [Value]
    switch base {
    case .null: return .null
    case .list(let elements), .set(let elements): values = elements
    default: throw .wrongType("[ .. ]", takes: "a list", not: base)
    }
    if from?.isNull == true || to?.isNull == true { return .null }
    let start = if let from { try bound(from, values.count) } else { 0 }
    let end = if let to { try bound(to, values.count) } else { values.count }
    return .list(start < end ? Array(values[start..<end]) : [])
  }

  private static func bound(_ value: Value, _ count: Int) throws(QueryError) -> Int {
    guard case .whole(let position) = value.number else {
      throw .wrongType("A bound of [ .. ]", takes: "an integer", not: value)
    }
    let offset = position < 0 ? position + Int64(count) : position
    return Int(min(max(offset, 0), Int64(count)))
  }
}

/// Parts of values that need no graph.
public enum Components {
  /// `base.key`: an entry of a map or a component of a temporal value. Null for null and for keys that a map does not have.
  /// Properties of elements are read from the graph, not here.
  /// - Throws: A type error for values without parts, an argument error for a component that a temporal value does not have.
  public static func property(_ key: String, of base: Value) throws(QueryError) -> Value {
    switch base {
    case .null: return .null
    case .map(let map): return map[key] ?? .null
    case .temporal(let temporal): return try temporal.component(key)
    default:
      throw .wrongType("The property .\(key)", takes: "a node, a relationship, a map or a temporal value", not: base)
    }
  }
}
