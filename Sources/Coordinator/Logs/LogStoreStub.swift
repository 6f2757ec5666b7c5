public final class LogStore: Sendable {
  public init() {}
  func audit(author: String, action: String, object: String, revision: Int64) {}
  func event(object: String, reason: String, message: String, level: LogRecord.Level = .info) {}
}
