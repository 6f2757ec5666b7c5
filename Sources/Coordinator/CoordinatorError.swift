/// Why a call about a session, not about one of its operations, failed.
public struct CoordinatorError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure; endpoints map it to a status of their protocol.
  public enum Code: String, Sendable {
    /// The client's version does not fit the server's.
    case versionMismatch
    /// No session of that id belongs to the caller.
    case unknownSession
    /// The session is being released.
    case sessionClosing
    /// A bound on sessions, steps or objects was reached.
    case limitReached
    /// The coordinator is shutting down.
    case shuttingDown
    /// Data that came with a call breaks the protocol.
    case protocolViolation
    /// An archive, file or argument is not acceptable.
    case invalidArgument
    /// What must be kept cannot be: the state store is full or cannot be reached.
    case stateUnavailable
    /// The operating system refused.
    case inputOutput
  }

  /// The kind of failure.
  public let code: Code
  /// What failed, why and what to do.
  public let message: String

  /// Makes an error.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
