import JSON

/// Finds the differences between two JSON values.
struct JSONDifference {
  private var found: [StateDiff.Difference] = []
  private var isCut = false
  private let bound: Int
  private let characters: Int

  /// Returns the differences between two values, at most `bound`. Values that are not JSON are compared as a whole.
  static func between(
    _ old: [UInt8], _ new: [UInt8], bound: Int, characters: Int
  ) -> (differences: [StateDiff.Difference], isCut: Bool) {
    var difference = JSONDifference(bound: bound, characters: characters)
    guard let oldValue = parsed(old), let newValue = parsed(new) else {
      difference.add("", difference.shown(old), difference.shown(new))
      return (difference.found, difference.isCut)
    }
    difference.compare("", oldValue, newValue)
    return (difference.found, difference.isCut)
  }

  private init(bound: Int, characters: Int) {
    self.bound = bound
    self.characters = characters
  }

  private static func parsed(_ bytes: [UInt8]) -> JSONValue? {
    String(validating: bytes, as: UTF8.self).flatMap { try? JSONValue(parsing: $0) }
  }

  private mutating func compare(_ path: String, _ old: JSONValue?, _ new: JSONValue?) {
    guard !isCut else { return }
    switch (old, new) {
    case (.object(let old), .object(let new)): compare(path, old, new)
    case (.array(let old), .array(let new)):
      for index in 0..<max(old.count, new.count) {
        compare(
          "\(path)[\(index)]", index < old.count ? old[index] : nil, index < new.count ? new[index] : nil)
      }
    default: if old != new { add(path, old.map { cut($0.encoded) }, new.map { cut($0.encoded) }) }
    }
  }

  private mutating func compare(
    _ path: String, _ old: [(key: String, value: JSONValue)], _ new: [(key: String, value: JSONValue)]
  ) {
    let before = Dictionary(old.map { ($0.key, $0.value) }) { $1 }
    let after = Dictionary(new.map { ($0.key, $0.value) }) { $1 }
    for key in Set(before.keys).union(after.keys).sorted() {
      compare(path.isEmpty ? Self.step(key) : "\(path).\(Self.step(key))", before[key], after[key])
    }
  }

  /// Returns a member's name as a path component, quoted if it could be mistaken for more than a name.
  private static func step(_ key: String) -> String {
    let isPlain =
      !key.isEmpty && key.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f } && !key.contains { ".[]\"".contains($0) }
    return isPlain ? key : JSONValue.string(key).encoded
  }

  private mutating func add(_ path: String, _ old: String?, _ new: String?) {
    guard found.count < bound else {
      isCut = true
      return
    }
    found.append(StateDiff.Difference(path: path, old: old, new: new))
  }

  private func shown(_ bytes: [UInt8]) -> String {
    guard let text = String(validating: bytes.prefix(4 * characters), as: UTF8.self) else {
      return "\(bytes.count) bytes"
    }
    return cut(JSONValue.string(text).encoded)
  }

  private func cut(_ text: String) -> String {
    text.count <= characters ? text : text.prefix(characters) + "…"
  }
}
