// Makes texts from clients, files and child processes safe to display.

extension String {
  /// Returns the text with `replacement` in place of each character that could forge what a reader sees: control characters
  /// (which move a terminal's cursor), line and paragraph separators, and marks that change the direction of writing.
  public func harmless(replacement: Unicode.Scalar = "\u{fffd}") -> String {
    guard unicodeScalars.contains(where: \.isHarmful) else { return self }
    return String(String.UnicodeScalarView(unicodeScalars.map { $0.isHarmful ? replacement : $0 }))
  }

  /// Returns the beginning of the text for quoting in a message, with question marks in place of harmful characters.
  /// - Parameter limit: The maximum number of Unicode scalars.
  public func quotable(limit: Int = 64) -> String {
    String(String.UnicodeScalarView(unicodeScalars.prefix(limit))).harmless(replacement: "?")
  }
}

extension Unicode.Scalar {
  /// Whether the character controls a terminal or an editor instead of showing something.
  public var isHarmful: Bool {
    switch value {
    case 0..<0x20, 0x7f..<0xa0, 0x061c, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: true
    default: false
    }
  }
}
