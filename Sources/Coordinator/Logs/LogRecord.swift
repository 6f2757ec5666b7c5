/// A line of the log store, with what it is about.
public struct LogRecord: Sendable, Equatable, Codable {
  /// How much it matters.
  public enum Level: String, Sendable, Codable, CaseIterable {
    case debug, info, notice, warning, error
  }

  /// When, in milliseconds since 1970.
  public var timeMilliseconds: Int64
  /// How much it matters.
  public var level: Level
  /// The text, without a line end.
  public var message: String
  /// The session it is about.
  public var session: String?
  /// The step it is about.
  public var step: String?
  /// The child process it is about or comes from.
  public var child: String?
  /// For events and the audit trail: the object, as `kind/name`.
  public var object: String?
  /// For events: why, in one word, for example `LeaseExpired`; for the audit trail: what was done.
  public var reason: String?
  /// For the audit trail: who did it.
  public var author: String?
  /// For the audit trail: the transaction's revision in the state store.
  public var revision: Int64?
  /// The tenant whose session it is about, or who did it; nil where that is nobody in particular.
  public var tenant: String?

  /// A line about nothing in particular.
  public init(timeMilliseconds: Int64, level: Level, message: String) {
    self.timeMilliseconds = timeMilliseconds
    self.level = level
    self.message = message
  }
}

/// The series of lines that are kept apart.
public enum LogStream: Sendable, Hashable {
  /// What the coordinator itself says.
  case coordinator
  /// What a session's user may read.
  case session(String)
  /// What a child process writes.
  case child(String)
  /// What happened to objects.
  case events
  /// Who did what to which object.
  case audit
}
