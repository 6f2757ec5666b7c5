/// A line of the log store, with the objects that it is about.
public struct LogRecord: Sendable, Equatable, Codable {
  /// The severity of a record.
  public enum Level: String, Sendable, Codable, CaseIterable {
    case debug, info, notice, warning, error
  }

  /// The time in milliseconds since 1970.
  public var timeMilliseconds: Int64
  /// The severity.
  public var level: Level
  /// The text, without a line end.
  public var message: String
  /// The session that it is about.
  public var session: String?
  /// The step that it is about.
  public var step: String?
  /// The child process that it is about or comes from.
  public var child: String?
  /// In events and the audit trail: the object, as `kind/name`.
  public var object: String?
  /// In events: why, in one word, for example `LeaseExpired`. In the audit trail: the action.
  public var reason: String?
  /// In the audit trail: the principal that acted.
  public var author: String?
  /// In the audit trail: the revision of the transaction in the state store.
  public var revision: Int64?
  /// The tenant whose session it is about, or that acted; nil if there is none.
  public var tenant: String?

  /// Creates a record that is not about any object.
  public init(timeMilliseconds: Int64, level: Level, message: String) {
    self.timeMilliseconds = timeMilliseconds
    self.level = level
    self.message = message
  }
}

/// The streams of lines, kept separately.
public enum LogStream: Sendable, Hashable {
  /// Lines of the coordinator itself.
  case coordinator
  /// Lines that the client of a session may read.
  case session(String)
  /// Output of a child process.
  case child(String)
  /// Events: what happened to objects.
  case events
  /// The audit trail: which principal did what to which object.
  case audit
}
