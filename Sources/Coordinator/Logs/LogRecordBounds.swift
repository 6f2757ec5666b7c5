extension LogRecord {
  /// The longest message, in UTF-8 bytes; the rest is cut off.
  public static let maximumMessageBytes = 64 * 1024
  /// The longest of the other texts, in UTF-8 bytes.
  static let maximumFieldBytes = 1024

  /// Cuts what is too long.
  mutating func bound() {
    Self.cut(&message, Self.maximumMessageBytes)
    for field in [\LogRecord.session, \.step, \.child, \.object, \.reason, \.author] where self[keyPath: field] != nil {
      Self.cut(&self[keyPath: field]!, Self.maximumFieldBytes)
    }
  }

  private static func cut(_ text: inout String, _ bytes: Int) {
    guard text.utf8.count > bytes else { return }
    text = String(decoding: text.utf8.prefix(bytes), as: UTF8.self)
  }

  /// Makes the record one of a stream's.
  mutating func place(in stream: LogStream) {
    switch stream {
    case .session(let id): session = id
    case .child(let name): child = name
    case .coordinator, .events, .audit: break
    }
  }

  /// About what it takes in memory.
  var queueBytes: Int {
    var bytes = 192 + message.utf8.count
    for text in [session, step, child, object, reason, author] { bytes += text?.utf8.count ?? 0 }
    return bytes
  }
}
