import Glibc

/// Comparisons of texts by their Unicode scalars, as both query languages do. Swift's own operators take canonically equivalent
/// texts for equal.
enum Text {
  /// Whether both texts have the same scalars.
  static func same(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count && compare(left, right) == .equal
  }

  /// The order of the scalars, which is the order of the UTF-8 bytes.
  static func compare(_ left: String, _ right: String) -> Comparison {
    let fast = left.utf8.withContiguousStorageIfAvailable { leftBytes in
      right.utf8.withContiguousStorageIfAvailable { rightBytes in compare(leftBytes, rightBytes) }
    }
    if case .some(.some(let result)) = fast { return result }
    if left.utf8.elementsEqual(right.utf8) { return .equal }
    return left.utf8.lexicographicallyPrecedes(right.utf8) ? .less : .greater
  }

  private static func compare(
    _ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>
  ) -> Comparison {
    let common = min(left.count, right.count)
    if common > 0 {
      let difference = memcmp(left.baseAddress!, right.baseAddress!, common)
      if difference != 0 { return difference < 0 ? .less : .greater }
    }
    return Comparison(left.count, right.count)
  }

  /// Feeds the bytes of a text and its end.
  static func hash(_ text: String, into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    hasher.combine(0xFF as UInt8)
  }
}

extension Text {
  /// Whether a text has a part, in time proportional to their length.
  static func contains(_ text: String, _ part: String) -> Bool {
    var (text, part) = (text, part)
    return text.withUTF8 { text in
      part.withUTF8 { part in
        if part.isEmpty { return true }
        if part.count > text.count { return false }
        return text.count * min(part.count, 1 << 20) < 1 << 20 ? hasPart(text, part) : hasLongPart(text, part)
      }
    }
  }

  private static func hasPart(_ text: UnsafeBufferPointer<UInt8>, _ part: UnsafeBufferPointer<UInt8>) -> Bool {
    let last = text.count - part.count
    var position = 0
    while position <= last {
      guard let found = memchr(text.baseAddress! + position, Int32(part[0]), last - position + 1) else { return false }
      if memcmp(found, part.baseAddress!, part.count) == 0 { return true }
      position = UnsafeRawPointer(found) - UnsafeRawPointer(text.baseAddress!) + 1
    }
    return false
  }

  /// Knuth, Morris, Pratt, "Fast Pattern Matching in Strings" (1977): never looks at a byte of the text twice.
  private static func hasLongPart(_ text: UnsafeBufferPointer<UInt8>, _ part: UnsafeBufferPointer<UInt8>) -> Bool {
    var borders = [Int](repeating: 0, count: part.count)
    var length = 0
    for index in 1..<max(1, part.count) {
      while length > 0, part[index] != part[length] { length = borders[length - 1] }
      if part[index] == part[length] { length += 1 }
      borders[index] = length
    }
    length = 0
    for byte in text {
      while length > 0, byte != part[length] { length = borders[length - 1] }
      if byte == part[length] { length += 1 }
      if length == part.count { return true }
    }
    return false
  }
}
