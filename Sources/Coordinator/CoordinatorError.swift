import Support

/// The error of a call about a session, as opposed to one of its operations.
public struct CoordinatorError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure, which endpoints map to a status of their protocol.
  public enum Code: String, Sendable {
    /// The client's version is not compatible with the server's.
    case versionMismatch
    /// No session of that id belongs to the caller.
    case unknownSession
    /// The session is being released.
    case sessionClosing
    /// The step is not running: it has ended or never existed.
    case stepNotRunning
    /// A limit on sessions, steps or objects was reached.
    case limitReached
    /// The coordinator is shutting down.
    case shuttingDown
    /// The data of a call violates the protocol.
    case protocolViolation
    /// An archive, file or argument is not acceptable.
    case invalidArgument
    /// The state store is full or unreachable.
    case stateUnavailable
    /// An operating system call failed.
    case inputOutput
  }

  /// The kind of failure.
  public let code: Code
  /// What failed, why, and what to do.
  public let message: String

  /// Creates an error.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = Redaction.redacted(message)
  }

  /// The message.
  public var description: String { message }
}
