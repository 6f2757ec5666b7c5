import QueryAlgebra
import QueryValues

/// Composes arguments as both encodings of Gremlin read them: what consists of plain values is a value.
extension Bytecode.Argument {
  /// The value, if it is one.
  var plain: Value? {
    if case .value(let value) = self { value } else { nil }
  }

  static func composed(list elements: [Bytecode.Argument]) -> Bytecode.Argument {
    let values = elements.compactMap(\.plain)
    return values.count == elements.count ? .value(.list(values)) : .list(elements)
  }

  static func composed(set elements: [Bytecode.Argument]) -> Bytecode.Argument {
    let values = elements.compactMap(\.plain)
    guard values.count == elements.count else { return .list(elements) }
    var seen: Set<GroupingKey> = []
    return .value(.set(values.filter { seen.insert(GroupingKey($0)).inserted }))
  }

  static func composed(map entries: [(key: Bytecode.Argument, value: Bytecode.Argument)]) -> Bytecode.Argument {
    var map = ValueMap()
    for (key, value) in entries {
      guard let key = key.plain, let value = value.plain else { return .map(entries) }
      map[key] = value
    }
    return .value(.map(map))
  }

  /// A constant of an enumeration. Python writes names that are key words of its own with a line at the end.
  static func composed(constant name: String, of type: String) -> Bytecode.Argument {
    let name = name.hasSuffix("_") ? String(name.dropLast()) : name
    switch (type, name) {
    case ("T", _): return Token(rawValue: name).map { .value(.token($0)) } ?? .constant(type: type, name: name)
    case ("Direction", "OUT"), ("Direction", "from"): return .value(.token(.out))
    case ("Direction", "IN"), ("Direction", "to"): return .value(.token(.in))
    default: return .constant(type: type, name: name)
    }
  }

  /// A strategy by the name of its class, of which the last part counts.
  static func composed(strategy name: String, _ settings: [(key: String, value: Bytecode.Argument)])
    -> Bytecode.Argument
  {
    .strategy(name: name.split(separator: ".").last.map(String.init) ?? name, settings)
  }

  /// The identifier of an element.
  var elementID: Int64? {
    switch self {
    case .value(.integer(let id)): id
    case .value(.integer32(let id)): Int64(id)
    case .value(.string(let text)): Int64(text)
    default: nil
    }
  }

  static func composed(milliseconds: Int64) -> Bytecode.Argument {
    let seconds = milliseconds >= 0 ? milliseconds / 1000 : (milliseconds - 999) / 1000
    let nanoseconds = Int32(milliseconds - seconds * 1000) * 1_000_000
    return .value(
      .temporal(.dateTime(ZonedDateTime(seconds: seconds, nanoseconds: nanoseconds, offset: 0, zone: nil))))
  }

  /// A decimal number; nil if a floating-point number does not tell it apart from its neighbours.
  static func composed(unscaled: Int64, scale: Int32) -> Bytecode.Argument? {
    guard unscaled.magnitude < 1_000_000_000_000_000, (-290...290).contains(scale),
      let number = Double("\(unscaled)e\(-scale)")
    else { return nil }
    return .value(.float(number))
  }
}
