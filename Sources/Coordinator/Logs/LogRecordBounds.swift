extension LogRecord {
  /// The longest message, in UTF-8 bytes; the rest is cut off.
  public static let maximumMessageBytes = 64 * 1024
  /// The longest of the other texts, in UTF-8 bytes.
  static let maximumFieldBytes = 1024

  /// Cuts what is too long.
  mutating func bound() {
    if message.utf8.count > Self.maximumMessageBytes { message = Self.cut(message, Self.maximumMessageBytes) }
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
    bytes += (session?.utf8.count ?? 0) + (step?.utf8.count ?? 0) + (child?.utf8.count ?? 0)
    bytes += (object?.utf8.count ?? 0) + (reason?.utf8.count ?? 0) + (author?.utf8.count ?? 0)
    bytes += tenant?.utf8.count ?? 0
    return bytes
  }
}
