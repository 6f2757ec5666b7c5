// Treats paths and addresses as operating systems and drivers do: as bytes. A Swift character is a whole grapheme cluster, so a
// slash that is followed by a combining mark, or joined by a prepended mark, does not equal "/", and `split(separator: "/")` does
// not find it.
extension StringProtocol {
  /// The components of a path between its slashes, without empty ones.
  public var pathParts: [String] {
    utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Returns whether the text contains one of the ASCII characters, whatever surrounds it.
  public func holdsByte(of ascii: String) -> Bool { utf8.contains { ascii.utf8.contains($0) } }
}
