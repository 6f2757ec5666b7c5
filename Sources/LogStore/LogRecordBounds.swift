import Support

extension LogRecord {
  /// The maximum length of a message in UTF-8 bytes; longer messages are cut.
  public static let maximumMessageBytes = 64 * 1024
  /// The maximum length of the other texts in UTF-8 bytes.
  static let maximumFieldBytes = 1024

  /// Redacts keys and passwords, and cuts texts that are too long.
  mutating func bound() {
    // Cuts first, as the rest need not be redacted, and again afterwards, as the marks may be longer than the secrets.
    for _ in 0..<2 {
      if message.utf8.count > Self.maximumMessageBytes { message = Self.cut(message, Self.maximumMessageBytes) }
      message = Redaction.redacted(message)
    }
    Self.bound(&session)
    Self.bound(&step)
    Self.bound(&child)
    Self.bound(&object)
    Self.bound(&reason)
    Self.bound(&author)
    Self.bound(&tenant)
  }

  private static func bound(_ field: inout String?) {
    if let text = field, text.utf8.count > maximumFieldBytes { field = cut(text, maximumFieldBytes) }
  }

  private static func cut(_ text: String, _ bytes: Int) -> String {
    String(decoding: text.utf8.prefix(bytes), as: UTF8.self)
  }

  /// Makes the record belong to a stream.
  mutating func place(in stream: LogStream) {
    switch stream {
    case .session(let id): session = id
    case .child(let name): child = name
    case .coordinator, .events, .audit: break
    }
  }

  /// The approximate size in memory, in bytes.
  var queueBytes: Int {
    var bytes = 192 + message.utf8.count
    bytes += (session?.utf8.count ?? 0) + (step?.utf8.count ?? 0) + (child?.utf8.count ?? 0)
    bytes += (object?.utf8.count ?? 0) + (reason?.utf8.count ?? 0) + (author?.utf8.count ?? 0)
    bytes += tenant?.utf8.count ?? 0
    return bytes
  }
}
