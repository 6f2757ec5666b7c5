/// An error of the supervisor.
public struct SupervisionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure.
  public enum Code: String, Sendable {
    /// The specification is invalid.
    case invalidSpecification
    /// A child of that name already exists.
    case exists
    /// There is no child of that name.
    case unknownChild
    /// The maximum number of children is reached, or the system has no descriptors or processes left.
    case exhausted
    /// The process could not be started.
    case notStarted
    /// The child ended or was given up while a caller waited for it.
    case ended
    /// A file of the supervisor could not be read or written.
    case file
    /// The supervisor was closed and starts nothing.
    case closed
  }

  /// The kind of failure.
  public let code: Code
  /// What failed, why, and what to do.
  public let message: String

  /// Creates an error.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }

  static func file(_ path: String, _ failure: Int32) -> SupervisionError {
    SupervisionError(.file, "Cannot use \(path): \(describe(errno: failure)).")
  }
}
